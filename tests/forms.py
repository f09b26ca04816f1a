"""One made-up week of prices, written in every form in which people have price files.

Each form is a function of no arguments that gives a file's name and bytes; `FORMS` says what a careful reader finds.
"""

import datetime as dt
import gzip
import io
import zipfile
from dataclasses import dataclass

DAYS = [dt.date(2021, 3, 8) + dt.timedelta(days=n) for n in range(19) if n % 7 < 5]
# Close, then open, high, low and volume; made up.
CLOSES = [
    1180.25,
    1191.5,
    1187.75,
    1203.0,
    1210.5,
    1198.25,
    1176.5,
    1182.0,
    1195.75,
    1201.25,
    1220.5,
    1215.0,
    1222.75,
    1230.0,
    1226.5,
]
BARS = [
    (day, round(close - 3.25 + n % 4, 2), close + 6.5, close - 9.75, close, 1_000_000 + 12_345 * n)
    for n, (day, close) in enumerate(zip(DAYS, CLOSES, strict=True))
]


@dataclass(frozen=True)
class Form:
    name: str
    data: bytes
    file: str = "prices.csv"
    target: str = "Close"
    closes: tuple = tuple(CLOSES)
    days: tuple = tuple(DAYS)
    findings: tuple = ()
    series: str | None = None


FORMS: list[Form] = []


def add(name, text, encoding="utf-8", **kw):
    data = text if isinstance(text, bytes) else text.encode(encoding)
    FORMS.append(Form(name, data, **kw))


def lines(row, bars=BARS):
    return "".join(row(*bar) + "\n" for bar in bars)


def us(x, digits=2):
    return f"{x:,.{digits}f}"


def eu(x, digits=2):
    return us(x, digits).translate(str.maketrans(",.", ".,"))


NEWEST = {"findings": ("newest_first",)}
BACK = BARS[::-1]
OHLCV = "Date,Open,High,Low,Close,Volume\n"


def iso(d, o, h, l, c, v):
    return f"{d},{o},{h},{l},{c},{v}"


# --- vendors of stock prices ---
add(
    "yahoo",
    "Date,Open,High,Low,Close,Adj Close,Volume\n"
    + lines(lambda d, o, h, l, c, v: f"{d},{o * 2},{h * 2},{l * 2},{c * 2},{c},{v}"),
    target="Adj Close",
)
add(
    "yahoo null rows",
    "Date,Open,High,Low,Close,Adj Close,Volume\n"
    + lines(lambda d, o, h, l, c, v: f"{d},{o},{h},{l},{c},{c},{v}", BARS[:5])
    + "2021-03-13,null,null,null,null,null,null\n"
    + lines(lambda d, o, h, l, c, v: f"{d},{o},{h},{l},{c},{c},{v}", BARS[5:]),
    target="Adj Close",
    findings=("missing_values",),
)
add(
    "yahoo web",
    ",Date,Open,High,Low,Close*,Adj Close**,Volume\n"
    + "".join(
        f'{n},"{d:%b %d, %Y}","{us(o)}","{us(h)}","{us(l)}","{us(c)}","{us(c)}",{v}\n'
        + (
            f'{n},"{d:%b %d, %Y}",0.22 Dividend,0.22 Dividend,0.22 Dividend,0.22 Dividend,0.22 Dividend,0.22 Dividend\n'
            if n == 4
            else ""
        )
        for n, (d, o, h, l, c, v) in enumerate(BACK)
    )
    + ",".join(["99"] + ["*Close price adjusted for splits."] * 7)
    + "\n",
    target="Adj Close**",
    findings=("newest_first", "non_numeric_rows", "footer"),
)
add(
    "yahoo new web, tabs",
    "Date\tOpen\tHigh\tLow\tClose Close price adjusted for splits.\tAdj Close Adjusted close price.\tVolume\n"
    + lines(
        lambda d, o, h, l, c, v: f"{d:%b} {d.day}, {d.year}\t{us(o)}\t{us(h)}\t{us(l)}\t{us(c)}\t{us(c)}\t{v:,}", BACK
    ),
    target="Adj Close Adjusted close price.",
    **NEWEST,
)
add("stooq", OHLCV.replace("\n", "\r\n") + lines(iso).replace("\n", "\r\n"))
add("stooq polish", "Data,Otwarcie,Najwyzszy,Najnizszy,Zamkniecie,Wolumen\n" + lines(iso), target="Zamkniecie")
add(
    "stooq ascii",
    "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>\n"
    + lines(lambda d, o, h, l, c, v: f"MADE.US,D,{d:%Y%m%d},000000,{o},{h},{l},{c},{v},0"),
    target="<CLOSE>",
)
add(
    "nasdaq",
    "Date,Close/Last,Volume,Open,High,Low\n"
    + lines(lambda d, o, h, l, c, v: f"{d:%m/%d/%Y},${c},{v},${o},${h},${l} ", BACK),
    target="Close/Last",
    **NEWEST,
)
add(
    "wsj",
    "Date, Open, High, Low, Close\n" + lines(lambda d, o, h, l, c, v: f"{d:%m/%d/%y}, {o}, {h}, {l}, {c}", BACK),
    **NEWEST,
)
add(
    "marketwatch",
    "Date,Open,High,Low,Close,Volume\n"
    + lines(lambda d, o, h, l, c, v: f'{d:%m/%d/%Y},"{us(o)}","{us(h)}","{us(l)}","{us(c)}","{v:,}"', BACK),
    **NEWEST,
)
add(
    "investing english",
    "\ufeff"
    + '"Date","Price","Open","High","Low","Vol.","Change %"\n'
    + lines(
        lambda d, o, h, l, c, v: f'"{d:%m/%d/%Y}","{us(c)}","{us(o)}","{us(h)}","{us(l)}","{v / 1e6:.2f}M","0.12%"',
        BACK,
    ),
    target="Price",
    **NEWEST,
)
add(
    "investing english, month names",
    '"Date","Price","Open","High","Low","Vol.","Change %"\n'
    + lines(lambda d, o, h, l, c, v: f'"{d:%b %d, %Y}","{us(c)}","{us(o)}","{us(h)}","{us(l)}","-","-0.12%"', BACK),
    target="Price",
    **NEWEST,
)
for language, header, form in (
    ("portuguese", '"Data","Último","Abertura","Máxima","Mínima","Vol.","Var%"', "%d.%m.%Y"),
    ("german", '"Datum","Zuletzt","Eröffn.","Hoch","Tief","Vol.","+/- %"', "%d.%m.%Y"),
    ("spanish", '"Fecha","Último","Apertura","Máximo","Mínimo","Vol.","% var."', "%d.%m.%Y"),
    ("french", '"Date","Dernier","Ouv."," Plus Haut","Plus Bas","Vol.","Variation %"', "%d/%m/%Y"),
    ("italian", '"Data","Ultimo","Apertura","Massimo","Minimo","Vol.","Var. %"', "%d.%m.%Y"),
    ("turkish", '"Tarih","Şimdi","Açılış","Yüksek","Düşük","Hac.","Fark %"', "%d.%m.%Y"),
    ("russian", '"Дата","Цена","Откр.","Макс.","Мин.","Объём","Изм. %"', "%d.%m.%Y"),
    ("dutch", '"Datum","Laatste","Open","Hoog","Laag","Vol.","Verschil %"', "%d-%m-%Y"),
    ("swedish", '"Datum","Senaste","Öppen","Högst","Lägst","Vol.","+/- %"', "%Y-%m-%d"),
    ("polish", '"Data","Ostatnio","Otwarcie","Max.","Min.","Wol.","Zmiana%"', "%d.%m.%Y"),
):
    add(
        f"investing {language}",
        "\ufeff"
        + header
        + "\n"
        + lines(
            lambda d, o, h, l, c, v, form=form: (
                f'"{d.strftime(form)}","{eu(c)}","{eu(o)}","{eu(h)}","{eu(l)}","{eu(v / 1e6)}M","0,12%"'
            ),
            BACK,
        ),
        target=header.split(",")[1].strip('"'),
        **NEWEST,
    )
