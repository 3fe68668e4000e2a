"""The stream of a page's answers, kept open for a moment after the last one, as others usually follow.

Gradio closes the stream after each last answer. A page that asks again while the news of that is on its way believes
the stream to be open, and would wait for ever: so a stream stays open for a moment, and an event that comes just after
it was closed is taken a moment later.
"""

import asyncio
import time
from collections.abc import Callable

from cachetools import TTLCache
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CLOSING = b'"msg":"close_stream"'  # Gradio's last message of a stream
LINGER_SECONDS = 1.0  # seconds that a stream stays open for further answers
SETTLE_SECONDS = 0.3  # seconds until a page has surely read that its stream was closed
LOOK_SECONDS = 0.02
MAX_CLOSED = 1_000  # sessions whose stream was closed just now


class Streams:
    """The streams of all sessions, by name."""

    def __init__(self, app: ASGIApp, awaits_answers: Callable[[str], bool]) -> None:
        """Wrap Gradio's app; awaits_answers: returns whether a session has events under way, or unread answers."""
        self._app, self._awaits_answers = app, awaits_answers
        self._closed: TTLCache[str, float] = TTLCache(MAX_CLOSED, SETTLE_SECONDS)

    async def respond(self, name: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Send a session's answers as Gradio does, and those of events that follow within LINGER_SECONDS."""
        stream = _Stream(send)
        while True:
            stream.closing = None
            await self._app(scope, receive, stream.forward)
            if stream.closing is None or not await self._more_comes(name):
                break
        self._closed[name] = time.monotonic()
        await stream.end()

    async def settle(self, name: str) -> None:
        """Wait until a session's page knows that its stream was closed, if that was just now."""
        closed = self._closed.get(name)
        if closed is not None:
            await asyncio.sleep(max(0.0, closed + SETTLE_SECONDS - time.monotonic()))

    async def _more_comes(self, name: str) -> bool:
        """Return whether a session has further answers to read, waiting for LINGER_SECONDS at most."""
        end = time.monotonic() + LINGER_SECONDS
        while not (more := self._awaits_answers(name)) and time.monotonic() < end:
            await asyncio.sleep(LOOK_SECONDS)
        return more


class _Stream:
    """One response made of several: its beginning is sent once, and its end only by end."""

    def __init__(self, send: Send) -> None:
        self._send, self._begun = send, False
        self.closing: bytes | None = None  # the message that closes the stream, once Gradio has sent it

    async def forward(self, message: Message) -> None:
        """Send a message, unless it begins or ends the response once more."""
        body = message.get("body", b"")
        if message["type"] == "http.response.start":
            if not self._begun:
                self._begun = True
                await self._send(message)
        elif CLOSING in body:
            self.closing = body
        elif body:
            await self._send({**message, "more_body": True})

    async def end(self) -> None:
        """End the response."""
        await self._send({"type": "http.response.body", "body": self.closing or b"", "more_body": False})
