"""What column names mean: dates, prices and securities, in the languages in which tables are written.

In: names as they stand in a header. Out: their words and their roles.
"""

import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache
from itertools import takewhile

# The name of a column without one begins so; its position follows.
UNNAMED = "column "
# Words of a long name that count; the rest explains them.
MAX_WORDS = 4
# Names whose words are remembered: those of a wide table.
MOST_NAMES = 1 << 15


def fold(text: str) -> str:
    """Fold case, accents and vowel signs."""
    letters = (unicodedata.normalize("NFKD", letter)[0] if letter < "\u1100" else letter for letter in text.casefold())
    bare = "".join(letter for letter in letters if unicodedata.category(letter) != "Mn")
    return bare.translate(str.maketrans("łøıđ", "loid"))


@lru_cache(maxsize=MOST_NAMES)
def words_of(name: str) -> tuple[str, ...]:
    """The words of a name in lower case, without accents, numbers or punctuation: `4. AdjClose**` is (adj, close)."""
    words = tuple(_split_words(name))
    return words if len(words) < 2 * MAX_WORDS else words[:MAX_WORDS]


def _split_words(text: str) -> Iterator[str]:
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    return (word for word in re.split(r"[\W_]+", fold(spaced)) if word and not word.isdecimal())


def word_set(*lines: str) -> frozenset[str]:
    """All words of some lines, folded."""
    return frozenset(fold(word) for line in lines for word in line.split())


