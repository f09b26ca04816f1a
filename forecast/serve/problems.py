"""Errors as problem details (RFC 9457): what rule was broken, by which value, and what to do about it.

ForecastError, Problem, or a defect ── problem_of ── {"type", "title", "status", "detail", "rule", "value", "cure"}
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from forecast.errors import (
    BundleError,
    ConfigError,
    ForecastError,
    ModelError,
    NoData,
    NoNetwork,
    RateLimited,
    SeriesError,
    SeriesTooShort,
    SeveralSeries,
    SourceError,
    UnknownTicker,
    WorkerLost,
    WriteError,
)

CONTENT_TYPE = "application/problem+json"
# Status and title of each error, the narrowest class first; its name is the type.
KINDS: tuple[tuple[type[ForecastError], int, str], ...] = (
    (RateLimited, 503, "The provider of prices answers too many requests"),
    (NoNetwork, 503, "The provider of prices cannot be reached"),
    (UnknownTicker, 404, "No such ticker"),
    (NoData, 404, "No rows in that span"),
    (SeveralSeries, 422, "The file holds several series"),
    (SourceError, 422, "The source cannot be read"),
    (SeriesTooShort, 422, "The series is too short"),
    (SeriesError, 422, "The rows break a rule"),
    (WorkerLost, 500, "A process of the training ended"),
    (ModelError, 422, "The model cannot forecast this"),
    (BundleError, 422, "The saved model cannot be opened"),
    (ConfigError, 422, "An option is wrong"),
    (WriteError, 507, "Nothing could be written"),
    (ForecastError, 422, "The request cannot be answered"),
)
TITLES = {
    400: "The request cannot be read",
    401: "A token is needed",
    403: "Refused",
    404: "Not found",
    405: "No such method",
    408: "The request took too long",
    409: "In conflict with what is there",
    411: "The length is missing",
    413: "Too large",
    415: "No such format",
    422: "The request cannot be answered",
    429: "Too many requests",
    500: "A defect",
    503: "Busy",
    504: "It took too long",
    507: "Nothing could be written",
}
RECEIVED = re.compile(r"^(?P<rule>.*?)\s*Received: (?P<value>.*?)\.(?:\s+(?P<cure>[A-Z`].*))?$", re.DOTALL)
CHOICES = re.compile(r"There are (?P<names>.+?)\.?$")


class Problem(ForecastError):
    """A request that is refused, with its status.

    Attributes:
        members: Further members of the problem.
    """

    def __init__(self, status: int, rule: str, *, value: str = "", cure: str = "", **members: Any) -> None:
        parts = (rule, f"Received: {value}." if value else "", cure)
        super().__init__(" ".join(part for part in parts if part))
        self.status, self.rule, self.value, self.cure, self.members = status, rule, value, cure, members


def problem_of(error: BaseException) -> dict[str, Any]:
    """The problem details of an error; of a defect nothing is told but that it is one."""
    if isinstance(error, Problem):
        about = {"rule": error.rule, "value": error.value, "cure": error.cure, **error.members}
        return _details("about:blank", TITLES.get(error.status, "Refused"), error.status, str(error), about)
    for kind, status, title in KINDS:
        if isinstance(error, kind):
            return _details(f"urn:forecast:{kind.__name__}", title, status, str(error), _parts(str(error)))
    if isinstance(error, MemoryError):
        return problem_of(out_of_memory())
    return _details("about:blank", TITLES[500], 500, "The server failed to answer; its log says why.", _parts(""))


def out_of_memory() -> Problem:
    """What is answered where reading or forecasting took more memory than it may."""
    return Problem(413, "a request must be answered within the memory for it.", cure="Send fewer rows or columns.")


def out_of_time(seconds: int) -> Problem:
    """The same of time."""
    return Problem(504, f"a request must be answered within {seconds} seconds.", cure="Send fewer rows or columns.")


def status_problem(status: int, detail: str = "") -> dict[str, Any]:
    """The problem of a bare status, as of a path that there is not."""
    title = TITLES.get(status, "Refused")
    return _details("about:blank", title, status, detail or f"{title}.", _parts(detail))


def _details(kind: str, title: str, status: int, detail: str, about: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": kind, "title": title, "status": status, "detail": detail, **about}


def _parts(message: str) -> dict[str, Any]:
    """Rule, value and cure of a message, which gives them in this order; and the names that it offers."""
    found = RECEIVED.match(message)
    about = {"rule": message, "value": "", "cure": ""}
    if found:
        about = {name: text or "" for name, text in found.groupdict().items()}
    choices = CHOICES.search(message)
    return {**about, **({"choices": _names(choices["names"])} if choices else {})}


def _names(listed: str) -> Sequence[str]:
    return [name for name in re.split(r", (?:and )?| and ", listed) if name != "..."]
