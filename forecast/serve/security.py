"""Who may ask: names of the host, the origin of a page, the token; and the headers of every answer.

A page of another site can make a browser send requests to this machine. It cannot choose the header `Host` of a request
that reaches this server by its own name (DNS rebinding), nor leave out `Origin` where it changes something; both are
checked before anything else. Sources: OWASP, Cross-Site Request Forgery Prevention; W3C, Content Security Policy 3.
"""

import hmac
import ipaddress
import secrets
from urllib.parse import urlsplit

from tornado.httputil import HTTPServerRequest

from forecast.serve.problems import Problem
from forecast.serve.settings import LOOPBACK, ServerSettings, is_loopback

COOKIE = "forecast_token"
# What may be asked without a token: whether the server lives.
OPEN = ("/healthz", "/v2/health/live", "/v2/health/ready")
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "connect-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
# A report is a page of its own, with everything in it: it runs apart from the server's origin.
REPORT_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; "
    "sandbox allow-scripts; frame-ancestors 'self'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Server": "forecast",
}


def new_token() -> str:
    """A token that nobody guesses."""
    return secrets.token_urlsafe(32)


def check_request(request: HTTPServerRequest, settings: ServerSettings) -> None:
    """Refuse a request that another site made, or that brings no token where one is needed.

    Raises:
        Problem: 403 or 401.
    """
    check_site(request, settings)
    if settings.token and request.path not in OPEN and not has_token(request, settings.token):
        raise Problem(401, "a request must bring the token of this server.", cure="Send Authorization: Bearer TOKEN.")


def check_site(request: HTTPServerRequest, settings: ServerSettings) -> None:
    """Refuse a request that another site made.

    Raises:
        Problem: 403.
    """
    check_host(request.headers.get("Host", ""), settings)
    check_origin(request)


def check_host(host: str, settings: ServerSettings) -> None:
    """Refuse a request by a name that is not this server's: another site's name may lead here."""
    name = _name(host)
    if settings.is_local:
        known = is_loopback(name)
    else:
        known = _is_address(name) or name in {*LOOPBACK, settings.host.casefold(), *settings.names}
    if not (known or name in {one.casefold() for one in settings.names}):
        raise Problem(403, "a server is asked by its own name.", value=host[:80], cure="Give --name for another one.")


def check_origin(request: HTTPServerRequest) -> None:
    """Refuse what a page of another site sends."""
    origin, host = request.headers.get("Origin"), request.headers.get("Host", "")
    if origin is not None and urlsplit(origin).netloc.casefold() != host.casefold():
        raise Problem(403, "a request must come from this server's own page, or from a program.", value=origin[:80])
    site = request.headers.get("Sec-Fetch-Site", "none")
    followed = request.method == "GET" and request.headers.get("Sec-Fetch-Mode") == "navigate" and request.path == "/"
    if site not in ("none", "same-origin") and not followed:
        raise Problem(
            403, "a request must come from this server's own page, or from a program.", value=f"{site} request"
        )


def has_token(request: HTTPServerRequest, token: str) -> bool:
    """Whether a request brings the token, in its header or in the page's cookie; compared in constant time."""
    kind, _, given = request.headers.get("Authorization", "").partition(" ")
    cookie = request.cookies.get(COOKIE)
    tried = [given.strip()] if kind.casefold() == "bearer" else []
    tried += [cookie.value] if cookie else []
    return any(same(one, token) for one in tried)


def same(given: str, token: str) -> bool:
    """Whether two texts are the same, in a time that does not depend on where they differ."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), token.encode())


def _name(host: str) -> str:
    """The name in a header `Host`, without the port."""
    try:
        return (urlsplit(f"//{host}").hostname or "").casefold() if "@" not in host else ""
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
