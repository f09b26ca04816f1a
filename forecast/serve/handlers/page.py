"""The page and its assets; all of them come from the packages, none from elsewhere."""

from typing import Any
from urllib.parse import parse_qs

from tornado.web import StaticFileHandler

from forecast.serve.handlers.base import Handler, page_address
from forecast.serve.page import render_page
from forecast.serve.problems import Problem
from forecast.serve.security import COOKIE, HEADERS, check_request, check_site, same
from forecast.serve.state import State

# Bytes of a form with a token.
LARGEST_FORM = 4096


class Page(Handler):
    """The page. With a token behind the address, or in a form, the browser is given a cookie and no longer shows it."""

    def check(self) -> None:
        """Take a token from the address; let one in a form come, as `post` compares it."""
        if self.request.method == "POST":
            check_site(self.request, self.state.settings)
            self.largest = LARGEST_FORM
            return
        if self._opens(self.get_query_argument("token", "")):
            self.request.headers["Authorization"] = f"Bearer {self.state.settings.token}"
        super().check()

    def _opens(self, token: str) -> bool:
        return bool(self.state.settings.token) and same(token, self.state.settings.token)

    def get(self) -> None:
        if self._opens(self.get_query_argument("token", "")):
            self._enter(302)
            return
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.write(render_page())

    def post(self) -> None:
        if not self.state.settings.token:
            raise Problem(405, "this server asks for no token.")
        given = parse_qs(self.received.decode("utf-8", "replace")).get("token", [""])[-1].strip()
        if not self._opens(given):
            raise Problem(401, "the token must be the one of this server.")
        self._enter(303)

    def _enter(self, status: int) -> None:
        """Give the browser its cookie, and send it to the address without the token.

        The cookie goes along when a link of another site, or of a mail, is followed to the page, and with nothing else
        that comes from there.
        """
        self.set_cookie(COOKIE, self.state.settings.token, path="/", httponly=True, samesite="Lax")
        self.redirect(page_address(self.request), status=status)


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
