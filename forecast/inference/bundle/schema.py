"""What each entry of `bundle.json` must be, checked before any of it is used: types, ranges, lengths, finite numbers.

In: the parsed text. Out: nothing, or a ValueError that names the entry. Entries that are not named here are ignored.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from math import isfinite
from typing import Any

# Characters of a text, items of a list, lists within lists, and the largest whole number.
LONGEST, MOST, DEEPEST, LARGEST = 10_000, 1_000_000, 12, 2**53
SHA256 = re.compile("[0-9a-f]{64}")
ROW_COUNT = re.compile("-?[0-9]{1,18}")
EXCHANGE, FREQUENCY = re.compile(r"24/[57]|[A-Za-z0-9_.-]{0,40}"), re.compile(r"[\w .:,+-]{0,80}")

Check = Callable[[Any], bool]


def check_entries(fields: Mapping[str, Any]) -> None:
    """Check all entries of a description.

    Raises:
        ValueError: names the first entry that breaks a rule.
    """
    _check_values(fields)
    _check_record(fields, DESCRIPTION, "bundle.json")
    for number, record in enumerate(fields["trained_on"]):
        _check_record(record, TRAINED_ON, f"trained_on[{number}]")
        if record["checkpoint"] is not None:
            _check_record(record["checkpoint"], CHECKPOINT, f"trained_on[{number}].checkpoint")
    _check_record(fields["history"], HISTORY, "history")
    for name, entry in fields["files"].items():
        _check_record(entry, FILE, f"files.{name[:40]}")
    for number, record in enumerate(fields["tested"]):
        _require(isinstance(record, dict), f"tested[{number}]", "have entries by name", record)
        given = {name: rule for name, rule in TESTED.items() if name not in MAY_LACK or name in record}
        _check_record(record, given, f"tested[{number}]")
    for number, record in enumerate(fields["ancestry"]):
        _check_record(record, ANCESTOR, f"ancestry[{number}]")


def _check_values(fields: Mapping[str, Any]) -> None:
    """Check every value, however deep; without recursion, whose depth the file would decide."""
    unchecked: list[tuple[Any, int]] = [(fields, 0)]
    while unchecked:
        value, depth = unchecked.pop()
        if isinstance(value, dict):
            unchecked.extend((inner, depth + 1) for pair in value.items() for inner in pair)
        elif isinstance(value, list):
            unchecked.extend((inner, depth + 1) for inner in value)
        elif isinstance(value, float):
            _require(isfinite(value), "a number", "be finite", value)
        elif isinstance(value, int):
            _require(abs(value) <= LARGEST, "a number", f"be at most {LARGEST}", value)
        elif isinstance(value, str):
            _require(len(value) <= LONGEST, "a text", f"have at most {LONGEST:,} characters", value)
        _require(depth <= DEEPEST, "entries", f"be at most {DEEPEST} deep", "")


def _check_record(record: Any, rules: Mapping[str, tuple[Check, str]], where: str) -> None:
    _require(isinstance(record, dict), where, "have entries by name", record)
    for name, (holds, rule) in rules.items():
        _require(name in record, where, f"have the entry {name}", ", ".join(record))
        _require(holds(record[name]), f"{where}: {name}", rule, record[name])


def _require(holds: bool, name: str, rule: str, value: object) -> None:
    if not holds:
        raise ValueError(f"{name} must {rule}. Received: {str(value)[:60]!r}")


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_moment(value: Any) -> bool:
    """Whether a text is a date, or a date and time, that pandas can hold, or the count of a row without one."""
    if isinstance(value, str) and ROW_COUNT.fullmatch(value):
        return True
    try:
        return 1678 <= datetime.fromisoformat(value).year <= 2261
    except (TypeError, ValueError):
        return False


def _matches(pattern: re.Pattern[str]) -> Check:
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


def _list_of(holds: Check, *, least: int = 0, most: int = MOST) -> Check:
    return lambda value: isinstance(value, list) and least <= len(value) <= most and all(map(holds, value))


def _by_name(holds: Check) -> Check:
    return lambda value: isinstance(value, dict) and all(map(holds, value.values()))


def _one_of(*rules: Check) -> Check:
    return lambda value: any(holds(value) for holds in rules)


def _is_none(value: Any) -> bool:
    return value is None


def _rows(names: Iterable[str], holds: Check, rule: str) -> dict[str, tuple[Check, str]]:
    return dict.fromkeys(names, (holds, rule))


TEXT, MOMENT = (_is_text, "be a text"), (_is_moment, "be a date as in 2024-01-31, or a count")
HASH = (_matches(SHA256), "be a SHA-256")
COUNT = (_is_count, "be a whole number")
NUMBERS = (_list_of(_is_number), "be a list of numbers")

DESCRIPTION: dict[str, tuple[Check, str]] = {
    **_rows(("model", "target"), *TEXT),
    "created": MOMENT,
    "quantiles": NUMBERS,
    "config": (lambda value: isinstance(value, dict), "be a configuration"),
    "trained_on": (_list_of(lambda _: True, least=1), "be a list of one series or more"),
    "tested": (_list_of(lambda _: True), "be a list"),
    "ancestry": (_list_of(lambda _: True, most=10_000), "be a list"),
    "training_seconds": (lambda value: _is_number(value) and value >= 0, "be a number of seconds"),
    "interrupted": (lambda value: isinstance(value, bool), "be true or false"),
    "history": (lambda value: isinstance(value, dict), "be lists by name"),
    "versions": (_by_name(_is_text), "be texts by name"),
    "files": (lambda value: isinstance(value, dict) and len(value) <= 2, "be files by name"),
}
TRAINED_ON: dict[str, tuple[Check, str]] = {
    **_rows(("series", "unit"), *TEXT),
    "frequency": (_matches(FREQUENCY), "be a frequency as in B or 15min"),
    "exchange": (_matches(EXCHANGE), "be a calendar as in XNYS, or empty"),
    **_rows(("first", "last"), *MOMENT),
    "sha256": HASH,
    "rows": (lambda value: _is_count(value) and value > 0, "be a number of rows"),
    **_rows(("minimum", "span"), *NUMBERS),
    "checkpoint": (lambda value: value is None or isinstance(value, dict), "be null or have entries by name"),
}
CHECKPOINT = {"rows": TRAINED_ON["rows"], "sha256": HASH}
HISTORY = {
    "step": (_list_of(_is_count), "be a list of whole numbers"),
    "loss": (_list_of(_one_of(_is_number, _is_none)), "be a list of numbers"),
    "validation_loss": NUMBERS,
}
FILE = {"bytes": COUNT, "sha256": HASH}
TESTED: dict[str, tuple[Check, str]] = {
    "series": TEXT,
    **_rows(("first", "last"), *MOMENT),
    "scores": (_by_name(_one_of(_is_number, _is_text, _is_none)), "be numbers by name"),
    "verdict": (lambda value: isinstance(value, dict), "have entries by name"),
}
# What is not told of every test.
MAY_LACK = ("scores", "verdict")
ANCESTOR: dict[str, tuple[Check, str]] = {**_rows(("model", "created"), *TEXT)}
