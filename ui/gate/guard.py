"""The guard: middleware that decides of every request who may ask, for what, and how much of it.

In this order: is there such a route, does the request come from the lab's own page or from a program, is its sender
logged in, is there room for another visitor, is the body small and well formed. Only what passes is read and counted.
"""

import re
import secrets
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from starlette.types import ASGIApp, Receive, Scope, Send

from retriever.parameters import MEGABYTE
from ui.blocks import ONCE
from ui.gate.bodies import BodyReader, Incoming, encode_object, objects_in, parse_object, read_body, replay
from ui.gate.counting import counted
from ui.gate.login import Logins, login_page
from ui.gate.origins import client_address, headers_of, is_foreign
from ui.gate.refusals import (
    BUSY_MESSAGE,
    ENDED_MESSAGE,
    FILE_MESSAGE,
    FOREIGN_MESSAGE,
    LOGIN_MESSAGE,
    NAME_MESSAGE,
    NO_ROUTE_MESSAGE,
    READ_MESSAGE,
    TOOL_LOGIN_MESSAGE,
    TOOL_METHOD_MESSAGE,
    Refusal,
    ToolRefusal,
)
from ui.gate.routes import API_PREFIX, BEFORE_LOGIN, SESSION_NAME, Kind, Route, find_route
from ui.gate.sessions import Sessions
from ui.gate.streams import Streams
from ui.gate.visitors import Visitors
from ui.log import refused
from ui.settings import limits
from ui.uploads.folder import claim_uploads, uploads_root

SMALL_BODY = 64_000  # bytes of a body that holds no pasted text
ESCAPED = 2  # JSON may escape a character as two or more
MAX_STREAMS = 8  # connections that one session may hold open at once
MAX_DIRECT = 16  # events beside the queue that one session may have under way at once
MAX_OTHER_FILES = 5  # files that an event may name beside those to build from: judgments, a saved collection
TOOL_CALL = "tools/call"  # the method of MCP that asks for work
EVENT_FIELDS = ("data", "event_data", "fn_index", "session_hash", "trigger_id")  # others are not passed on


@dataclass(frozen=True)
class Checked:
    """A request on the list of routes: what its path names, its headers, and whether its sender is logged in."""

    route: Route
    named: str
    headers: dict[str, str]
    scope: Scope
    logged_in: bool

    @property
    def address(self) -> str:
        """The network address that it comes from."""
        return str(self.scope["client"][0])


