"""Everything that the user can put right, as one tree of exceptions.

    ForecastError
    ├── ConfigError     an option is out of range, unknown, or contradicts another
    ├── SourceError     a file or the network did not give a table that can be read
    │   ├── SeveralSeries   a source holds several series where one is asked for
    │   ├── RateLimited     the service answers too many requests
    │   ├── UnknownTicker   the service does not know the ticker, or it was delisted
    │   ├── NoData          the ticker is known, but there are no rows in that span
    │   └── NoNetwork       the service cannot be reached
    ├── SeriesError     the rows of a series break a rule (order, gaps in the target, length)
    │   └── SeriesTooShort
    ├── ModelError      a network could not be trained, or cannot forecast this series
    │   └── WorkerLost      another process of its training ended
    ├── BundleError     a saved model is damaged, foreign or newer than this program
    └── WriteError      a file or folder could not be written, as on a full disk; what was there is as it was

A message gives the rule, the value and the cure. `cli.main` turns each into one line and exit status 1. `Stopped` is
none of them: it is how a command ends by Ctrl-C whose finished parts are kept.
"""

from pathlib import Path


class ForecastError(Exception):
    """Base of all errors that a user of `forecast` can put right."""


class ConfigError(ForecastError):
    """An option is out of range, unknown, or contradicts another."""


class SourceError(ForecastError):
    """A file or the network did not give a table that can be read."""


class SeveralSeries(SourceError):
    """A source holds several series where one is asked for."""

    def or_all(self, file: str) -> "SeveralSeries":
        """The same for those who take several: it names all of them."""
        return SeveralSeries(f"{self} {file}:* stands for all of them.")


class RateLimited(SourceError):
    """The service answers too many requests."""


class UnknownTicker(SourceError):
    """The service does not know the ticker, or it was delisted."""


class NoData(SourceError):
    """The ticker is known, but there are no rows in that span."""


class NoNetwork(SourceError):
    """The service cannot be reached, or does not answer in time."""


class SeriesError(ForecastError):
    """The rows of a series break a rule."""


class SeriesTooShort(SeriesError):
    """Fewer rows than lookback and horizon need."""


class ModelError(ForecastError):
    """A network could not be trained, or cannot forecast this series."""


class WorkerLost(ModelError):
    """Another process of a training ended, or did not answer in time."""


class BundleError(ForecastError):
    """A saved model is damaged, foreign or newer than this program."""


class WriteError(ForecastError):
    """A file or folder could not be written; what was there is as it was."""


class Stopped(Exception):
    """Ctrl-C ended a command; what was finished is in the folder `kept`."""

    def __init__(self, kept: Path):
        super().__init__(f"stopped. What is finished is in {kept}; the same command goes on with it.")
