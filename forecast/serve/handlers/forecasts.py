"""Forecasts: at once or from a saved model, of one series or of a thousand that stream back; and past forecasts."""

import asyncio
import hashlib
import io
import json
import pickle
from collections.abc import Hashable
from pathlib import Path
from typing import Any

from forecast.errors import ForecastError
from forecast.serve import answers
from forecast.serve.handlers.base import Handler, flush
from forecast.serve.problems import Problem, problem_of
from forecast.serve.requests import MOST_PATHS, MOST_STEPS, ForecastRequest, read_request, source_of_request
from forecast.serve.sandbox.client import Refused

# Past origins that are shown, and of a first answer made with it.
ORIGINS = 20
CSV, PARQUET, PNG = "text/csv", "application/vnd.apache.parquet", "image/png"
ENDINGS = {CSV: "csv", PARQUET: "parquet"}
# Names of the package's own network.
OWN = (None, "", "pretrained")


class Forecasting(Handler):
    """Makes forecasts; the answers of stored series are kept for a while."""

    async def forecast(self, request: ForecastRequest) -> dict[str, Any]:
        """The answer to one request."""
        model = None if request.model in OWN else request.model
        source = source_of_request(request, self.state.settings)
        if model and "rows" in source:
            return self._from_rows(model, source, request)
        found = await self.made(request.series, source, model, request.horizon, ORIGINS)
        return answers.dress(found["answer"], request.levels, request.paths)

    def _from_rows(self, model: str, source: dict[str, Any], request: ForecastRequest) -> dict[str, Any]:
        """A forecast of rows by a saved model: numbers alone, so it is made here."""
        rows = pickle.dumps([source["rows"], source["options"]])  # is never read again: JSON takes ten times as long
        key: Hashable = (hashlib.sha256(rows).digest(), model, self.state.identity(model), request.horizon)
        found = self.state.answers.get(key)
        if found is None:
            series = answers.read(source, Path())
            found = answers.forecast_with(self.state.model(model), series, request.horizon)
            self.state.answers.put(key, found)
        return answers.dress(found, request.levels, request.paths)

    async def made(
        self, number: str | None, source: dict[str, Any], model: str | None, horizon: int | None, origins: int
    ) -> dict[str, Any]:
        """The answer and past forecasts of a series that is stored, or named, or brought."""
        folder = "."
        if number is not None:
            source = self.state.workspace.series(number)["source"]
            folder = str(self.state.workspace.path("series", number))
        elif not source:
            source, folder = self._trained_on(model)
        key: Hashable = (json.dumps(source), folder, model, self.state.identity(model), horizon, origins)
        found = self.state.answers.get(key) if number is not None else None
        if found is None:
            path = str(self.state.workspace.path("models", model)) if model else None
            arguments = {"source": source, "folder": folder, "model": path, "horizon": horizon, "origins": origins}
            found = await self.state.sandbox.ask("answer", **arguments)
            if number is not None and not source.get("ticker"):
                self.state.answers.put(key, found)
        return dict(found)

    def _trained_on(self, model: str | None) -> tuple[dict[str, Any], str]:
        """The source of the series that a model was trained on: a stored one of its name, or a ticker."""
        if model is None:
            raise Problem(422, "a request must name one of `series`, `ticker` and `rows`.")
        name = self.state.model(model).trained_on[0].series
        for one in self.state.workspace.every_series():
            if one["name"] == name:
                return one["source"], str(self.state.workspace.path("series", one["id"]))
        raise Problem(404, "the series that the model was trained on must be stored.", value=name[:80])


