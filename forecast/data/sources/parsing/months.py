"""Names of months in 25 languages, from the Unicode Common Locale Data Repository (package babel)."""

from collections.abc import Mapping, Sequence
from functools import cache

from forecast.data.vocabulary import fold

LANGUAGES = (
    *("en", "de", "fr", "es", "pt", "it", "nl", "pl", "tr", "ru", "sv", "da", "nb", "fi", "cs", "hu", "ro", "el", "id"),
    *("uk", "bg", "hr", "sk", "ca", "ms"),
)


def read_months(words: Sequence[str]) -> dict[str, int] | None:
    """Read the month number of each word, in the first language that knows all of them; None if no language does."""
    for language in LANGUAGES:
        found = {word: _find_month(fold(word).rstrip("."), _month_names(language)) for word in words}
        if all(found.values()):
            return found
    return None


@cache
def _month_names(language: str) -> Mapping[str, int]:
    """The month numbers by folded name, long and short."""
    from babel import Locale

    months = Locale.parse(language).months
    forms = (months[context][width] for context in ("format", "stand-alone") for width in ("wide", "abbreviated"))
    return {fold(name).rstrip("."): number for names in forms for number, name in names.items() if not name.isdecimal()}


def _find_month(word: str, names: Mapping[str, int]) -> int:
    """The month with that name, or the only one whose name starts with it; 0 if there is none or more than one."""
    if word in names:
        return names[word]
    starting = {number for name, number in names.items() if len(word) >= 3 and name.startswith(word)}
    return starting.pop() if len(starting) == 1 else 0
