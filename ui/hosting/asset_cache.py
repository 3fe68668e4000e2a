"""The asset cache: the page's scripts and styles, compressed once, and the page itself as Gradio makes it.

A class that arrives together requests some ninety files each, and compressing one visitor's takes a second of a core.
Making the page takes a fifth of a second more: Gradio copies its whole configuration for every visitor.
"""

import asyncio
import gzip
from contextlib import suppress

from cachetools import LRUCache
from starlette.types import ASGIApp, Receive, Scope, Send

from ui.hosting.whole_response import Headers, WholeResponse, whole_response

PATHS = ("/assets/", "/static/")
TEXT = (b"text/", b"application/javascript", b"application/json", b"image/svg")  # types worth compressing
MAX_CACHED_BYTES = 100_000_000  # of all cached files: several times what there is
IMMUTABLE = b"public, max-age=31536000, immutable"  # the names of assets change with their content
REPLACED = (b"content-length", b"cache-control", b"content-encoding", b"vary", b"transfer-encoding")
PAGE = "/"
MAX_PAGES = 8  # the page differs by the address that it was asked for at, which anybody may invent
ORIGIN = (b"host", b"x-forwarded-host", b"x-forwarded-proto", b"x-gradio-server")  # what Gradio makes an address of
ENCODING = b"accept-encoding"
CONDITIONS = (b"range", b"if-none-match", b"if-modified-since")  # headers of requests for less than the whole file

CachedResponse = tuple[int, Headers, bytes]  # status, headers, body


class AssetCache:
    """ASGI middleware that caches the responses for files that are the same for everybody."""

    def __init__(self, app: ASGIApp) -> None:
        """Create an empty cache in front of an app."""
        self.app = app
        self._responses: LRUCache[tuple[str, bool], CachedResponse] = LRUCache(
            MAX_CACHED_BYTES, lambda response: len(response[2])
        )
        self._pages: LRUCache[tuple[object, ...], WholeResponse] = LRUCache(MAX_PAGES)
        self._making = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond from the cache, or let the app respond and cache that."""
        requested = scope["type"] == "http" and scope["method"] == "GET"
        if requested and scope["path"] == PAGE:
            await self._page(scope, receive, send)
            return
        cacheable = requested and scope["path"].startswith(PATHS)
        headers = dict(scope["headers"]) if cacheable else {}
        if not cacheable or any(name in headers for name in CONDITIONS):
            await self.app(scope, receive, send)
            return
        key = (scope["path"], b"gzip" in headers.get(ENCODING, b""))
        response = self._responses.get(key)
        if response is None:
            response = await self._fetch(scope, receive, compressed=key[1])
            if response[0] == 200:
                with suppress(ValueError):  # larger than the whole cache
                    self._responses[key] = response
        status, stored, body = response
        # a copy of the headers, as other middleware adds to them
        await send({"type": "http.response.start", "status": status, "headers": list(stored)})
        await send({"type": "http.response.body", "body": body})

    async def _page(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond with the page, which is the same for everybody; what its query asks for, the page itself does."""
        headers = dict(scope["headers"])
        key = (scope.get("scheme"), scope.get("root_path"), *(headers.get(name) for name in (*ORIGIN, ENCODING)))
        async with self._making:  # a class that arrives together waits for one page
            response = self._pages.get(key)
            if response is None:
                response = await whole_response(self.app, {**scope, "query_string": b""}, receive)
                if response.start["status"] == 200:
                    self._pages[key] = response
        await send({**response.start, "headers": response.headers})  # a copy, see above
        await send({"type": "http.response.body", "body": response.body})

    async def _fetch(self, scope: Scope, receive: Receive, *, compressed: bool) -> CachedResponse:
        """Return the app's whole response, compressed where that is worthwhile."""
        response = await whole_response(self.app, scope, receive)
        start, body = response.start, response.body
        headers: Headers = [(name, value) for name, value in response.headers if name.lower() not in REPLACED]
        if start["status"] == 200 and dict(headers).get(b"content-type", b"").startswith(TEXT):
            headers.append((b"vary", b"Accept-Encoding"))
            if compressed:
                body = gzip.compress(body)
                headers.append((b"content-encoding", b"gzip"))
        if start["status"] == 200 and scope["path"].startswith("/assets/"):
            headers.append((b"cache-control", IMMUTABLE))
        return start["status"], [*headers, (b"content-length", str(len(body)).encode())], body