class Guard:
    """ASGI middleware that passes on to the app only what may reach it."""

    def __init__(self, app: ASGIApp, visitors: Visitors, logins: Logins, sessions: Sessions) -> None:
        """Wrap an app."""
        self.app, self.visitors, self.logins, self.sessions = app, visitors, logins, sessions
        self._bodies, self._answers = BodyReader(), Streams(app, sessions.awaits_answers)
        self._direct: Counter[str] = Counter()  # events beside the queue, by session
        self._streams: Counter[str] = Counter()  # open answers, by session

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse a request, or pass it on to the app."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        incoming = Incoming(receive)
        try:
            await self._pass_on(self._check(scope), incoming, send)
        except Refusal as refusal:
            refused(refusal.reason)
            await incoming.drain()
            await refusal.response()(scope, incoming, send)

    def _check(self, scope: Scope) -> Checked:
        """Return a request with what is known of it. Raises Refusal if it may not be asked, or not by its sender."""
        scope = with_plain_cookies(scope)
        found, headers = find_route(scope["method"], scope["path"]), headers_of(scope)
        if found is None:
            raise Refusal(404, "unknown route", NO_ROUTE_MESSAGE)
        route, named = found
        if route.kind is Kind.TOOL and scope["method"] != "POST":
            raise Refusal(405, "unknown route", TOOL_METHOD_MESSAGE, headers={"Allow": "POST"})
        if is_foreign(headers, route.kind):
            raise Refusal(403, "foreign site", FOREIGN_MESSAGE)
        if scope["method"] != "POST" and has_body(headers):
            raise Refusal(400, "unexpected body", "This request may have no body.")
        scope = {**scope, "client": (client_address(scope, headers), 0)}
        logged_in = self.logins.may_enter(cookies_of(headers))
        if route.kind is Kind.TOOL:
            logged_in = logged_in or self.logins.has_password(headers.get("authorization", ""), scope["client"][0])
        if not logged_in and route.kind not in BEFORE_LOGIN:
            words = TOOL_LOGIN_MESSAGE if route.kind is Kind.TOOL else LOGIN_MESSAGE
            raise Refusal(401, "not logged in", words)
        return Checked(route, named, headers, scope, logged_in)

    async def _pass_on(self, request: Checked, receive: Receive, send: Send) -> None:
        """Pass a request on to the app. Raises Refusal before anything was sent if there is no room for it."""
        scope, kind = request.scope, request.route.kind
        if kind in (Kind.EVENT, Kind.CALL, Kind.NAMED_CALL, Kind.CANCEL):
            await self._event(request, receive, send)
        elif kind in (Kind.LOGIN, Kind.LOGOUT, Kind.CLASS_EVENT):
            with self._bodies.reserved(request.headers, SMALL_BODY):
                body = await read_body(receive, SMALL_BODY)
            await self.app(scope, replay(body, receive), send)
        elif kind is Kind.TOOL:
            await self._message(request, receive, send)
        elif kind is Kind.HEARTBEAT:
            self._admit(request.named, request.address)
            with self._stream(request.named):
                await self.app(scope, receive, send)
        elif kind is Kind.STREAM:
            await self._answer(session_of(scope), scope, receive, send)
        elif kind is Kind.ANSWER:
            await self._answer(self.sessions.of_event(request.named) or "", scope, receive, send)
        elif kind is Kind.FILE and not is_offered(request.named):
            raise Refusal(404, "file", NO_ROUTE_MESSAGE)
        elif kind in (Kind.PAGE, Kind.CLASS_PAGE) and not request.logged_in:
            page = login_page(query=scope["query_string"].decode("latin-1"), path=scope["path"])
            await page(scope, receive, send)
        elif kind in (Kind.PAGE, Kind.CONFIG) and (words := self.visitors.refusal(request.address)):
            raise Refusal(503, "full", words, page=kind is Kind.PAGE)
        else:
            await self.app(scope, receive, send)

    async def _event(self, request: Checked, receive: Receive, send: Send) -> None:
        """Read an event's body, and pass it on if its visitor may act."""
        kind, scope = request.route.kind, request.scope
        limit = SMALL_BODY if kind is Kind.CANCEL else limits().paste_megabytes * ESCAPED * MEGABYTE + SMALL_BODY
        with self._bodies.reserved(request.headers, limit):
            content = await parse_object(await read_body(receive, limit))
            if kind is Kind.NAMED_CALL:  # becomes a call like any other, without a session
                kind, scope = Kind.CALL, {**scope, "path": f"{API_PREFIX}call/{request.named}"}
                content = {"data": self.sessions.values_in_order(request.named, content)}
            files = checked_files(content)
            if kind is not Kind.CANCEL:
                content = {name: content[name] for name in EVENT_FIELDS if name in content}
            name = content["session_hash"] = self._visitor_of(content, kind, request.address)
            claim_uploads(files, name)
            body = await encode_object(content)
            if len(body) > SMALL_BODY:
                self._check_text_under_way(name, len(body))
            scope = {**scope, "headers": with_length(scope["headers"], len(body))}
            if scope["path"].startswith(f"{API_PREFIX}run/"):  # beside the queue, which counts its events itself
                with self._share_of(name, self._direct, MAX_DIRECT):
                    await self.app(scope, replay(body, receive), send)
            else:
                await self._answers.settle(name)
                await self.app(scope, replay(body, receive), send)
            if name.startswith(ONCE) and name not in self.sessions.names:
                self.visitors.end(name)  # there is no such endpoint, or its values were refused

    async def _message(self, request: Checked, receive: Receive, send: Send) -> None:
        """Read a message of MCP, and pass it on; a call of a tool is a visit as long as it takes."""
        with self._bodies.reserved(request.headers, SMALL_BODY):
            content = await parse_object(await read_body(receive, SMALL_BODY))
            body = await encode_object(content)
        receive, scope = replay(body, receive), request.scope
        scope = {**scope, "headers": with_length(scope["headers"], len(body))}
        if content.get("method") != TOOL_CALL:
            await self.app(scope, receive, send)
            return
        name = f"{ONCE}{secrets.token_hex(16)}"
        if words := self.visitors.admit(name, request.address, once=True):
            raise ToolRefusal("full", words, content.get("id"))
        self.visitors.connected(name)
        try:
            await self.app(scope, receive, send)
        finally:
            self.visitors.end(name)

    def _visitor_of(self, content: dict[str, Any], kind: Kind, address: str) -> str:
        """Return the session that an event is for, admitted; a call without one gets a session for this call."""
        name = content.get("session_hash")
        if name is None and kind is Kind.CALL:
            name = f"{ONCE}{secrets.token_hex(16)}"
            if words := self.visitors.admit(name, address, once=True):
                raise Refusal(503, "full", words)
            return name
        if not isinstance(name, str) or not re.fullmatch(SESSION_NAME, name) or name.startswith(ONCE):
            raise Refusal(400, "session name", NAME_MESSAGE)
        if kind is Kind.CANCEL:
            if name not in self.visitors:
                raise Refusal(404, "session name", "There is no such session.")
            return name
        self._admit(name, address)
        if self.sessions.is_busy(name):
            raise Refusal(429, "busy session", BUSY_MESSAGE)
        return name

    def _admit(self, name: str, address: str) -> None:
        """Record that a session acts. Raises Refusal if it has ended, or if there is no room for a new one."""
        if self.visitors.has_ended(name):
            raise Refusal(410, "ended session", ENDED_MESSAGE)
        if words := self.visitors.admit(name, address):
            raise Refusal(503, "full", words)

    async def _answer(self, name: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a session's answers as long as the connection is open; a call's session ends with its answer."""
        if name not in self.visitors:
            raise Refusal(404, "no answer", READ_MESSAGE)
        try:
            with self._stream(name), self.sessions.reading(name):
                respond = self.app if name.startswith(ONCE) else partial(self._answers.respond, name)
                await respond(scope, receive, send)
        finally:
            if name.startswith(ONCE):
                self.visitors.end(name)
                await self.sessions.forget(name)

    def _check_text_under_way(self, name: str, size: int) -> None:
        """Raise Refusal if a session's texts under way and a body of this size are more than one paste.

        A page sends a pasted text with each change of a control. A body alone may be larger, as JSON escapes.
        """
        waiting = self.sessions.waiting_characters(name)
        if waiting > SMALL_BODY and waiting + size > limits().paste_megabytes * MEGABYTE:
            raise Refusal(429, "busy session", BUSY_MESSAGE)

    @contextmanager
    def _stream(self, name: str) -> Iterator[None]:
        """Count an open connection of a session. Raises Refusal if it has too many."""
        with self._share_of(name, self._streams, MAX_STREAMS):
            self.visitors.connected(name)
            try:
                yield
            finally:
                self.visitors.disconnected(name)

    def _share_of(self, name: str, counter: Counter[str], most: int) -> AbstractContextManager[None]:
        """Count one more thing that a session has under way. Raises Refusal if it has as many as it may."""
        if counter[name] >= most:
            raise Refusal(429, "busy session", BUSY_MESSAGE)
        return counted(counter, name)


def has_body(headers: dict[str, str]) -> bool:
    """Return whether a request says that a body follows."""
    return headers.get("content-length", "0") != "0" or "transfer-encoding" in headers


def checked_files(content: dict[str, Any]) -> list[str]:
    """Return the paths of the files that an event names.

    Raises Refusal if one of them was not uploaded (an address, a path elsewhere), or if they are too many.
    """
    files: list[str] = []
    for item in objects_in(content.get("data")):
        path, address = item.get("path"), item.get("url")
        if path is None and address is None:
            continue
        if not (isinstance(path, str) and is_offered(path)):
            raise Refusal(400, "file", FILE_MESSAGE)
        files.append(path)
        if len(files) > limits().files + MAX_OTHER_FILES:
            raise Refusal(413, "too many files", "The request names more files than are taken at once; choose fewer.")
    return files


def is_offered(path: str) -> bool:
    """Return whether a path leads to a place below the folder of uploads and downloads."""
    try:
        return Path(path).is_absolute() and uploads_root().resolve() in Path(path).resolve().parents
    except (OSError, ValueError, RuntimeError):  # too long, with a null byte, a loop of links
        return False


def session_of(scope: Scope) -> str:
    """Return the session that the query of a request names; empty if it names none, or several."""
    try:
        names = parse_qs(scope["query_string"].decode("latin-1"), max_num_fields=10).get("session_hash", [])
    except ValueError:  # too many fields
        return ""
    return names[0] if len(names) == 1 else ""


def cookies_of(headers: dict[str, str]) -> dict[str, str]:
    """Return a request's cookies; plain ones, as with_plain_cookies leaves them."""
    parts = (cookie.partition("=") for cookie in headers.get("cookie", "").split(";"))
    return {name.strip(): value.strip() for name, _, value in parts}


def with_plain_cookies(scope: Scope) -> Scope:
    """Return a request without the cookies that are quoted, as none of the lab's is.

    Python before 3.11.10 takes time for them that grows with the square of their length.
    """
    headers = []
    for name, value in scope["headers"]:
        if name.lower() == b"cookie":
            value = b";".join(cookie for cookie in value.split(b";") if b'"' not in cookie and b"\\" not in cookie)
        headers.append((name, value))
    return {**scope, "headers": headers}


def with_length(headers: list[tuple[bytes, bytes]], length: int) -> list[tuple[bytes, bytes]]:
    """Return a request's headers for a body of another length."""
    replaced = (b"content-length", b"transfer-encoding", b"content-encoding")
    kept = [(name, value) for name, value in headers if name not in replaced]
    return [*kept, (b"content-length", str(length).encode())]
