"""What a server tells of itself: lines for people, or JSON for programs, on standard error."""

import json
import logging
import sys
from datetime import UTC, datetime

from forecast.runtime.names import visible
from forecast.serve.settings import LogFormat

# What a record of logging has of its own; the rest was given with it.
OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class Lines(logging.Formatter):
    """A line for people: the time, what happened, and what is known of it."""

    def format(self, record: logging.LogRecord) -> str:
        about = " ".join(f"{name}={value}" for name, value in given(record).items())
        text = f"{datetime.now():%H:%M:%S} {record.getMessage()} {about}"
        return visible(text.strip()) + (f"\n{self.formatException(record.exc_info)}" if record.exc_info else "")


class Json(logging.Formatter):
    """The same as an object of JSON, on one line."""

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.now(UTC).isoformat(timespec="milliseconds")
        about = {"time": moment, "level": record.levelname.lower(), "message": record.getMessage(), **given(record)}
        if record.exc_info:
            about["defect"] = self.formatException(record.exc_info)
        return json.dumps(about, default=str)


def given(record: logging.LogRecord) -> dict[str, object]:
    """What was given with a record."""
    return {name: value for name, value in vars(record).items() if name not in OWN}


def start_logging(form: LogFormat, *, requests: bool) -> None:
    """Tell what happens on standard error.

    Args:
        requests: Each request as well, not only what fails.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Json() if form == "json" else Lines())
    for name in ("forecast.serve", "tornado"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(logging.INFO if name == "forecast.serve" else logging.ERROR)
    logging.getLogger("forecast.serve.access").setLevel(logging.INFO if requests else logging.ERROR)