for language, header, form in (
    ("japanese", '"日付け","終値","始値","高値","安値","出来高","変化率 %"', "%Y年%m月%d日"),
    ("korean", '"날짜","종가","시가","고가","저가","거래량","변동 %"', "%Y- %m- %d"),
    ("chinese", '"日期","收盘","开盘","高","低","交易量","涨跌幅"', "%Y-%m-%d"),
    ("chinese, long dates", '"日期","收盘","开盘","高","低","交易量","涨跌幅"', "%Y年%m月%d日"),
    ("hebrew", '"תאריך","אחרון","פתיחה","גבוה","נמוך","נפח","% שינוי"', "%d.%m.%Y"),
):
    add(
        f"investing {language}",
        header
        + "\n"
        + lines(
            lambda d, o, h, l, c, v, form=form: (
                f'"{d.strftime(form)}","{us(c)}","{us(o)}","{us(h)}","{us(l)}","{v / 1e6:.2f}M","0.12%"'
            ),
            BACK,
        ),
        target=header.split(",")[1].strip('"'),
        **NEWEST,
    )
add(
    "akshare",
    "日期,股票代码,开盘,收盘,最高,最低,成交量\n" + lines(lambda d, o, h, l, c, v: f"{d},300001,{o},{c},{h},{l},{v}"),
    encoding="gb18030",
    target="收盘",
)
add(
    "tushare",
    "ts_code,trade_date,open,high,low,close,pre_close,change,pct_chg,vol\n"
    + lines(lambda d, o, h, l, c, v: f"000001.SZ,{d:%Y%m%d},{o},{h},{l},{c},{c - 1},1,0.1,{v}", BACK),
    target="close",
    **NEWEST,
)
add(
    "tokyo, Shift-JIS",
    "日付,始値,高値,安値,終値,出来高\n" + lines(lambda d, o, h, l, c, v: f"{d:%Y/%m/%d},{o},{h},{l},{c},{v}"),
    encoding="cp932",
    target="終値",
)
add(
    "tokyo, title line",
    "1301 東証Ｐ 極洋(水産),,,,,\n日付,始値,高値,安値,終値,出来高\n"
    + lines(lambda d, o, h, l, c, v: f"{d},{o},{h},{l},{c},{v}"),
    encoding="cp932",
    target="終値",
    findings=("preamble",),
)
add(
    "korea, EUC-KR",
    "일자,종가,대비,등락률,시가,고가,저가,거래량\n"
    + lines(lambda d, o, h, l, c, v: f'"{d:%Y/%m/%d}","{c}","1","0.1","{o}","{h}","{l}","{v}"', BACK),
    encoding="cp949",
    target="종가",
    **NEWEST,
)
add(
    "taiwan, Minguo years",
    "日期,開盤價,最高價,最低價,收盤價\n"
    + lines(lambda d, o, h, l, c, v: f'"{d.year - 1911}/{d:%m/%d}","{us(o)}","{us(h)}","{us(l)}","{us(c)}"'),
    encoding="big5",
    target="收盤價",
)
add("alpha vantage", "timestamp,open,high,low,close,volume\n" + lines(iso, BACK), target="close", **NEWEST)
add(
    "alpha vantage json keys",
    "date,1. open,2. high,3. low,4. close,5. volume\n" + lines(iso, BACK),
    target="4. close",
    **NEWEST,
)
add(
    "tiingo",
    "date,close,high,low,open,volume,adjClose,adjHigh,adjLow,adjOpen,adjVolume,divCash,splitFactor\n"
    + lines(
        lambda d, o, h, l, c, v: f"{d}T00:00:00.000Z,{c * 2},{h * 2},{l * 2},{o * 2},{v},{c},{h},{l},{o},{v},0.0,1.0"
    ),
    target="adjClose",
)
add(
    "eodhd",
    "Date,Open,High,Low,Close,Adjusted_close,Volume\n"
    + lines(lambda d, o, h, l, c, v: f"{d},{o * 2},{h * 2},{l * 2},{c * 2},{c},{v}"),
    target="Adjusted_close",
)
add(
    "quandl wiki",
    "ticker,date,open,high,low,close,volume,ex-dividend,split_ratio,adj_open,adj_high,adj_low,adj_close,adj_volume\n"
    + lines(lambda d, o, h, l, c, v: f"MADE,{d},{o * 2},{h * 2},{l * 2},{c * 2},{v},0.0,1.0,{o},{h},{l},{c},{v}"),
    target="adj_close",
)
add(
    "quandl futures",
    "Date,Open,High,Low,Last,Change,Settle,Volume,Previous Day Open Interest\n"
    + lines(lambda d, o, h, l, c, v: f"{d},{o},{h},{l},{c + 1},0.5,{c},{v},1000"),
    target="Settle",
)
add(
    "macrotrends",
    'Macrotrends Data Download\n\nMADE - Historical Price and Volume Data\n\n\nDISCLAIMER AND TERMS OF USE: HISTORICAL DATA IS PROVIDED ""AS IS"", SOLELY FOR INFORMATION\n\n\n'
    + "date,open,high,low,close,volume\n"
    + lines(iso),
    target="close",
    findings=("preamble",),
)
add(
    "lseg",
    "\ufeffMade Inc | Price History;;;;\n;;;;\nMADE.OQ;;;;\nHistory Period: 08-Mar-2021 - 26-Mar-2021;;;;\nPrice;Volume;%Volume;Count;%Count\n280.00 - 300.00;67.639.410;0,36%;4;0,40%\n260.00 - 280.00;789.480.137;4,15%;45;4,49%\n;;;;\nExchange Date;Close;Net;Open;Volume\n"
    + lines(
        lambda d, o, h, l, c, v: (
            f"{d:%d-%b-%Y};{eu(c)};+1,0;{eu(o)};{v:,}".replace(",", ".")
            if False
            else f"{d:%d-%b-%Y};{eu(c)};+1,0;{eu(o)};{eu(v, 0)}"
        ),
        BACK,
    ),
    findings=("newest_first", "preamble"),
)
add(
    "bloomberg",
    "Security,MADE US Equity,,\nStart Date,3/8/2021,,\nEnd Date,3/26/2021,,\nPeriod,D,,\n,,,\nDate,PX_LAST,PX_OPEN,PX_VOLUME\n"
    + lines(lambda d, o, h, l, c, v: f"{d.month}/{d.day}/{d.year},{c},{o},{v}"),
    target="PX_LAST",
    findings=("preamble",),
)
add(
    "euronext",
    '"Historical Data"\n"From 2021-03-08 to 2021-03-26"\nNL0000000001\nDate;Open;High;Low;Last;Close;"Number of Shares";"Number of Trades";Turnover;vwap\n'
    + lines(lambda d, o, h, l, c, v: f"{d:%d/%m/%Y};{o};{h};{l};{c + 1};{c};{v};99;{v * 3};{c}"),
    findings=("preamble",),
)
add(
    "nasdaq nordic",
    "sep=;\nDate;Bid;Ask;Opening price;High price;Low price;Closing price;Average price;Total volume;Turnover;Trades;\n"
    + lines(
        lambda d, o, h, l, c, v: f"{d};{eu(c - 1)};{eu(c + 1)};{eu(o)};{eu(h)};{eu(l)};{eu(c)};{eu(c)};{v};{v};99;",
        BACK,
    ),
    target="Closing price",
    findings=("newest_first", "preamble"),
)
add(
    "ariva",
    "Datum;Erster;Hoch;Tief;Schlusskurs;Stuecke;Volumen\n"
    + lines(lambda d, o, h, l, c, v: f"{d};{eu(o)};{eu(h)};{eu(l)};{eu(c)};{eu(v, 0)};{eu(v, 0)}", BACK),
    encoding="cp1252",
    target="Schlusskurs",
    **NEWEST,
)
add(
    "frankfurt",
    "Datum;Eröffnung;Schluss;Tageshoch;Tagestief;Umsatz\n"
    + lines(lambda d, o, h, l, c, v: f"{d:%d.%m.%y};{eu(o)};{eu(c)};{eu(h)};{eu(l)};{eu(v, 0)}", BACK),
    encoding="cp1252",
    target="Schluss",
    **NEWEST,
)
add(
    "nse",
    '"Date ","series ","OPEN ","HIGH ","LOW ","PREV. CLOSE ","ltp ","close ","vwap ","52W H","52W L ","VOLUME ","VALUE ","No of trades "\n'
    + lines(
        lambda d, o, h, l, c, v: (
            f'"{d:%d-%b-%Y}","EQ","{us(o)}","{us(h)}","{us(l)}","{us(c - 2)}","{us(c + 1)}","{us(c)}","{us(c)}","1,300.00","900.00","{v:,}","12,34,567.89","999"'
        ),
        BACK,
    ),
    target="close",
    **NEWEST,
)
add(
    "bse",
    "Date,Open Price,High Price,Low Price,Close Price,WAP,No.of Shares,No. of Trades,Total Turnover (Rs.),Deliverable Quantity,% Deli. Qty to Traded Qty,Spread High-Low,Spread Close-Open,\n"
    + lines(
        lambda d, o, h, l, c, v: f"{d.day}-{d:%B-%Y},{o},{h},{l},{c},{c + 0.1},{v},99,{v},9,50.1,{h - l},{c - o},", BACK
    ),
    target="Close Price",
    **NEWEST,
)
add(
    "nse archive, no header",
    lines(lambda d, o, h, l, c, v: f'"{d:%d%m%y}","{o:.2f}","{h:.2f}","{l:.2f}","{c:.2f}","{v * 3}.25","{v}","99"'),
    target="column 5",
)
add(
    "google finance",
    "Date,Open,High,Low,Close,Volume\n"
    + lines(lambda d, o, h, l, c, v: f"{d.day}-{d:%b-%y},{o},{h},{l},{c},{v}", BACK),
    **NEWEST,
)
add("google sheets", "Date,Close\n" + lines(lambda d, o, h, l, c, v: f"{d.month}/{d.day}/{d.year} 16:00:00,{c}"))
add(
    "tradingview, epoch",
    "time,open,high,low,close,Volume\n"
    + lines(
        lambda d, o, h, l, c, v: (
            f"{int(dt.datetime(d.year, d.month, d.day, 14, 30, tzinfo=dt.UTC).timestamp())},{o},{h},{l},{c},{v}"
        )
    ),
    target="close",
)
add(
    "tradingview, zone",
    "time,open,high,low,close\n" + lines(lambda d, o, h, l, c, v: f"{d}T00:00:00-05:00,{o},{h},{l},{c}"),
    target="close",
)
add(
    "amibroker",
    "Ticker,Date/Time,Open,High,Low,Close,Volume\n"
    + lines(lambda d, o, h, l, c, v: f"MADE,{d.month}/{d.day}/{d.year},{o},{h},{l},{c},{v}"),
)
add(
    "metastock",
    "<TICKER>,<PER>,<DTYYYYMMDD>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>\n"
    + lines(lambda d, o, h, l, c, v: f"MADE,D,{d:%Y%m%d},000000,{o},{h},{l},{c},{v}"),
    target="<CLOSE>",
)
add(
    "metatrader 4, no header",
    lines(lambda d, o, h, l, c, v: f"{d:%Y.%m.%d},00:00,{o},{h},{l},{c},{v}"),
    target="column 6",
)
add(
    "metatrader 5, tabs",
    "<DATE>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>\n"
    + lines(lambda d, o, h, l, c, v: f"{d:%Y.%m.%d}\t{o}\t{h}\t{l}\t{c}\t{v}\t0\t3"),
    target="<CLOSE>",
    file="MADE.csv",
)
add(
    "dukascopy",
    "Gmt time,Open,High,Low,Close,Volume\n"
    + lines(lambda d, o, h, l, c, v: f"{d:%d.%m.%Y} 00:00:00.000,{o},{h},{l},{c},{v}"),
)
add("kaggle name", OHLCV.strip() + ",Name\n" + lines(lambda d, o, h, l, c, v: f"{d},{o},{h},{l},{c},{v},MADE"))
add(
    "r quantmod",
    '"","MADE.Open","MADE.High","MADE.Low","MADE.Close","MADE.Volume","MADE.Adjusted"\n'
    + lines(lambda d, o, h, l, c, v: f'"{d}",{o * 2},{h * 2},{l * 2},{c * 2},{v},{c}'),
    target="MADE.Adjusted",
)
add(
    "r write.table",
    '"Open" "High" "Low" "Close"\n' + lines(lambda d, o, h, l, c, v: f'"{d}" {o} {h} {l} {c}'),
    file="made.txt",
)
add(
    "yfinance, three header rows",
    "Price,Close,High,Low,Open,Volume\nTicker,MADE,MADE,MADE,MADE,MADE\nDate,,,,,\n"
    + lines(lambda d, o, h, l, c, v: f"{d},{c},{h},{l},{o},{v}"),
)
add(
    "yfinance, with indicators",
    "Price,Close,High,Low,Open,Volume,RSI,MACD\nTicker,MADE,MADE,MADE,MADE,MADE,,\nDate,,,,,,,\n"
    + lines(lambda d, o, h, l, c, v: f"{d},{c},{h},{l},{o},{v},50.5,0.1"),
)
add(
    "yfinance, two header rows",
    ",Close,High,Low,Open,Volume\nDate,MADE,MADE,MADE,MADE,MADE\n"
    + lines(lambda d, o, h, l, c, v: f"{d},{c},{h},{l},{o},{v}"),
)
add(
    "yfinance, volume only at the end",
    "Price,Close,High,Low,Open,Volume\nTicker,MADE,MADE,MADE,MADE,MADE\nDate,,,,,\n"
    + lines(lambda d, o, h, l, c, v: f"{d},{c},{h},{l},{o},{v}")
    + "2021-03-29,,,,,5000\n",
    findings=("missing_values", "sparse_tail"),
)
add(
    "yfinance, several tickers",
    "Price,Close,Close,Open,Open\nTicker,AAA,BBB,AAA,BBB\nDate,,,,\n"
    + lines(lambda d, o, h, l, c, v: f"{d},{c / 2},{c},{o / 2},{o}"),
    series="BBB",
    target="Close BBB",
)
add(
    "yfinance, grouped by ticker",
    "Ticker,AAA,AAA,BBB,BBB\nPrice,Open,Close,Open,Close\nDate,,,,\n"
    + lines(lambda d, o, h, l, c, v: f"{d},{o / 2},{c / 2},{o},{c}"),
    series="BBB",
    target="Close BBB",
)
add(
    "yfinance, flattened",
    "Date,\"('Close', 'AAA')\",\"('Close', 'BBB')\",\"('Open', 'AAA')\"\n"
    + lines(lambda d, o, h, l, c, v: f"{d},{c / 2},{c},{o / 2}"),
    series="BBB",
    target="('Close', 'BBB')",
)
add(
    "time zone",
    "Date,Open,High,Low,Close,Volume\n"
    + lines(lambda d, o, h, l, c, v: f"{d} 00:00:00-0{5 if d < dt.date(2021, 3, 14) else 4}:00,{o},{h},{l},{c},{v}"),
)
add(
    "midnight of Tokyo in UTC",
    "timestamp,close\n" + lines(lambda d, o, h, l, c, v: f"{d - dt.timedelta(days=1)} 15:00:00+00:00,{c}"),
    target="close",
)
# --- crypto and currencies ---
add(
    "binance klines, no header",
    lines(
        lambda d, o, h, l, c, v: (
            f"{int(dt.datetime(d.year, d.month, d.day, tzinfo=dt.UTC).timestamp() * 1000)},{o},{h},{l},{c},{v},{int(dt.datetime(d.year, d.month, d.day, 23, 59, 59, tzinfo=dt.UTC).timestamp() * 1000) + 999},{v * 9.5},99,{v / 2},{v * 4.5},0"
        )
    ),
    target="column 5",
)
add(
    "cryptodatadownload",
    "https://www.CryptoDataDownload.com\nunix,date,symbol,open,high,low,close,Volume MAD,Volume USD\n"
    + lines(
        lambda d, o, h, l, c, v: (
            f"{int(dt.datetime(d.year, d.month, d.day, tzinfo=dt.UTC).timestamp())},{d} 00:00:00,MAD/USD,{o},{h},{l},{c},{v},{v * c}"
        ),
        BACK,
    ),
    target="close",
    findings=("newest_first", "preamble"),
)
add(
    "coingecko",
    "snapped_at,price,market_cap,total_volume\n"
    + lines(lambda d, o, h, l, c, v: f"{d} 00:00:00 UTC,{c},{c * 1e6},{v}"),
    target="price",
)
add(
    "coinmarketcap",
    "timeOpen;timeClose;timeHigh;timeLow;name;open;high;low;close;volume;marketCap;timestamp\n"
    + lines(
        lambda d, o, h, l, c, v: (
            f'"{d}T00:00:00.000Z";"{d}T23:59:59.999Z";"{d}T03:11:00.000Z";"{d}T22:05:00.000Z";"2781";{o};{h};{l};{c};{v}.5;{c * 1e7};"{d}T23:59:59.999Z"'
        ),
        BACK,
    ),
    target="close",
    **NEWEST,
)
add(
    "polygon",
    "v,vw,o,c,h,l,t,n\n"
    + lines(
        lambda d, o, h, l, c, v: (
            f"{v},{c + 0.1},{o},{c},{h},{l},{int(dt.datetime(d.year, d.month, d.day, 4, tzinfo=dt.UTC).timestamp() * 1000)},999"
        )
    ),
    target="c",
)
# --- central banks, statistics, sales, weather ---
add("fred", "observation_date,DEXUSEU\n" + lines(lambda d, o, h, l, c, v: f"{d},{c}"), target="DEXUSEU")
add(
    "fred, dots for holidays",
    "DATE,DGS10\n"
    + lines(lambda d, o, h, l, c, v: f"{d},{c}", BARS[:5])
    + "2021-03-13,.\n"
    + lines(lambda d, o, h, l, c, v: f"{d},{c}", BARS[5:]),
    target="DGS10",
    findings=("missing_values",),
)
add(
    "bcb",
    "Data;11 - Taxa de juros - % a.d.\n"
    + lines(lambda d, o, h, l, c, v: f"{d:%d/%m/%Y};{eu(c).replace('.', '')}")
    + "Fonte;BCB-Demab\n",
    encoding="latin-1",
    target="11 - Taxa de juros - % a.d.",
    findings=("footer",),
)
add(
    "ecb",
    '"DATE","TIME PERIOD","US dollar/Euro (EXR.D.USD.EUR.SP00.A)"\n'
    + lines(lambda d, o, h, l, c, v: f'"{d}","{d.day} {d:%b %Y}","{c}"'),
    target="US dollar/Euro (EXR.D.USD.EUR.SP00.A)",
)
add(
    "bundesbank",
    ";BBEX3.D.USD.EUR;BBEX3.D.USD.EUR_FLAGS\n;Euro foreign exchange reference rate;\nunit;USD;\nlast update;2021-03-27 01:00:00;\n"
    + lines(lambda d, o, h, l, c, v: f"{d};{eu(c).replace('.', '')};"),
    target=None,
    findings=("preamble",),
)
add(
    "total line",
    "Date,Sales\n" + lines(lambda d, o, h, l, c, v: f"{d},{c}") + f"Total,{sum(CLOSES)}\n",
    target="Sales",
    findings=("footer",),
)
add(
    "footnotes",
    "Date;Sales\n" + lines(lambda d, o, h, l, c, v: f"{d:%d.%m.%Y};{eu(c)} €") + "\nSource: made up\n(1) preliminary\n",
    target="Sales",
    findings=("footer",),
)
add(
    "pipes and quotes",
    "Day|Value|Comment\n" + lines(lambda d, o, h, l, c, v: f'{d:%Y/%m/%d}|{us(c)}|"a, b; c"'),
    target="Value",
)
add(
    "blanks",
    "   Date      Value\n" + lines(lambda d, o, h, l, c, v: f"{d}   {c:9.2f}"),
    target="Value",
    file="made.txt",
)
add(
    "year, month and day apart",
    "year,month,day,temperature\n" + lines(lambda d, o, h, l, c, v: f"{d.year},{d.month},{d.day},{c}"),
    target="temperature",
)
add(
    "swiss apostrophes",
    "Datum;Kurs\n" + lines(lambda d, o, h, l, c, v: f"{d:%d.%m.%Y};{us(c)}".replace(",", "'")),
    target="Kurs",
)
add(
    "french spaces",
    "Date;Cours\n"
    + lines(lambda d, o, h, l, c, v: f"{d:%d/%m/%Y};{us(c).replace(',', chr(0x202F)).replace('.', ',')} €"),
    target="Cours",
)
add(
    "indian groups",
    "Date,Turnover,Price\n" + lines(lambda d, o, h, l, c, v: f'{d:%d-%m-%Y},"1,23,45,678.90","₹ {us(c)}"'),
    target="Price",
)
add(
    "brackets for negatives",
    "Date,Profit\n2021-03-08,12.5\n2021-03-09,(3.25)\n2021-03-10,4\n",
    target="Profit",
    closes=(12.5, -3.25, 4.0),
    days=tuple(DAYS[:3]),
)
add("utf-16", OHLCV.replace(",", "\t") + lines(iso).replace(",", "\t"), encoding="utf-16")
add("old Mac lines", (OHLCV + lines(iso)).replace("\n", "\r"))
add("unsorted", OHLCV + lines(iso, BARS[7:] + BARS[:7]), findings=("unsorted",))
add("equal dates twice", OHLCV + lines(iso, BARS + BARS[3:5]), findings=("duplicate_dates", "unsorted"))
add(
    "header again in the middle",
    OHLCV + lines(iso, BARS[:7]) + OHLCV + lines(iso, BARS[7:]),
    findings=("non_numeric_rows",),
)
add(
    "ragged rows",
    OHLCV + lines(lambda d, o, h, l, c, v: f"{d},{o},{h},{l},{c}" if d.day % 2 else f"{d},{o},{h},{l},{c},{v}"),
)
add(
    "unix time with fraction",
    "Timestamp,Close\n"
    + lines(lambda d, o, h, l, c, v: f"{int(dt.datetime(d.year, d.month, d.day, tzinfo=dt.UTC).timestamp())}.0,{c}"),
)
add("excel days", "Date,Close\n" + lines(lambda d, o, h, l, c, v: f"{(d - dt.date(1899, 12, 30)).days},{c}"))
add("weekday names", "Date,Close\n" + lines(lambda d, o, h, l, c, v: f'"{d:%A, %B} {d.day}, {d.year}",{c}'))
add(
    "german months",
    "Datum;Wert\n" + lines(lambda d, o, h, l, c, v: f"{d.day}. März {d.year};{eu(c)}"),
    target="Wert",
    encoding="cp1252",
)
# --- several series in one file ---
add(
    "long",
    "date,symbol,open,close,low,high,volume\n"
    + "".join(
        f"{d},AAA,{o / 2},{c / 2},{l / 2},{h / 2},{v}\n{d},BBB,{o},{c},{l},{h},{v}\n" for d, o, h, l, c, v in BARS
    ),
    series="BBB",
    target="close",
)
add(
    "long, numbered stores",
    "Store,Dept,Date,Weekly_Sales,IsHoliday\n"
    + "".join(f"{s},{p},{d},{c * s + p - 3},FALSE\n" for s in (1, 2) for p in (1, 2) for d, o, h, l, c, v in BARS),
    series="1/2",
    target="Weekly_Sales",
    closes=tuple(c - 1 for c in CLOSES),
)
add(
    "long, one after the other",
    "Date,Ticker,Close\n"
    + "".join(f"{d},AAA,{c / 2}\n" for d, *_, c, v in BARS)
    + "".join(f"{d},BBB,{c}\n" for d, *_, c, v in BARS),
    series="BBB",
)
add(
    "wide",
    "Date,AAA,BBB,CCC\n" + lines(lambda d, o, h, l, c, v: f"{d},{c / 2},{c},{c * 3}"),
    series="BBB",
    target="BBB",
)
add(
    "wide, decimal comma",
    "Datum;AAA;BBB\n" + lines(lambda d, o, h, l, c, v: f"{d:%d.%m.%Y};{eu(c / 2)};{eu(c)}"),
    series="BBB",
    target="BBB",
)
# --- packed ---
add("gzip", gzip.compress((OHLCV + lines(iso)).encode()), file="prices.csv.gz")
buffer = io.BytesIO()
with zipfile.ZipFile(buffer, "w") as archive:
    archive.writestr("inner/prices.csv", OHLCV + lines(iso))
