"""What all routes share: checks before anything else, bodies with a bound, JSON, and problems instead of pages."""

import json
import logging
import math
import time
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from tornado.httputil import HTTPServerRequest
from tornado.iostream import StreamClosedError
from tornado.web import HTTPError, RequestHandler, stream_request_body

from forecast.errors import ForecastError
from forecast.serve.page import render_sign_in
from forecast.serve.problems import CONTENT_TYPE, Problem, problem_of, status_problem
from forecast.serve.sandbox.client import Refused
from forecast.serve.security import HEADERS, check_request
from forecast.serve.state import State

log = logging.getLogger("forecast.serve")
# What is answered for a ticker where the server must not ask anybody: waiting does not help then.
NO_NETWORK = "urn:forecast:NoNetwork"


@stream_request_body
class Handler(RequestHandler):
    """A route."""

    state: State

    def initialize(self, state: State) -> None:
        """Take what the routes share."""
        self.state, self.received = state, bytearray()
        self.largest = state.settings.upload
        self._counted = False

    def set_default_headers(self) -> None:
        for name, value in HEADERS.items():
            self.set_header(name, value)

    def prepare(self) -> None:
        """Refuse who may not ask, and bodies that are too large, before any of the body is read."""
        self._began = time.monotonic()
        self.state.metrics.open += 1
        self._counted = True
        self.check()
        length = self.request.headers.get("Content-Length", "0")
        if length.isdecimal() and int(length) > self.largest:
            raise self._too_large(length)

    def check(self) -> None:
        """Refuse who may not ask."""
        check_request(self.request, self.state.settings)

    def data_received(self, chunk: bytes) -> None:
        self.received += chunk
        self.state.metrics.receiving += len(chunk)
        if len(self.received) > self.largest:
            raise self._too_large(f"{len(self.received):,} and more")
        if self.state.metrics.receiving > self.state.settings.uploads:
            raise Problem(503, "the server must have room for a request.", cure="Try again in a moment.")

    def _too_large(self, length: str) -> Problem:
        return Problem(413, f"a request must have at most {self.largest:,} bytes.", value=f"{length} bytes")

    def body(self) -> Any:
        """The body, which is JSON.

        Raises:
            Problem: it is not.
        """
        kind = self.request.headers.get("Content-Type", "").partition(";")[0].strip().casefold()
        if kind not in ("application/json", ""):
            raise Problem(415, "the body must be JSON, with Content-Type: application/json.", value=kind[:80])
        return parse_json(bytes(self.received))

    def integer(self, name: str, default: int, least: int, most: int) -> int:
        """A number in the query.

        Raises:
            Problem: it is none, or beyond its bounds.
        """
        text = self.get_query_argument(name, str(default))
        if not (text.isascii() and text.isdecimal() and len(text) < 10 and least <= int(text) <= most):
            raise Problem(422, f"`{name}` must be a whole number from {least} to {most}.", value=text[:40])
        return int(text)

    def number(self, name: str, text: str) -> float:
        """A number that stands in the query.

        Raises:
            Problem: it is none.
        """
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise Problem(422, f"`{name}` must hold numbers.", value=text[:40])
        return value

    def send(self, value: Any, status: int = 200) -> None:
        """Answer with JSON."""
        self.set_status(status)
        self.set_header("Content-Type", "application/json")
        self.write(json.dumps(value, allow_nan=False))

    def write_error(self, status_code: int, **about: Any) -> None:
        """Answer with a problem."""
        error = about["exc_info"][1] if "exc_info" in about else None
        problem = _problem(error, status_code)
        self.set_status(problem["status"], _reason(problem["status"]))
        self.set_header("Content-Type", CONTENT_TYPE)
        if problem["status"] == 401:
            self.set_header("WWW-Authenticate", "Bearer")
        if problem["status"] == 405:
            self.set_header("Allow", ", ".join(methods_of(type(self))))
        if problem["status"] in (429, 503) and not (self.state.settings.offline and problem["type"] == NO_NETWORK):
            self.set_header("Retry-After", "5")
        if not self.request.body and self.request.headers.get("Content-Length", "0") != "0":
            self.set_header("Connection", "close")
        if problem["status"] == 401 and "text/html" in self.request.headers.get("Accept", ""):
            self.set_header("Content-Type", "text/html; charset=utf-8")
            self.set_header("Referrer-Policy", "same-origin")  # else the browser does not say where its form comes from
            self.finish(render_sign_in(page_address(self.request), wrong=_brought_token(self.request)))
        else:
            self.finish(json.dumps({**problem, "instance": self.request.path}))

    def log_exception(self, kind: Any, value: Any, trace: Any) -> None:
        if not isinstance(value, ForecastError | HTTPError | StreamClosedError):
            log.error("a defect", exc_info=(kind, value, trace))

    def on_finish(self) -> None:
        if self._counted:
            self.state.metrics.open -= 1
            self._counted = False
        self.state.metrics.receiving -= len(self.received)
        self.received = bytearray()

    def on_connection_close(self) -> None:
        super().on_connection_close()
        self.on_finish()


def methods_of(handler: type[RequestHandler]) -> list[str]:
    """The methods that a route has."""
    none = RequestHandler._unimplemented_method
    return [name for name in handler.SUPPORTED_METHODS if getattr(handler, name.lower()) is not none]


def page_address(request: HTTPServerRequest) -> str:
    """The address of the page that was asked for, without a token; `/` for all that is no page."""
    if request.path != "/":
        return "/"
    given = {name: values[-1].decode("utf-8", "replace") for name, values in request.query_arguments.items()}
    rest = urlencode({name: value for name, value in given.items() if name != "token"})
    return f"/?{rest}" if rest else "/"


def _brought_token(request: HTTPServerRequest) -> bool:
    """Whether a browser that is refused came with a token, in the address or in the form."""
    return request.path == "/" and (request.method == "POST" or "token" in request.query_arguments)


class Missing(Handler):
    """What there is no route for."""

    def prepare(self) -> None:
        super().prepare()
        raise Problem(404, "a path must be one of those at /v1/openapi.json.", value=self.request.path[:80])


def _problem(error: BaseException | None, status: int) -> dict[str, Any]:
    if isinstance(error, Refused):
        return error.details
    if isinstance(error, ForecastError) or (error is not None and not isinstance(error, HTTPError)):
        return problem_of(error)
    detail = error.log_message or "" if isinstance(error, HTTPError) else ""
    return status_problem(status, detail)


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Problem"


def parse_json(raw: bytes) -> Any:
    """JSON in UTF-8, without the constants that it does not have.

    Raises:
        Problem: it is not.
    """
    try:
        return json.loads(raw.decode("utf-8"), parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        reason = str(error) if not isinstance(error, UnicodeDecodeError) else "it is not UTF-8"
        raise Problem(400, "the body must be JSON in UTF-8.", value=reason[:120].rstrip(".")) from error


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:20]} is too large")
    return value


async def flush(handler: RequestHandler) -> bool:
    """Send what was written; False where nobody listens any more."""
    try:
        await handler.flush()
    except StreamClosedError:
        return False
    return True
