"""The page and its assets; all of them come from the packages, none from elsewhere."""

from typing import Any
from urllib.parse import urlencode

from tornado.web import StaticFileHandler

from forecast.serve.handlers.base import Handler
from forecast.serve.page import render_page
from forecast.serve.security import COOKIE, HEADERS, check_request, same
from forecast.serve.state import State


class Page(Handler):
    """The page. With a token behind the address, the browser is given a cookie, and the address loses the token."""

    def prepare(self) -> None:
        token = self.state.settings.token
        self.opened = bool(token) and same(self.get_query_argument("token", ""), token)
        if self.opened:
            self.request.headers["Authorization"] = f"Bearer {token}"
        super().prepare()

    def get(self) -> None:
        if self.opened:
            self.set_cookie(COOKIE, self.state.settings.token, path="/", httponly=True, samesite="Strict")
            rest = {name: self.get_query_arguments(name)[-1] for name in self.request.arguments if name != "token"}
            self.redirect("/" + (f"?{urlencode(rest)}" if rest else ""))
            return
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.write(render_page())


class Asset(StaticFileHandler):
    """A file of a package."""

    def initialize(self, path: str, state: State) -> None:  # type: ignore[override]
        super().initialize(path)
        self.state = state

    def set_default_headers(self) -> None:
        for name, value in {**HEADERS, "Cache-Control": "no-cache"}.items():
            self.set_header(name, value)

    def prepare(self) -> None:
        check_request(self.request, self.state.settings)

    def write_error(self, status_code: int, **about: Any) -> None:
        Handler.write_error(self, status_code, **about)  # type: ignore[arg-type]

    def log_exception(self, kind: Any, value: Any, trace: Any) -> None:
        Handler.log_exception(self, kind, value, trace)  # type: ignore[arg-type]
