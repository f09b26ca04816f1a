"""Series that are sent: as a file of any format that `forecast.load` reads, as a ticker, or as rows."""

from pathlib import Path
from typing import Any
from urllib.parse import unquote

from forecast.runtime.names import slug
from forecast.serve.answers import MOST_ROWS, OPTIONS
from forecast.serve.handlers.base import Handler
from forecast.serve.problems import Problem
from forecast.serve.requests import SeriesRequest, read_request, source_of_request
from forecast.serve.workspace import new_id, now

# Rows of a history that are asked for by default.
SHOWN = 300
# Endings of a name that tell how a file is packed or written.
LONGEST_NAME = 100


class SeriesList(Handler):
    """`/v1/series`."""

    def get(self) -> None:
        self.send({"series": [public(one) for one in self.state.workspace.every_series()]})

    async def post(self) -> None:
        if len(self.state.workspace.names("series")) >= self.state.settings.series:
            raise Problem(
                507, f"at most {self.state.settings.series:,} series are kept.", cure="Delete some that are not needed."
            )
        name = self.request.headers.get("X-Filename", "")
        kind = self.request.headers.get("Content-Type", "").partition(";")[0].casefold()
        number = new_id()
        if name or kind != "application/json":
            record = await self._file(number, name)
        else:
            request = read_request(SeriesRequest, self.body())
            source = source_of_request(request, self.state.settings)
            if not source:
                raise Problem(422, "a request must bring `ticker` or `rows`, or a file.")
            record = await self._add(number, source, None)
        self.set_header("Location", f"/v1/series/{number}")
        self.send(public(record), 201)

    async def _file(self, number: str, name: str) -> dict[str, Any]:
        """Store the file in the body."""
        if not self.received:
            raise Problem(422, "a file must not be empty.")
        given = {option: self.get_query_argument(option, "") or None for option in OPTIONS}
        file = slug(unquote(name).replace("\\", "/").rpartition("/")[2]).strip("-.")[-LONGEST_NAME:] or "series.csv"
        source = {"file": file, "options": given, "part": self.get_query_argument("series", "") or None}
        with self.state.workspace.passing() as folder:
            path = folder / file
            path.write_bytes(self.received)
            return await self._add(number, source, path)

    async def _add(self, number: str, source: dict[str, Any], path: Path | None) -> dict[str, Any]:
        """Have a source read, and store what was found."""
        folder = str(path.parent) if path else "."
        found = await self.state.sandbox.ask("read", source=source, folder=folder)
        about = {"id": number, "ticker": source.get("ticker"), "created": now()}
        record = {**about, **found["record"], "source": source}
        self.state.workspace.add_series(number, record, found["history"], path)
        return record


class OneSeries(Handler):
    """`/v1/series/ID`."""

    def get(self, number: str) -> None:
        self.send(public(self.state.workspace.series(number)))

    def delete(self, number: str) -> None:
        self.send({"undo": f"/v1/trash/{self.state.workspace.delete('series', number)}/restore"})


class History(Handler):
    """`/v1/series/ID/history`."""

    def get(self, number: str) -> None:
        rows = self.integer("rows", SHOWN, 1, MOST_ROWS)
        self.state.workspace.path("series", number)
        found = self.state.workspace.history(number)
        self.send({"dates": found["dates"][-rows:], "values": found["values"][-rows:]})


def public(record: dict[str, Any]) -> dict[str, Any]:
    """A record without what only the server needs."""
    return {name: value for name, value in record.items() if name != "source"}
