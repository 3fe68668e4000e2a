"""The login: one user with the operator's password, limited attempts, and a logout that ends one browser's login."""

import secrets
import time
from collections.abc import Callable, Mapping

from cachetools import TTLCache
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ui.log import refused

USER = "class"
MAX_LOGINS = 5_000  # browsers and programs that are logged in
LOGIN_SECONDS = 12 * 3600.0  # seconds that a login lasts
MAX_FAILURES = 30  # failed attempts of one address within FAILURE_SECONDS; a class may share an address
FAILURE_SECONDS = 600.0
MAX_ADDRESSES = 10_000  # addresses whose failed attempts are remembered
WRONG = "The user or the password is wrong."
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
        """Answer a login form, as Gradio's own endpoint does, without telling which part was wrong."""
        address = request.client.host if request.client else ""
        failures = self._failures.get(address, 0)
        if failures >= MAX_FAILURES:
            refused("login attempts")
            return JSONResponse({"detail": TOO_MANY}, status_code=429, headers={"Retry-After": "600"})
        form = await request.form(max_files=0, max_fields=20)
        name, password = (str(form.get(field, "")) for field in ("username", "password"))
        right = [
            secrets.compare_digest(given.encode("utf-8", "replace"), wanted.encode())
            for given, wanted in ((name.strip(), USER), (password, self._password))
        ]
        if not (self.needed and all(right)):
            self._failures[address] = failures + 1
            refused("login")
            return JSONResponse({"detail": WRONG}, status_code=400)
        token = secrets.token_urlsafe(24)
        self.tokens[token] = USER
        response = JSONResponse({"success": True})
        secured, plain = self.cookies
        response.set_cookie(secured, token, httponly=True, samesite="none", secure=True)  # inside the frame of a Space
        response.set_cookie(plain, token, httponly=True, samesite="lax")
        return response

    async def log_out(self, request: Request) -> Response:
        """End the login of the browser that asks, and of no other."""
        response = JSONResponse({"success": True})
        for name in self.cookies:
            self.tokens.pop(request.cookies.get(name, ""), None)
            response.delete_cookie(name)
        return response