DATES = word_set(
    "date dates datetime timestamp time dt ds day month week quarter year period index gmt utc unix epoch",
    "dtyyyymmdd yyyy yr yyyymmdd datum zeit tag monat jahr handelstag zeitstempel fecha dia mes año hora data",
    "mês ano seance jour mois année giorno anno dzień miesiąc rok tarih gün ay yıl дата день месяц год время",
    "dag maand päivä päivämäärä dato ngày tanggal tarikh ημερομηνία วันที่ التاريخ تاريخ תאריך 日期 日付",
    "日付け 年月日 年月 时间 時間 日時 交易日期 交易日 基準日 날짜 기준일 일자 일시",
)
# Columns that hold one part of a date each.
DATE_PARTS = {
    "year": word_set("year yyyy yr jahr año ano anno année rok yıl год 年 년 年度"),
    "month": word_set("month mm mn mo mon monat mes mês mese mois miesiąc ay месяц 月 월"),
    "day": word_set("day dd dy tag día dia giorno jour dzień gün день 日 일"),
    "hour": word_set("hour hh hr stunde hora ora heure godzina saat час 时 時 시"),
    "minute": word_set("minute min minuto 分"),
}
# Names of columns that count rows, beside those of dates.
COUNTERS = word_set("t x n no nr num number id idx row rows rowname rownames rownum step steps obs observation lfd")
TIMES = word_set("time times tm uhrzeit heure hora ora godzina czas saat время 时间 時刻 時間 시간 시각")
# Names of the price of a row, best first: the close, the settlement, the last price, any price, any value.
CLOSES = (
    word_set(
        "close closing cl c closed px_close schluss schlusskurs schlusspreis clôture fermeture cierre",
        "fechamento fech chiusura zamknięcie kapanış закрытие закр slotkoers slot slut slutkurs stängning",
        "stängningskurs lukke lukkekurs sluttkurs slutt päätös",
        "päätöskurssi závěr zaviraci záró záróár závěrečná uždarymo",
        "închidere κλείσιμο penutupan đóng 收盘 收盤 收盘价 收盤價 收市 終値 종가 ปิด ราคาปิด إغلاق الإغلاق",
        "נעילה",
    ),
    word_set("settle settlement settled abrechnung abrechnungspreis 结算价"),
    word_set(
        "last px_last zuletzt letzter letzte dernier último ultimo ultima ostatnio ostatni послед последняя",
        "son şimdi laatste senast senaste seneste siste sist viimeisin poslední utolsó ultimul terakhir cuối",
        "τελευταία 最新 最新价 最新價 現在値 현재가 ล่าสุด الأخير آخر אחרון",
    ),
    word_set(
        "price px prc prices kurs cours precio preço prezzo cena цена fiyat koers hinta ár preț τιμή harga",
        "giá pris 价格 價格 価格 基準価額 가격 기준가격 ราคา السعر מחיר nav mid rate wap vwap",
    ),
    word_set("value y target wert valor valore valeur wartość значение değer obs_value 数值 値 값"),
)
ADJUSTED = word_set(
    "adj adjusted adjust bereinigt ajusté ajustado ajustada rettificato 复权 復權 后复权 前复权 調整後 מתואם",
    "調整後終値 수정 수정종가",
)
# The events that a price is adjusted for.
ADJUSTED_FOR = word_set("split splits dividend dividends")
# A name with one of these words is no close, whatever its other words.
NOT_CLOSE = word_set(
    "holiday isholiday weekday weekend",
    "open high low prev previous pre prior vortag vorheriger anterior precedent poprzedni change changes chg",
    "pct percent return returns diff difference ratio time date volume volumes vol qty quantity amount",
    "turnover count trades number bid ask spread cap capitalization marketcap min max std sma ema rsi macd",
    "upper lower band dividend dividends split splits factor signal id unadjusted variación variação",
    "veränderung änderung zmiana изм değişim fark variation var 昨收 前收盘 前收盘价 前日比 전일비 전일 涨跌",
    "涨跌幅 涨跌额",
)
OPENS = word_set(
    "open opening o eröffnung eröffn erster ouverture ouv apertura abertura aber otwarcie açılış откр",
    "открытие öppen öppning åbning åbn åpen åpning avaus otevření nyitó deschidere άνοιγμα pembukaan mở 开盘",
    "開盤 开盘价 開盤價 始値 시가 今开",
)
HIGHS = word_set(
    "high highest max h hoch höchst höchstkurs haut máximo maxima máxima maximum massimo max najwyższy yüksek",
    "макс hoog högst høj høy ylin maximum tertinggi cao υψηλό 最高 最高价 最高價 高値 고가",
)
LOWS = word_set(
    "low lowest min l tief tiefst tiefstkurs bas mínimo minima mínima minimum minimo min najniższy düşük мин",
    "laag lägst lav alin minimum terendah thấp χαμηλό 最低 最低价 最低價 安値 저가",
)
# Names of what adds up over time, beside volumes.
TOTALS = word_set(
    "sales sold orders demand visits visitors count counts quantity qty units trips calls rides passengers",
    "rain rainfall precipitation energy kwh mwh revenue absatz menge ventas vendas ventes продажи 销量 売上",
)
VOLUMES = word_set("volume vol volumes wolumen hacim hac объем объём umsatz 成交量 成交额 出来高 거래량 turnover")
SECURITIES = word_set(
    "ticker tickers symbol symbols name stock stocks security securities instrument code isin secid permno",
    "company coin contract pair wertpapier titolo símbolo simbolo acción ação kod hisse тикер бумага",
    "股票代码 代码 股票简称 名称 证券代码 证券简称 銘柄 コード 종목 종목코드 종목명 series variable item",
    "store shop station stn id region country city state location site product sku geo entity indicator metric",
    "dept department family brand branch warehouse sensor device",
)
# Codes of securities, and what stands beside them in the name of a column.
CODES = word_set(
    "code isin secid permno permco gvkey cusip sedol wkn figi ticker tickers symbol symbols id kod código codigo",
    "股票代码 代码 证券代码 コード 銘柄コード 종목코드",
)
CARRIERS = word_set("stock share security instrument company fund asset index coin ts 股票 证券")


def is_code(name: str) -> bool:
    """Whether a column holds the codes of securities by its name; those of a country or an exchange are none."""
    words = set(words_of(name))
    return bool(CODES & words) and words <= CODES | CARRIERS


def find_name(name: str, names: Collection[str]) -> str | None:
    """Find a name as it is, else the first one that equals it in any case; None if there is none."""
    if name in names:
        return name
    wanted = name.strip().casefold()
    return next((known for known in names if known.strip().casefold() == wanted), None)


def is_date(name: str) -> bool:
    """Whether a column holds dates by its name."""
    return bool(DATES & set(words_of(name)))


def is_counter(name: str) -> bool:
    """Whether a column of whole numbers may count the rows by its name."""
    words = set(words_of(name))
    return bool(words) and words <= DATES | TIMES | COUNTERS


def is_unnamed(name: str) -> bool:
    """Whether a column has no name of its own."""
    return name.startswith((UNNAMED, "Unnamed"))


