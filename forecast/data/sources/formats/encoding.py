"""Detect the encoding of a text file.

In: its bytes. Out: the same text in UTF-8, and the name of the encoding.
"""

import codecs

from forecast.data.vocabulary import count_known
from forecast.errors import SourceError

# Encodings of tables that are not in UTF-8, the most common first.
REGIONAL = (
    *("cp1252", "gb18030", "cp932", "cp949", "big5", "cp1250", "cp1251", "cp1254", "cp1253", "cp1255", "cp1256"),
    *("cp1257", "cp874", "koi8-r", "cp866", "mac-roman", "iso8859-1"),
)
CURRENCY_SIGNS = frozenset("€£¥₩₽₹₺")
# Bytes that show whether a file is text, and characters that show whether its words make sense.
SAMPLE = 1 << 16
HEADER = 4000


def to_utf8(raw: bytes, where: str) -> tuple[bytes, str]:
    """Convert a text to UTF-8: by its byte order mark, as valid UTF-8, or from the most plausible regional encoding.

    Raises:
        SourceError: the bytes are not text.
    """
    if raw.startswith(codecs.BOM_UTF8):
        return raw[len(codecs.BOM_UTF8) :], "utf-8-sig"
    wide = "utf-16" if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else _detect_utf16(raw[:SAMPLE])
    if wide:
        return _decode(raw, wide, where).encode(), wide
    if b"\0" in raw[:SAMPLE]:
        raise SourceError(f"{where}: a series needs a table as text, Excel or Parquet. This file is binary.")
    if raw.isascii() or _decode_or_none(raw, "utf-8") is not None:
        return raw, "utf-8"
    text, encoding = _decode_regional(raw)
    return text.encode(), encoding


def _decode(raw: bytes, encoding: str, where: str) -> str:
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        raise SourceError(f"{where}: the file is in {encoding}, but damaged at byte {error.start}.") from error


def _detect_utf16(sample: bytes) -> str:
    """Detect UTF-16 by its zero bytes, of which Latin text has one in two; empty if it is something else."""
    even, odd, half = sample[::2].count(0), sample[1::2].count(0), len(sample) / 2
    if max(even, odd) < 0.3 * half or min(even, odd) > 0.05 * half:
        return ""
    return "utf-16-le" if odd > even else "utf-16-be"


def _decode_regional(raw: bytes) -> tuple[str, str]:
    """Decode with the encoding that gives most known names and currency signs; if none gives any, ask a detector.

    The detector alone is wrong about half of the files, whose headers are short and whose rows are digits.
    """
    from charset_normalizer import from_bytes

    texts = {encoding: text for encoding in REGIONAL if (text := _decode_or_none(raw, encoding)) is not None}
    known = {
        encoding: 3 * count_known(text[:HEADER]) + len(CURRENCY_SIGNS & set(text[:HEADER]))
        for encoding, text in texts.items()
    }
    best = max(known, key=known.__getitem__)
    guess = None if known[best] else from_bytes(raw[:SAMPLE]).best()
    if guess and (text := _decode_or_none(raw, guess.encoding)) is not None:
        return text, codecs.lookup(guess.encoding).name
    return texts[best], best


def _decode_or_none(raw: bytes, encoding: str) -> str | None:
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError:
        return None
