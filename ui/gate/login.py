"""The login: one user with the operator's password, limited attempts, and a logout that ends one browser's login."""

import base64
import re
import secrets
import time
from collections.abc import Callable, Mapping

from cachetools import TTLCache
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from ui.gate.routes import CLASS_PAGE
from ui.log import refused
from ui.render.html import render

USER = "class"
MAX_LOGINS = 5_000  # browsers and programs that are logged in
LOGIN_SECONDS = 12 * 3600.0  # seconds that a login lasts
MOST_QUERY = 8_000  # characters of an address that are kept over the login
MAX_FAILURES = 30  # failed attempts of one address within FAILURE_SECONDS; a class may share an address
FAILURE_SECONDS = 600.0
MAX_ADDRESSES = 10_000  # addresses whose failed attempts are remembered
WRONG = "That is not right; try again."
TOO_MANY = "There were too many attempts from your network. Try again in ten minutes."


class Logins:
    """The browsers and programs that are logged in, by the token in their cookie."""

    def __init__(self, password: str, clock: Callable[[], float] = time.monotonic) -> None:
        """Store the password, empty where none is needed; clock: returns seconds."""
        self._password = password
        self.tokens: TTLCache[str, str] = TTLCache(MAX_LOGINS, LOGIN_SECONDS, timer=clock)
        self._failures: TTLCache[str, int] = TTLCache(MAX_ADDRESSES, FAILURE_SECONDS, timer=clock)
        self.cookies: tuple[str, str] = ("", "")  # names, for TLS and without

    @property
    def needed(self) -> bool:
        """Whether a password is set."""
        return bool(self._password)

    def may_enter(self, cookies: Mapping[str, str]) -> bool:
        """Return whether a request with these cookies is logged in, or no password is set."""
        return not self.needed or any(cookies.get(name, "") in self.tokens for name in self.cookies)

    async def log_in(self, request: Request) -> Response:
        """Answer a login, to a browser with a page and to a program with JSON, without telling which part was wrong."""
        address = request.client.host if request.client else ""
        failures = self._failures.get(address, 0)
        if failures >= MAX_FAILURES:
            refused("login attempts")
            return _response(request, TOO_MANY, 429)
        form = await request.form(max_files=0, max_fields=20)
        given = [str(form.get(field, "")) for field in ("username", "password")]
        query, path = str(form.get("query", ""))[:MOST_QUERY], str(form.get("path", ""))
        if not self._is_right(*given):
            self._failures[address] = failures + 1
            refused("login")
            return _response(request, WRONG, 400, query, path)
        token = secrets.token_urlsafe(24)
        self.tokens[token] = USER
        response = _response(request, "", 200, query, path)
        secured, plain = self.cookies
        response.set_cookie(secured, token, httponly=True, samesite="none", secure=True)  # inside the frame of a Space
        response.set_cookie(plain, token, httponly=True, samesite="lax")
        return response

    def has_password(self, authorization: str, address: str) -> bool:
        """Return whether a program sends user and password with its request, as HTTP's scheme Basic has them.

        The programs of an address have as many attempts as its browsers, and share them.
        """
        scheme, _, sent = authorization.partition(" ")
        if not (self.needed and scheme.lower() == "basic"):
            return not self.needed
        failures = self._failures.get(address, 0)
        if failures >= MAX_FAILURES:
            refused("login attempts")
            return False
        try:
            name, _, given = base64.b64decode(sent, validate=True).decode().partition(":")
        except ValueError:
            name = given = ""
        if self._is_right(name, given):
            return True
        self._failures[address] = failures + 1
        refused("login")
        return False

    def _is_right(self, name: str, given: str) -> bool:
        """Return whether user and password are right, in the same time whichever is wrong."""
        pairs = ((name, USER), (given, self._password))
        right = [secrets.compare_digest(sent.encode("utf-8", "replace"), wanted.encode()) for sent, wanted in pairs]
        return self.needed and all(right)

    async def log_out(self, request: Request) -> Response:
        """End the login of the browser that asks, and of no other."""
        response = _response(request, "", 200)
        for name in self.cookies:
            self.tokens.pop(request.cookies.get(name, ""), None)
            response.delete_cookie(name)
        return response


def login_page(words: str = "", status: int = 200, query: str = "", path: str = "/") -> Response:
    """Return the page that asks for the password; words: why it asks again. query and path: of the address asked for.

    A page that is asked for again is answered at the address of the login.
    """
    above = "" if words else "../" * (path.count("/") - 1)
    page = render("gate/login.html", user=USER, words=words, query=query[:MOST_QUERY], path=path, above=above)
    return HTMLResponse(page, status)


def _response(request: Request, words: str, status: int, query: str = "", path: str = "/") -> Response:
    """Return the response to a login: to a browser the page or a page of the login, to a program JSON.

    query and path: of the address that the browser asked for, which it gets after the login.
    """
    path = path if re.fullmatch(CLASS_PAGE, path) else "/"
    if "text/html" not in request.headers.get("accept", ""):
        return JSONResponse({"detail": words} if words else {"success": True}, status)
    if words:
        return login_page(words, status, query, path)
    return RedirectResponse(f".{path}?{query}" if query else f".{path}", 303)
