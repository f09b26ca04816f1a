"""Names that others gave: as names of files, on a terminal or a page, and as cells of a table in CSV.

A name of a column, a series or a file is data. It may hold any characters, and does nothing wherever it is shown.
"""

import hashlib
import re

# Characters of a slug: a file system takes 255 bytes, and endings are added.
LONGEST, KEPT = 120, 100
# Control characters, marks that turn the direction of writing, ends of lines, and halves of characters.
HIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
# What a spreadsheet takes for the begin of a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def slug(name: str) -> str:
    """Replace each run of characters outside A-Z, a-z, 0-9 and `._^=-` by one hyphen, as in `sp500.csv-Close`.

    Tickers such as `^GSPC`, `GC=F` and `BRK-B` stay as they are. Of a long name the begin is kept, and a hash of all.
    """
    text = re.sub(r"[^A-Za-z0-9._^=-]+", "-", name)
    return text if len(text) <= LONGEST and text.strip(".") else f"{text[:KEPT]}-{_hash(name)}"


def unique_slug(name: str) -> str:
    """A slug that no other name has: where characters were replaced, with a hash of the name."""
    text = slug(name)
    return text if text == name else f"{text[:KEPT]}-{_hash(name)}"


def _hash(name: str) -> str:
    return hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()[:16]


def whole_characters(text: str) -> str:
    """A text that the system hands over as bytes: in UTF-8; what is not UTF-8 becomes a mark."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace") if not text.isascii() else text


def visible(text: str) -> str:
    r"""Write what a terminal would obey, and what a reader would not see, as `\x1b` or `\u202e`."""
    return HIDDEN.sub(lambda found: _escape(ord(found[0])), text)


def _escape(code: int) -> str:
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"


def csv_cell(name: str) -> str:
    """A name as a cell of a CSV file: with an apostrophe before it where a spreadsheet would run it as a formula.

    Source: OWASP, CSV injection.
    """
    return f"'{name}" if name.startswith(FORMULA) else name
