"""Names of months in the languages in which tables are written, from the Unicode Common Locale Data Repository."""

from collections.abc import Mapping, Sequence
from functools import cache

from forecast.data.vocabulary import plain

LANGUAGES = (
    *("en", "de", "fr", "es", "pt", "it", "nl", "pl", "tr", "ru", "sv", "da", "nb", "fi", "cs", "hu", "ro", "el", "id"),
    *("uk", "bg", "hr", "sk", "ca", "ms"),
)


def read_months(words: Sequence[str]) -> dict[str, int] | None:
    """The number of the month that each word names, in the first language that knows them all; None where none does."""
    for language in LANGUAGES:
        found = {word: _find(plain(word).rstrip("."), _month_names(language)) for word in words}
        if all(found.values()):
            return found
    return None


@cache
def _month_names(language: str) -> Mapping[str, int]:
    """The plain names of the months, long and short, and their numbers."""
    from babel import Locale

    months = Locale.parse(language).months
    forms = (months[context][width] for context in ("format", "stand-alone") for width in ("wide", "abbreviated"))
    return {
        plain(name).rstrip("."): number for names in forms for number, name in names.items() if not name.isdecimal()
    }


def _find(word: str, names: Mapping[str, int]) -> int:
    """The month of that name, or whose name begins so; 0 where there is none, or more than one."""
    if word in names:
        return names[word]
    begun = {number for name, number in names.items() if len(word) >= 3 and name.startswith(word)}
    return begun.pop() if len(begun) == 1 else 0