def is_security(name: str) -> bool:
    """Whether a column identifies securities, shops or stations by its name."""
    return bool(SECURITIES & set(words_of(name)))


def price_columns(names: Sequence[str]) -> dict[str, str]:
    """The columns named as `open`, `high` and `low`, by role; raw prices before adjusted ones."""
    found: dict[str, str] = {}
    for name in sorted(names, key=is_adjusted):
        for role, known in (("open", OPENS), ("high", HIGHS), ("low", LOWS)):
            if known & set(words_of(name)) and not VOLUMES & set(words_of(name)):
                found.setdefault(role, name)
    return found


def column_roles(names: Sequence[str]) -> dict[str, str]:
    """The columns named as `open`, `high`, `low` and `volume`, by role."""
    volume = next((name for name in names if VOLUMES & set(words_of(name))), None)
    return price_columns(names) | ({"volume": volume} if volume is not None else {})


def is_value(name: str) -> bool:
    """Whether a column may be the target: not a volume, a change, a weekday or the like by its name."""
    words = set(words_of(name))
    return not NOT_CLOSE & words and not (words and words <= DATES | TIMES | {"of", "no", "number"})


def close_columns(names: Sequence[str]) -> list[str]:
    """The columns named as the price to forecast, all of the best rank; adjusted closes rank above closes."""
    ranks = {name: rank for name in names if (rank := _close_rank(name)) is not None}
    if any(CLOSES[0] & set(words_of(name)) for name in ranks):
        ranks |= {name: (0, len(words_of(name))) for name in names if _is_short_adjusted(name)}
    best = min(ranks.values(), default=None)
    return [name for name, rank in ranks.items() if rank == best]


def is_price(name: str) -> bool:
    """Whether a column holds prices by its name."""
    return (rank := _close_rank(name)) is not None and rank[0] < len(CLOSES)


def adds_up(name: str) -> bool:
    """Whether the values of a column add up over time, as sales and volumes do."""
    return bool({*words_of(name)} & (TOTALS | VOLUMES))


def is_adjusted(name: str) -> bool:
    """Whether a price is adjusted for splits or dividends by its name."""
    return bool(ADJUSTED & set(words_of(name)))


def _is_short_adjusted(name: str) -> bool:
    """Whether a name is like `AAPL.Adjusted`, which stands beside `AAPL.Close`."""
    return is_adjusted(name) and not NOT_CLOSE & set(words_of(name)) and len(words_of(name)) < 3


def _close_rank(name: str) -> tuple[int, int] | None:
    """How surely a name means the close, 0 being the surest: by its kind, then by the number of its words."""
    words = words_of(name)
    if NOT_CLOSE & (set(words) - ADJUSTED_FOR if is_adjusted(name) else set(words)):
        return None
    for kind, known in enumerate(CLOSES):
        # Short words (C, Y, ár) count only when they stand alone: "T (°C)" is no close.
        if any(word in known for word in words if len(words) == 1 or len(word) > 2 or not word.isascii()):
            return 0 if is_adjusted(name) else 1 + kind, len(words)
    return (0, 1) if len(words) == 1 and is_adjusted(name) else None


def strip_common(names: Sequence[str]) -> list[str]:
    """The part that distinguishes each name: `AAPL.Close` and `MSFT.Close` become `AAPL` and `MSFT`."""
    if all(name.startswith(UNNAMED) for name in names):
        return list(names)
    words = [re.findall(r"[^\s_./|(),'\"]+", name) for name in names]
    head = _common_prefix(words)
    tail = _common_prefix([entry[:head:-1] if head else entry[::-1] for entry in words])
    if not head and not tail:
        return list(names)
    short = [" ".join(entry[head : len(entry) - tail]) for entry in words]
    return short if all(short) and len(set(short)) == len(short) else list(names)


def _common_prefix(lists: Sequence[Sequence[str]]) -> int:
    """Number of words that all lists begin with."""
    return sum(1 for _ in takewhile(lambda same: len(set(same)) == 1, zip(*lists, strict=False)))


def count_known(text: str) -> int:
    """Number of known names in a text: larger in the right decoding of a file than in a wrong one."""
    known = frozenset().union(DATES, *CLOSES, ADJUSTED, NOT_CLOSE, SECURITIES, OPENS, HIGHS, LOWS, VOLUMES)
    return sum(len(word) > 1 for word in set(_split_words(text)) & known)
