"""Which encoding a text file is written in.

In: its bytes. Out: the same text as UTF-8 bytes, and the name of the encoding.
"""

import codecs

from forecast.data.vocabulary import count_known
from forecast.errors import SourceError

# Encodings of tables that are not UTF-8, commonest first.
REGIONAL = (
    *("cp1252", "gb18030", "cp932", "cp949", "big5", "cp1250", "cp1251", "cp1254", "cp1253", "cp1255", "cp1256"),
    *("cp1257", "cp874", "koi8-r", "cp866", "mac-roman", "iso8859-1"),
)
MONEY = frozenset("€£¥₩₽₹₺")
# Bytes and characters that are looked at.
SAMPLE = 1 << 16
HEADER = 4000


def to_utf8(raw: bytes, where: str) -> tuple[bytes, str]:
    """The text in UTF-8, and its encoding: by its mark, as UTF-8, or the regional one in which its words make sense.

    Raises:
        SourceError: the bytes are no text.
    """
    if raw.startswith(codecs.BOM_UTF8):
        return raw[len(codecs.BOM_UTF8) :], "utf-8-sig"
    wide = "utf-16" if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else _utf16_without_mark(raw[:SAMPLE])
    if wide:
        return _decode(raw, wide, where).encode(), wide
    if b"\0" in raw[:SAMPLE]:
        raise SourceError(f"{where}: a series needs a table as text, Excel or Parquet. This file is binary.")
    if raw.isascii() or _try(raw, "utf-8") is not None:
        return raw, "utf-8"
    text, encoding = _regional(raw)
    return text.encode(), encoding


def _decode(raw: bytes, encoding: str, where: str) -> str:
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        raise SourceError(f"{where}: the file is in {encoding}, but damaged at byte {error.start}.") from error


def _utf16_without_mark(sample: bytes) -> str:
    """UTF-16 of mostly Latin text has a zero byte in every second place."""
    even, odd, places = sample[::2].count(0), sample[1::2].count(0), len(sample) / 2
    if max(even, odd) < 0.3 * places or min(even, odd) > 0.05 * places:
        return ""
    return "utf-16-le" if odd > even else "utf-16-be"


def _regional(raw: bytes) -> tuple[str, str]:
    """The encoding whose text holds the most known names and currencies; where none holds any, a detector's guess."""
    from charset_normalizer import from_bytes

    texts = {encoding: text for encoding in REGIONAL if (text := _try(raw, encoding)) is not None}
    known = {
        encoding: 3 * count_known(text[:HEADER]) + len(MONEY & set(text[:HEADER])) for encoding, text in texts.items()
    }
    best = max(known, key=known.__getitem__)
    guess = None if known[best] else from_bytes(raw[:SAMPLE]).best()
    if guess and (text := _try(raw, guess.encoding)) is not None:
        return text, codecs.lookup(guess.encoding).name
    return texts[best], best


def _try(raw: bytes, encoding: str) -> str | None:
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError:
        return None
