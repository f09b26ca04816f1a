from forecast.runtime.names import slug


def test_a_slug_is_a_file_name_and_leaves_tickers_alone():
    assert slug("prices 2020/21: Bücher & Öl.csv") == "prices-2020-21-B-cher-l.csv"
    assert [slug(ticker) for ticker in ("^GSPC", "GC=F", "BRK-B", "7203.T")] == ["^GSPC", "GC=F", "BRK-B", "7203.T"]
