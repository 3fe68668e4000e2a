"""Assets: the page's scripts and styles, compressed once and then kept; Gradio compresses them for every visitor.

A class that arrives together asks for some ninety files each, and compressing one visitor's takes a second of a core.
"""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

PATHS = ("/assets/", "/static/")
MOST_BYTES = 100_000_000  # of all that is kept: several times what there is
FOR_GOOD = b"public, max-age=31536000, immutable"  # the names of assets change with their content

Answer = tuple[Message, bytes]  # how it starts: status and headers; and the body


class Assets:
    """Keep the answers for files that are the same for everybody (ASGI middleware)."""

    def __init__(self, app: ASGIApp) -> None:
        """Take the app that makes the answers."""
        self.app = app
        self._kept: dict[tuple[str, bytes], Answer] = {}
        self._bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer from what is kept, or let the app answer and keep that."""
        if scope["type"] != "http" or scope["method"] != "GET" or not scope["path"].startswith(PATHS):
            await self.app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        if b"range" in headers or b"if-none-match" in headers or b"if-modified-since" in headers:
            await self.app(scope, receive, send)
            return
        key = (scope["path"], headers.get(b"accept-encoding", b""))
        if key not in self._kept:
            answer = await self._ask(scope, receive)
            if answer[0]["status"] == 200 and self._bytes + len(answer[1]) <= MOST_BYTES:
                self._kept[key] = answer
                self._bytes += len(answer[1])
        else:
            answer = self._kept[key]
        start, body = answer
        await send(start)
        await send({"type": "http.response.body", "body": body})

    async def _ask(self, scope: Scope, receive: Receive) -> Answer:
        """Return the app's whole answer."""
        start: Message = {}
        parts: list[bytes] = []

        async def take(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            elif message["type"] == "http.response.body":
                parts.append(message.get("body", b""))

        await self.app(scope, receive, take)
        body = b"".join(parts)
        dropped = (b"content-length", b"cache-control", b"transfer-encoding")
        headers = [(name, value) for name, value in start["headers"] if name.lower() not in dropped]
        headers.append((b"content-length", str(len(body)).encode()))
        if scope["path"].startswith("/assets/") and start["status"] == 200:
            headers.append((b"cache-control", FOR_GOOD))
        return {**start, "headers": headers}, body