class Forecasts(Forecasting):
    """`/v1/forecasts`."""

    async def post(self) -> None:
        kind = self.request.headers.get("Content-Type", "").partition(";")[0].strip().casefold()
        if kind in ENDINGS:
            self._give(await self._of_file(kind))
            return
        body = self.body()
        if isinstance(body, dict) and isinstance(body.get("series"), list):
            await self._stream(body)
            return
        request = read_request(ForecastRequest, body)
        if self._wanted() == PNG:
            await self._picture(request)
        else:
            self._give(await self.forecast(request))

    def _wanted(self) -> str:
        """The format that is asked for."""
        return self.request.headers.get("Accept", "").partition(",")[0].partition(";")[0].strip().casefold()

    def _give(self, answer: dict[str, Any]) -> None:
        """Answer in the format that is asked for."""
        if self._wanted() in ENDINGS:
            self._table(answer, self._wanted())
        else:
            self.send(answer)

    async def _of_file(self, kind: str) -> dict[str, Any]:
        """The answer to rows in the body, as CSV or Parquet, with the rest in the query."""
        levels = self.get_query_argument("levels", "")
        request = ForecastRequest(
            model=self.get_query_argument("model", None),
            horizon=self.integer("horizon", 0, 0, MOST_STEPS) or None,
            levels=[self.number("levels", text) for text in levels.split(",")] if levels else None,
            paths=self.integer("paths", 0, 0, MOST_PATHS),
        )
        options = {name: self.get_query_argument(name, "") or None for name in answers.OPTIONS}
        file = f"series.{ENDINGS[kind]}"
        source = {"file": file, "options": options, "part": self.get_query_argument("series", "") or None}
        model = None if request.model in OWN else str(self.state.workspace.path("models", str(request.model)))
        with self.state.workspace.passing() as folder:
            (folder / file).write_bytes(self.received)
            arguments = {"source": source, "folder": str(folder), "model": model, "horizon": request.horizon}
            found = await self.state.sandbox.ask("answer", **arguments, origins=0)
        return answers.dress(found["answer"], request.levels, request.paths)

    async def _stream(self, body: dict[str, Any]) -> None:
        """Answer each of many series as it is done, one JSON object a line."""
        every = body.pop("series")
        most = self.state.settings.series
        if not 0 < len(every) <= most:
            raise Problem(422, f"`series` must be an id, or a list of 1 to {most:,} series.", value=str(len(every)))
        source_of_request(read_request(ForecastRequest, body), self.state.settings)
        self.set_header("Content-Type", "application/x-ndjson")
        waiting = asyncio.Semaphore(2 * self.state.settings.side_by_side)

        async def one(given: Any) -> dict[str, Any]:
            asked = {"series": given} if isinstance(given, str) else given
            named = [asked.get(key) for key in ("name", "series", "ticker")] if isinstance(asked, dict) else []
            name = next((one for one in named if one and isinstance(one, str)), None)
            async with waiting:
                try:
                    whole = {**body, **asked} if isinstance(asked, dict) else asked
                    return await self.forecast(read_request(ForecastRequest, whole))
                except Refused as error:
                    return {"series": name, "problem": error.details}
                except (ForecastError, MemoryError) as error:
                    return {"series": name, "problem": problem_of(error)}

        tasks = [asyncio.ensure_future(one(given)) for given in every]
        try:
            for done in asyncio.as_completed(tasks):
                self.write(json.dumps(await done, allow_nan=False) + "\n")
                if not await flush(self):
                    return
        finally:
            for task in tasks:
                task.cancel()

    async def _picture(self, request: ForecastRequest) -> None:
        import base64

        number = request.series
        source = (
            self.state.workspace.series(number)["source"] if number else source_of_request(request, self.state.settings)
        )
        folder = str(self.state.workspace.path("series", number)) if number else "."
        model = None if request.model in OWN else str(self.state.workspace.path("models", str(request.model)))
        found = await self.state.sandbox.ask(
            "picture", source=source, folder=folder, model=model, horizon=request.horizon
        )
        self.set_header("Content-Type", PNG)
        self.write(base64.b64decode(found["png"]))

    def _table(self, answer: dict[str, Any], kind: str) -> None:
        """The forecast as a table, to be kept as a file."""
        import pandas as pd

        fixed = {name: answer[name] for name in ("model", "series", "unit", "origin")}
        table = pd.DataFrame([{**fixed, **step} for step in answer.get("forecast", [answer])])
        file = io.BytesIO()
        if kind == CSV:
            table.to_csv(file, index=False)
        else:
            table.to_parquet(file, index=False)
        self.set_header("Content-Type", kind)
        self.set_header("Content-Disposition", f'attachment; filename="forecast.{ENDINGS[kind]}"')
        self.write(file.getvalue())


class Past(Forecasting):
    """`/v1/series/ID/past`."""

    async def get(self, number: str) -> None:
        model = self.get_query_argument("model", "")
        horizon = self.integer("horizon", 0, 0, MOST_STEPS) or None
        origins = self.integer("origins", ORIGINS, 1, answers.MOST_ORIGINS)
        found = await self.made(number, {}, None if model in OWN else model, horizon, origins)
        if found["past"] is None:
            raise Problem(422, "past forecasts are those of values.", value=model)
        self.send(found["past"])
