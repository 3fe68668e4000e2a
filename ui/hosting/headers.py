"""The security headers of every response, and the page with the nonce that lets its own inline scripts run."""

import gzip
import re
import secrets
from functools import partial

import anyio.to_thread
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ui.hosting.page_head import PageHead
from ui.hosting.whole_response import Headers, whole_response
from ui.settings import framing_sites

SCRIPT = re.compile(rb"<script(?=[\s>])")
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-eval'{nonce}; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self' {sites}"
)  # unsafe-eval: Gradio's HTML component evaluates the templates that this program has written
HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
)


class SecurityHeaders:
    """ASGI middleware that adds the headers to every response, and a nonce and a head to the page."""

    def __init__(self, app: ASGIApp, head: PageHead | None = None) -> None:
        """Wrap an app; head: of the page, in place of Gradio's."""
        self.app, self.head = app, head

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the app respond, and add the headers."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
        elif scope["path"] == "/" and scope["method"] == "GET":
            await self._page(scope, receive, send)
        else:

            async def send_with_headers(message: Message) -> None:
                if message["type"] == "http.response.start":
                    message = {**message, "headers": _with_headers(message["headers"], policy())}
                await send(message)

            await self.app(scope, receive, send_with_headers)

    async def _page(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond with the page: its scripts get a nonce, so it is taken uncompressed and compressed here."""
        compress = any(name == b"accept-encoding" and b"gzip" in value for name, value in scope["headers"])
        plain = [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]
        response = await whole_response(self.app, {**scope, "headers": plain}, receive)
        nonce = secrets.token_urlsafe(16)
        body = response.body if self.head is None else self.head.insert(response.body, scope)
        body = SCRIPT.sub(f'<script nonce="{nonce}"'.encode(), body)
        headers = [(name, value) for name, value in response.headers if name.lower() != b"content-length"]
        if compress:
            body = await anyio.to_thread.run_sync(partial(gzip.compress, body, compresslevel=5))
            headers.append((b"content-encoding", b"gzip"))
        headers += [(b"vary", b"accept-encoding"), (b"cache-control", b"no-store")]
        headers = _with_headers(headers, policy(nonce))
        headers.append((b"content-length", str(len(body)).encode()))
        await send({**response.start, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def policy(nonce: str = "") -> bytes:
    """Return the Content-Security-Policy; nonce: of the inline scripts that may run, none without it."""
    return POLICY.format(nonce=f" 'nonce-{nonce}'" if nonce else "", sites=framing_sites()).encode()


def _with_headers(headers: Headers, content_policy: bytes) -> Headers:
    """Return a response's headers with the security headers in place of its own."""
    own = {name for name, _ in HEADERS} | {b"content-security-policy"}
    kept = [(name, value) for name, value in headers if name.lower() not in own]
    return [*kept, *HEADERS, (b"content-security-policy", content_policy)]
