"""Which exchange a ticker or a typed name stands for.

In: a ticker of Yahoo Finance, or what a user typed. Out: the name of a calendar of the package `exchange_calendars`,
mostly the market identifier code of the exchange (ISO 10383); `24/7` for crypto, `24/5` for currencies; empty if
unknown.
"""

from forecast.errors import ConfigError

ALWAYS_OPEN = "24/7"
WEEKDAYS = "24/5"
# Tickers of Yahoo Finance by exchange: the suffixes of shares, and the indices, which have no suffix. Exchanges without
# a calendar in the package (Cairo, Dubai, Kuwait, Doha, Caracas, Colombo, Ho Chi Minh City) are missing.
TICKERS = {
    "XNYS": "^GSPC ^SPX ^SP500TR ^DJI ^DJT ^DJU ^IXIC ^NDX ^RUT ^RUI ^RUA ^NYA ^XAX ^OEX ^MID ^SML ^SOX ^VIX ^VXN "
    "^W5000 ^TNX ^TYX ^FVX ^IRX",
    "XLON": ".IL .L .XC .AQ ^FTSE ^FTMC ^FTAS ^FTLC",
    "XTKS": ".T ^N225 ^TPX",
    "XHKG": ".HK ^HSI ^HSCE ^HSCC",
    "XETR": ".DE ^GDAXI ^MDAXI ^SDAXI ^TECDAX",
    "XPAR": ".NX .PA ^FCHI ^SBF120 ^N100 ^STOXX50E ^STOXX",
    "XBOM": ".BO .NS ^BSESN ^NSEI ^NSEBANK ^CNXIT",
    "BVMF": ".SA ^BVSP",
    "XTSE": ".CN .NE .TO .V ^GSPTSE",
    "XASX": ".AX .XA ^AXJO ^AORD ^AXKO",
    "XKRX": ".KQ .KS ^KS11 ^KS200 ^KQ11",
    "XTAI": ".TW .TWO ^TWII ^TWOII",
    "XSWX": ".SW ^SSMI",
    "XSTO": ".ST ^OMX ^OMXS30",
    "XHEL": ".HE ^OMXH25 ^OMXHPI",
    "XCSE": ".CO ^OMXC20 ^OMXC25",
    "XOSL": ".OL ^OSEAX",
    "XAMS": ".AS ^AEX ^AMX",
    "XBRU": ".BR ^BFX",
    "XMAD": ".MC ^IBEX",
    "XWBO": ".VI ^ATX",
    "XDUB": ".IR ^ISEQ",
    "XMEX": ".MX ^MXX",
    "XBUE": ".BA ^MERV",
    "XSGO": ".SN ^IPSA",
    "XSES": ".SI ^STI",
    "XIDX": ".JK ^JKSE",
    "XKLS": ".KL ^KLSE",
    "XNZE": ".NZ ^NZ50",
    "XTAE": ".TA ^TA125",
    "ASEX": ".AT",
    "XBUD": ".BD",
    "XFRA": ".BE .BM .F .HA .MU",
    "XBKK": ".BK",
    "CMES": ".CBT .CME .CMX .NYM",
    "XBOG": ".CL",
    "XDUS": ".DU",
    "XHAM": ".HM",
    "XICE": ".IC",
    "XIST": ".IS",
    "XJSE": ".JO",
    "XKAR": ".KA",
    "XLIM": ".LM",
    "XLIS": ".LS",
    "XMOS": ".ME",
    "XMIL": ".MI .TI",
    "IEPA": ".NYB",
    "XPRA": ".PR",
    "XPHS": ".PS",
    "XRIS": ".RG",
    "XBSE": ".RO",
    "XSAU": ".SAU .SR",
    "XSTU": ".SG",
    "XSHG": ".SS .SZ",
    "XTAL": ".TL",
    "XLIT": ".VS",
    "XWAR": ".WA",
}
# Futures traded on ICE in New York; all others on Yahoo are traded on the CME.
ICE = "CC=F CT=F DX=F KC=F OJ=F SB=F"
# Quote currencies of crypto pairs: BTC-USD is a pair, BRK-B a share.
QUOTES = "USD EUR GBP JPY CHF CAD AUD NZD CNY INR KRW BRL RUB TRY USDT USDC BUSD DAI BTC ETH BNB"
# Common names that the package does not know.
ALIASES = {
    "crypto": ALWAYS_OPEN,
    "fx": WEEKDAYS,
    "forex": WEEKDAYS,
    "amex": "XNYS",
    "b3": "BVMF",
    "euronext": "XPAR",
    "gpw": "XWAR",
    "krx": "XKRX",
    "nse": "XBOM",
    "tadawul": "XSAU",
    "xetra": "XETR",
    "xnse": "XBOM",
    "xshe": "XSHG",
}


def exchange_of_ticker(ticker: str) -> str:
    """Find the exchange of a ticker of Yahoo Finance; empty if its suffix or index is unknown.

    `AAPL` and `BRK-B` are American shares, `SAP.DE` trades on Xetra, `EURUSD=X` is a currency, `ES=F` a future and
    `BTC-USD` a cryptocurrency.
    """
    ticker = ticker.strip().upper()
    base, _, quote = ticker.rpartition("-")
    if ticker.endswith("=X"):
        return WEEKDAYS
    if ticker.endswith("=F"):
        return "IEPA" if ticker in ICE.split() else "CMES"
    if "." in ticker or ticker.startswith("^"):
        ending = ticker[ticker.rfind(".") :] if "." in ticker else ticker
        return next((exchange for exchange, endings in TICKERS.items() if ending in endings.split()), "")
    return ALWAYS_OPEN if base and quote in QUOTES.split() else "XNYS"


def check_exchange(name: str) -> str:
    """Resolve a typed name to a calendar, in any case and by any alias of the exchange.

    Raises:
        ConfigError: there is no such exchange; suggests similar names.
    """
    import exchange_calendars

    known = {key.casefold(): key for key in exchange_calendars.get_calendar_names()}
    typed = name.strip().casefold()
    if typed in ALIASES:
        return ALIASES[typed]
    if typed in known:
        return str(exchange_calendars.resolve_alias(known[typed]))
    import difflib

    names = {word: word for word in ALIASES} | known
    near = [names[word] for word in difflib.get_close_matches(typed, names, n=3, cutoff=0.5)]
    cure = f"Similar: {', '.join(near)}." if near else "Leave it out to infer it from the dates."
    raise ConfigError(
        "`exchange` must be one that the package exchange_calendars knows, as in XNYS or NASDAQ, or `crypto` or `fx`. "
        f"Received: {name}. {cure}"
    )