add("zip", buffer.getvalue(), file="prices.zip")
# --- more ---
add("histdata, no header", lines(lambda d, o, h, l, c, v: f"{d:%Y%m%d} 170000;{o};{h};{l};{c};0"), target="column 5")
add(
    "finam",
    "<TICKER>;<PER>;<DATE>;<TIME>;<OPEN>;<HIGH>;<LOW>;<CLOSE>;<VOL>\n"
    + lines(lambda d, o, h, l, c, v: f"MADE;D;{d:%d%m%y};000000;{o};{h};{l};{c};{v}"),
    target="<CLOSE>",
)
add(
    "date and time apart",
    "Date,Time,Open,High,Low,Close\n" + lines(lambda d, o, h, l, c, v: f"{d:%m/%d/%Y},16:00,{o},{h},{l},{c}"),
)
add(
    "german weather",
    "STATIONS_ID;MESS_DATUM;TMK;eor\n" + lines(lambda d, o, h, l, c, v: f"         44;{d:%Y%m%d};   {c};eor"),
    target="TMK",
)
add(
    "household power",
    "Date;Time;Power\n"
    + lines(lambda d, o, h, l, c, v: f"{d.day}/{d.month}/{d.year};17:24:00;{c}", BARS[:4])
    + "13/3/2021;17:24:00;?\n"
    + lines(lambda d, o, h, l, c, v: f"{d.day}/{d.month}/{d.year};17:24:00;{c}", BARS[4:]),
    target="Power",
    findings=("missing_values", "unsorted"),
)
add(
    "kraken, no header",
    lines(
        lambda d, o, h, l, c, v: (
            f"{int(dt.datetime(d.year, d.month, d.day, tzinfo=dt.UTC).timestamp())},{o},{h},{l},{c},{v}.25,99"
        )
    ),
    target="column 5",
)
add(
    "bitstamp with NaN",
    "Timestamp,Open,High,Low,Close,Volume_(BTC),Weighted_Price\n"
    + lines(
        lambda d, o, h, l, c, v: (
            f"{int(dt.datetime(d.year, d.month, d.day, tzinfo=dt.UTC).timestamp())},{o},{h},{l},{c},{v},{c}"
        ),
        BARS[:5],
    )
    + f"{int(dt.datetime(2021, 3, 13, tzinfo=dt.UTC).timestamp())},NaN,NaN,NaN,NaN,NaN,NaN\n"
    + lines(
        lambda d, o, h, l, c, v: (
            f"{int(dt.datetime(d.year, d.month, d.day, tzinfo=dt.UTC).timestamp())},{o},{h},{l},{c},{v},{c}"
        ),
        BARS[5:],
    ),
    findings=("missing_values",),
)
add(
    "comments with hashes",
    "# made-up prices\n# one row a day, close in USD\nDate,Close\n" + lines(lambda d, o, h, l, c, v: f"{d},{c}"),
    findings=("preamble",),
)
add(
    "long, variable and value",
    "date,variable,value\n" + "".join(f"{d},AAA,{c / 2}\n{d},BBB,{c}\n" for d, *_, c, v in BARS),
    series="BBB",
    target="value",
)
add(
    "weather station",
    '"STATION","NAME","DATE","TMAX"\n' + lines(lambda d, o, h, l, c, v: f'"X001","MADE, NN","{d}","{c}"'),
    target="TMAX",
)
add(
    "two kinds of dates",
    "Date,Close\n"
    + lines(lambda d, o, h, l, c, v: f"{d},{c}", BARS[:7])
    + lines(lambda d, o, h, l, c, v: f"{d:%m/%d/%Y},{c}", BARS[7:]),
)
add(
    "empty rows",
    "Date,Close,,\n"
    + lines(lambda d, o, h, l, c, v: f"{d},{c},,", BARS[:7])
    + ",,,\n,,,\n"
    + lines(lambda d, o, h, l, c, v: f"{d},{c},,", BARS[7:])
    + ",,,\n,,,\n",
)
add("dates in the last column", "Close,Volume,Date\n" + lines(lambda d, o, h, l, c, v: f"{c},{v},{d:%d-%m-%Y}"))
add("nanoseconds", "Date,Close\n" + lines(lambda d, o, h, l, c, v: f"{d} 00:00:00.000000000,{c}"))
add("rfc 2822", "Date;Close\n" + lines(lambda d, o, h, l, c, v: f"{d:%a, %d %b %Y} 00:00:00 GMT;{c}"))
add(
    "swedish crowns",
    "Datum\tKurs\n" + lines(lambda d, o, h, l, c, v: f"{d}\t{us(c).replace(',', chr(0xA0)).replace('.', ',')} kr"),
    target="Kurs",
)
add("money code", "Date;Price\n" + lines(lambda d, o, h, l, c, v: f"{d:%d/%m/%Y};EUR {eu(c)}"), target="Price")
add(
    "quoted semicolons",
    '"Fecha";"Cierre"\n' + lines(lambda d, o, h, l, c, v: f'"{d:%d/%m/%Y}";"{eu(c)}"'),
    target="Cierre",
)
add(
    "unknown language",
    "Kuupäev;Avamine;Kõrgeim;Madalaim;Sulgemine\n"
    + lines(lambda d, o, h, l, c, v: f"{d:%d.%m.%Y};{eu(o)};{eu(h)};{eu(l)};{eu(c)}"),
    target="Sulgemine",
)
add(
    "previous close",
    "Date,Prev Close,Open,High,Low,Last,Close,VWAP,Volume\n"
    + lines(lambda d, o, h, l, c, v: f"{d},{c - 1},{o},{h},{l},{c + 0.5},{c},{c},{v}"),
)
add("korean won", "일자,종가\n" + lines(lambda d, o, h, l, c, v: f'{d:%Y.%m.%d},"{us(c)}원"'), target="종가")
add("thousands of volume only", "Date,Close,Volume\n" + lines(lambda d, o, h, l, c, v: f'{d},{c},"{v:,}"'))
add(
    "title above, no blank line",
    "Daily prices of MADE\nDate,Open,High,Low,Close\n" + lines(lambda d, o, h, l, c, v: f"{d},{o},{h},{l},{c}"),
    findings=("preamble",),
)
add(
    "units under the header",
    "Date;Close;Volume\n;[EUR];[pieces]\n" + lines(lambda d, o, h, l, c, v: f"{d:%d.%m.%Y};{eu(c)};{v}"),
    target=None,
)
add("first row is the newest, once", OHLCV + lines(iso, BARS[-1:] + BARS[:-1]), findings=("unsorted",))
add(
    "two header rows of a spreadsheet",
    "MADE,,,\nDate,Open,Close,Volume\n" + lines(lambda d, o, h, l, c, v: f"{d},{o},{c},{v}"),
    findings=("preamble",),
)
add(
    "stocks with numbers as codes",
    "date,code,close\n" + "".join(f"{d:%Y%m%d},000001,{c / 2}\n{d:%Y%m%d},600000,{c}\n" for d, *_, c, v in BARS),
    series="000001",
    target="close",
    closes=tuple(c / 2 for c in CLOSES),
)
add("day of the year", "Date,Value,Forecast\n" + lines(lambda d, o, h, l, c, v: f"{d},{c},"), target="Value")
add(
    "monthly index",
    "Month,Sales\n" + "".join(f"{y}-{m:02d},{y - 1900 + m}\n" for y in (2000, 2001) for m in range(1, 13)),
    target="Sales",
    days=tuple(dt.date(y, m, 1) for y in (2000, 2001) for m in range(1, 13)),
    closes=tuple(y - 1900 + m for y in (2000, 2001) for m in range(1, 13)),
)
add(
    "months in slashes",
    "Month,Sales\n" + "".join(f"1/{m}/{y},{y - 1900 + m}\n" for y in (2000, 2001) for m in range(1, 13)),
    target="Sales",
    days=tuple(dt.date(y, m, 1) for y in (2000, 2001) for m in range(1, 13)),
    closes=tuple(y - 1900 + m for y in (2000, 2001) for m in range(1, 13)),
    findings=("ambiguous_dates",),
)
add(
    "years",
    "Year;Births\n" + "".join(f"{y};{y * 2 % 97 + 1000}\n" for y in range(1950, 1990)),
    target="Births",
    days=tuple(dt.date(y, 1, 1) for y in range(1950, 1990)),
    closes=tuple(y * 2 % 97 + 1000 for y in range(1950, 1990)),
)
add(
    "mauna loa",
    "# made-up CO2\n# yr mn day value\n"
    + "".join(f"{y}  {m:2d}  15   {300 + y - 1990 + m / 10:.2f}\n" for y in (1990, 1991) for m in range(1, 13)),
    file="co2.txt",
    target=None,
    days=tuple(dt.date(y, m, 15) for y in (1990, 1991) for m in range(1, 13)),
    closes=tuple(round(300 + y - 1990 + m / 10, 2) for y in (1990, 1991) for m in range(1, 13)),
    findings=("preamble",),
)
add(
    "long, several values",
    "Date,Store,Sales,Customers\n" + "".join(f"{d},{s},{c * s},{v}\n" for s in (1, 2) for d, o, h, l, c, v in BARS),
    series="1",
    target="Sales",
)
add(
    "year by months",
    "Year,Jan,Feb,Mar,Apr,May,Jun,Jul,Aug,Sep,Oct,Nov,Dec,J-D\n"
    + "".join(
        f"{y},"
        + ",".join(f"{y - 1990 + m / 10:.1f}" if (y, m) != (1993, 12) else "***" for m in range(1, 13))
        + ",9.9\n"
        for y in (1991, 1992, 1993)
    ),
    target="value",
    days=tuple(dt.date(y, m, 1) for y in (1991, 1992, 1993) for m in range(1, 13))[:-1],
    closes=tuple(round(y - 1990 + m / 10, 1) for y in (1991, 1992, 1993) for m in range(1, 13))[:-1],
    findings=("missing_values", "sparse_tail"),
)
HOURS = [dt.datetime(2021, 3, 14) + dt.timedelta(hours=hour) for hour in range(15)]
HOURLY = {"days": tuple(HOURS), "closes": tuple(CLOSES)}
MONTHS_DE = "Januar Februar März April Mai Juni Juli August September Oktober November Dezember".split()
YEARS = [(y, m) for y in (1990, 1991, 1992) for m in range(1, 13)]
MONTHLY = {"days": tuple(dt.date(y, m, 1) for y, m in YEARS), "closes": tuple(y - 1900 + m / 10 for y, m in YEARS)}


