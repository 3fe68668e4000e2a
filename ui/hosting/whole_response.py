"""An app's whole response in one piece, for middleware that changes or keeps it."""

from dataclasses import dataclass
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope

Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True)
class WholeResponse:
    """A response: the message that starts it, with its status and headers, and its body."""

    start: dict[str, Any]
    body: bytes

    @property
    def headers(self) -> Headers:
        """The headers as the app sent them."""
        return list(self.start["headers"])


async def whole_response(app: ASGIApp, scope: Scope, receive: Receive) -> WholeResponse:
    """Let an app respond, and return its response without sending it."""
    start: dict[str, Any] = {}
    parts: list[bytes] = []

    async def collect(message: Message) -> None:
        if message["type"] == "http.response.start":
            start.update(message)
        elif message["type"] == "http.response.body":
            parts.append(message.get("body", b""))

    await app(scope, receive, collect)
    return WholeResponse(start, b"".join(parts))
