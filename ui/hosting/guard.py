"""The guard: middleware that checks every request before Gradio does, and refuses what would harm other visitors.

It admits sessions up to the limit, bounds what a request may hold in memory, and closes those of Gradio's endpoints
that this app does not use and that write files, fetch addresses for a visitor, or reveal another session.
"""

import json
from collections.abc import Iterator
from typing import Any

from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from retriever.parameters import MEGABYTE
from ui.hosting.visitors import Visitors
from ui.log import refused
from ui.render.html import render
from ui.settings import limits

API_PREFIX = "/gradio_api/"
CLOSED = tuple(
    API_PREFIX + name
    for name in (
        "component_server",
        "deep_link",
        "dev/",
        "process_recording",
        "proxy=",
        "run-history",
        "runs",
        "stream/",
        "undo-vibe",
        "vibe-",
    )
) + ("/monitoring",)
EVENTS = tuple(API_PREFIX + name for name in ("queue/join", "run/", "api/", "call/"))
HEARTBEAT = API_PREFIX + "heartbeat/"
FULL_MESSAGE = "The lab is full: {sessions} visitors are here. Try again in a minute or two; nothing of yours is lost."
ESCAPED = 2  # JSON may escape a character as two or more
ENDED_MESSAGE = (
    "This page was not used for {minutes} minutes, so its collection was given up. Reload the page to go on."
)


class Guard:
    """ASGI middleware that passes on to the app only what may reach it."""

    def __init__(self, app: ASGIApp, visitors: Visitors) -> None:
        """Wrap an app; visitors: the registry of sessions."""
        self.app, self.visitors = app, visitors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse a request, or pass it on to the app."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path: str = scope["path"]
        if path.startswith(CLOSED):
            await refusal(404, "There is no such address here.")(scope, receive, send)
        elif path.startswith(HEARTBEAT):
            await self._heartbeat(path.removeprefix(HEARTBEAT).strip("/"), scope, receive, send)
        elif scope["method"] == "POST" and path.startswith(EVENTS):
            await self._event(scope, receive, send)
        elif path in ("/", "/config") and self.visitors.full:
            refused("lab full")
            await _full_response(path)(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _heartbeat(self, name: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Register a page as open for as long as its heartbeat connection is open."""
        if self.visitors.has_ended(name) or not self.visitors.admit(name):
            await refusal(503, full_message())(scope, receive, send)
            return
        self.visitors.connected(name)
        try:
            await self.app(scope, receive, send)
        finally:
            self.visitors.disconnected(name)

    async def _event(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read an event's body, up to a limit, and pass it on to the app if its visitor may act."""
        body = await _read_body(receive, limits().paste_megabytes * ESCAPED * MEGABYTE + MEGABYTE)
        response = refusal(413, "This is larger than the lab takes; nothing was lost.") if body is None else None
        if body is not None:
            response = self._refusal_for(body)
        if response is not None:
            await response(scope, receive, send)
            return
        await self.app(scope, _replay(body or b"", receive), send)

    def _refusal_for(self, body: bytes) -> Response | None:
        """Return the refusal of an event, or None if it may pass."""
        try:
            content = json.loads(body)
        except (ValueError, RecursionError):
            return refusal(400, "The request is not JSON.")
        if not isinstance(content, dict):
            return refusal(400, "The request is not a JSON object.")
        if any(path.startswith(("http:", "https:")) for path in _file_paths(content.get("data"))):
            return refusal(400, "Files are uploaded, not fetched: send the file itself.")
        name = content.get("session_hash")
        if isinstance(name, str) and self.visitors.has_ended(name):
            return refusal(410, ENDED_MESSAGE.format(minutes=limits().session_minutes))
        if not (self.visitors.admit(name) if isinstance(name, str) else not self.visitors.full):
            return refusal(503, full_message())
        return None


def refusal(status: int, words: str) -> Response:
    """Return a refusal in the form that Gradio's clients understand."""
    return JSONResponse({"detail": words, "error": words}, status_code=status)


def full_message() -> str:
    """Return the message that the lab is full."""
    return FULL_MESSAGE.format(sessions=limits().sessions)


def _full_response(path: str) -> Response:
    """Return the response to a new visitor, or a program, when the lab is full."""
    if path == "/":
        return HTMLResponse(render("hosting/full.html", words=full_message()), 503, {"Retry-After": "30"})
    return refusal(503, full_message())


async def _read_body(receive: Receive, limit: int) -> bytes | None:
    """Return a request's body, or None if it is larger than the limit or incomplete."""
    parts: list[bytes] = []
    count, more = 0, True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            return None
        parts.append(message.get("body", b""))
        count += len(parts[-1])
        if count > limit:
            return None
        more = message.get("more_body", False)
    return b"".join(parts)


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return a receive function that first gives a body that was already read, then goes on as before."""
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> Message:
        return pending.pop() if pending else await receive()

    return receive_again


def _file_paths(value: Any) -> Iterator[str]:  # noqa: ANN401 - any JSON
    """Yield the paths of all files in an event's values."""
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, dict):
            if isinstance(item.get("path"), str):
                yield item["path"].lower().lstrip()
            pending += item.values()
        elif isinstance(item, list):
            pending += item