def hourly(row):
    return "".join(row(hour, close) + "\n" for hour, close in zip(HOURS, CLOSES, strict=True))


def monthly(row):
    return "".join(row(y, m, round(y - 1900 + m / 10, 1)) + "\n" for y, m in YEARS)


add(
    "power market",
    '"MTU (CET/CEST)","Price [EUR/MWh]","Currency"\n'
    + hourly(lambda h, c: f'"{h:%d.%m.%Y %H:%M} - {h + dt.timedelta(hours=1):%d.%m.%Y %H:%M}","{c}","EUR"'),
    target="Price [EUR/MWh]",
    **HOURLY,
)
add(
    "air quality",
    "Date;Time;CO(GT);;\n" + hourly(lambda h, c: f"{h:%d/%m/%Y};{h:%H.%M.%S};{eu(c).replace('.', '')};;"),
    target="CO(GT)",
    **HOURLY,
)
add("hours of the day", "Date,Hour,Load\n" + hourly(lambda h, c: f"{h:%Y-%m-%d},{h.hour},{c}"), target="Load", **HOURLY)
add(
    "hours that end",
    "Date,Hour,Load\n" + hourly(lambda h, c: f"{h:%Y-%m-%d},{h.hour + 1},{c}"),
    target="Load",
    days=tuple(h + dt.timedelta(hours=1) for h in HOURS),
)
add(
    "quarters from and to",
    "Datum;Uhrzeit;Leistung\n" + hourly(lambda h, c: f"{h:%d.%m.%Y};{h:%H:%M}-{h:%H}:15;{eu(c)}"),
    target="Leistung",
    **HOURLY,
)
add(
    "annotated csv",
    "#group,false,false,true,false\n#datatype,string,long,dateTime:RFC3339,double\n#default,_result,,,\n,result,table,_time,_value\n"
    + hourly(lambda h, c: f",,0,{h:%Y-%m-%dT%H:%M:%SZ},{c}"),
    target="_value",
    findings=("preamble",),
    **HOURLY,
)
add(
    "river gauge",
    "# made up\nagency_cd\tsite_no\tdatetime\t1234_00060\t1234_cd\n5s\t15s\t20d\t14n\t10s\n"
    + lines(lambda d, o, h, l, c, v: f"XXXX\t01646500\t{d}\t{c}\tA"),
    target=None,
    findings=("preamble",),
)
add(
    "station with units",
    "Nowhere\n   yyyy  mm   tmax    tmin\n              degC    degC\n"
    + monthly(lambda y, m, x: f"   {y}  {m:2d}   {x:4.1f}    ---"),
    target="tmax",
    file="station.txt",
    findings=("preamble",),
    **MONTHLY,
)
add(
    "months by name",
    "Index;;\n;;\nJahr;Monat;Index\n"
    + monthly(lambda y, m, x: f"{y};{MONTHS_DE[m - 1]};{eu(x, 1)}")
    + "__________\n(C) nobody\n",
    encoding="cp1252",
    target="Index",
    findings=("footer", "preamble"),
    **MONTHLY,
)
add(
    "year and month, no header",
    monthly(lambda y, m, x: f"{y};{m:02d};{x * 3 % 7:.2f};{x}"),
    series="column 4",
    target="column 4",
    **MONTHLY,
)
add(
    "capital months",
    '"Title","CPI"\n"CDID","D7BT"\n' + monthly(lambda y, m, x: f'"{y} {dt.date(y, m, 1):%b}","{x}"').upper(),
    target=None,
    findings=("preamble",),
    **MONTHLY,
)
add(
    "weeks with less than one",
    "Category: All\n\nWeek,made: (Worldwide)\n"
    + "".join(
        f"{d},{c}\n"
        for d, c in zip((dt.date(2020, 1, 5) + dt.timedelta(weeks=w) for w in range(15)), CLOSES, strict=True)
    )
    + "2020-04-19,<1\n",
    target=None,
    days=tuple(dt.date(2020, 1, 5) + dt.timedelta(weeks=w) for w in range(15)),
    findings=("non_numeric_rows", "preamble"),
)
add(
    "shops with other numbers",
    '"Store","DayOfWeek","Date","Sales","Open"\n'
    + "".join(f"{s},{d.isoweekday()},{d},{c * s},1\n" for d, *_, c, v in BACK for s in (1, 2, 3)),
    series="1",
    target="Sales",
    **NEWEST,
)
add(
    "taiwan, title line",
    '"110年03月 2330 各日成交資訊",\n"日期","成交股數","開盤價","最高價","最低價","收盤價","漲跌價差",\n'
    + lines(lambda d, o, h, l, c, v: f'"110/{d:%m/%d}","{v:,}","{us(o)}","{us(h)}","{us(l)}","{us(c)}","+3.00",')
    + '"說明:"\n',
    encoding="big5",
    target="收盤價",
    findings=("footer", "preamble"),
)
add(
    "pandas index of a filtered frame",
    ",date,value\n" + "".join(f"{7 * n},{d},{c}\n" for n, (d, *_, c, v) in enumerate(BARS)),
    target="value",
)
add(
    "yahoo web of 2024",
    "Date\tOpen\tClose Close price adjusted for splits.\tAdj Close Adjusted close price adjusted for splits and dividend and/or capital gain distributions.\tVolume\n"
    + "".join(
        f"{d:%b %d, %Y}\t{us(o)}\t{us(c * 2)}\t{us(c)}\t{v:,}\n" + ("Mar 19, 2021\t0.24 Dividend\n" if n == 5 else "")
        for n, (d, o, h, l, c, v) in enumerate(BACK)
    ),
    target=None,
    findings=("newest_first", "non_numeric_rows"),
)
add(
    "seconds and then milliseconds",
    "Unix,Close\n"
    + "".join(
        f"{int(dt.datetime(d.year, d.month, d.day, tzinfo=dt.UTC).timestamp()) * (1000 if n > 6 else 1)},{c}\n"
        for n, (d, *_, c, v) in enumerate(BARS)
    ),
)
add(
    "names that nobody knows, long",
    "gvkey,datadate,tic,prccd,prchd,prcld,prcod\n"
    + "".join(
        f"{k},{d:%Y%m%d},{t},{c * f},{max(h, p) * f},{min(l, p) * f},{p * f}\n"
        for k, t, f in ((1, "AAA", 1), (2, "BBB", 0.5))
        for (d, o, h, l, c, v), p in zip(BARS, [CLOSES[0], *CLOSES], strict=False)
    ),
    series="AAA",
    target="prccd",
)
add(
    "tel aviv",
    "תאריך,שער נעילה מתואם (באגורות),שער נעילה (באגורות)\n"
    + lines(lambda d, o, h, l, c, v: f'{d:%d/%m/%Y},"{us(c)}","{us(c * 2)}"', BACK),
    target="שער נעילה מתואם (באגורות)",
    **NEWEST,
)
add(
    "banxico",
    "Banco de Made\n\nFecha,SF1\n"
    + lines(lambda d, o, h, l, c, v: f"{d:%d/%m/%Y},{c}", BARS[:5])
    + "13/03/2021,N/E\n"
    + lines(lambda d, o, h, l, c, v: f"{d:%d/%m/%Y},{c}", BARS[5:]),
    encoding="cp1252",
    target="SF1",
    findings=("missing_values", "preamble"),
)
add(
    "aligned columns",
    "Date              Close     Volume\n" + lines(lambda d, o, h, l, c, v: f"{d:%b %d, %Y}   {us(c)}  {v:,}"),
    file="made.txt",
)
add(
    "orders",
    "Date,Type,Symbol,Price\n"
    + "".join(
        f"{d},Buy,{s},{c * f}\n"
        for n, (d, *_, c, v) in enumerate(BARS)
        for s, f in [(("AAA", 1), ("BBB", 0.1), ("CCC", 9))[n % 3]]
    ),
    series="AAA",
    target="Price",
    days=tuple(DAYS[::3]),
    closes=tuple(CLOSES[::3]),
)
add(
    "asset values",
    "Scheme Code,Net Asset Value,Date\n" + lines(lambda d, o, h, l, c, v: f"100033,{c},{d:%d-%b-%Y}"),
    target="Net Asset Value",
)
add(
    "ticks",
    "20210308 00:00:00.208,1.25\n20210308 00:00:00.709,1.26\n20210308 00:00:01.000,1.24\n",
    target="column 2",
    days=tuple(dt.datetime(2021, 3, 8, 0, 0, s, f) for s, f in ((0, 208000), (0, 709000), (1, 0))),
    closes=(1.25, 1.26, 1.24),
)
add(
    "commas in dates and numbers, tabs between",
    "".join(f"{d:%b %d, %Y}\t{eu(o)}\t{eu(h)}\t{eu(l)}\t{eu(c)}\t{eu(v, 0)}\n" for d, o, h, l, c, v in BARS),
    target="column 5",
)
