"""The HTTP server: uvicorn in a thread, on a port of its own, with bounds for connections and for idle ones."""

import asyncio
import os
import resource
import socket
import threading
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from retriever.errors import ParameterError
from ui.log import refused
from ui.settings import trusted_proxies

FIRST_PORT, PORTS = 7860, 100  # the first port that is tried, and how many
HEAD_SECONDS = 15.0  # seconds until a connection must have sent the head of a request
IDLE_SECONDS = 30  # seconds that a connection is kept open between two requests
STOP_SECONDS = 3  # seconds that open responses have to end when the server stops
DESCRIPTORS = 8_192  # file descriptors that the process asks the system for
RESERVED = 256  # descriptors for files, libraries and the processes that read uploads


NO_LENGTH = b"Send the body with its length."
NO_LENGTH_HEAD = (
    b"HTTP/1.1 411 Length Required\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
)


class BoundedProtocol(H11Protocol):
    """HTTP/1.1 as uvicorn speaks it, which closes connections that are idle, and those above an address's share."""

    def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - as uvicorn declares them
        """Create the protocol of one connection."""
        super().__init__(*args, **options)
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn declares it
        """Register a connection, or close it if its address has too many."""
        super().connection_made(transport)
        if self._share_is_used_up():
            refused("connections")
            transport.abort()
        else:
            self._start_deadline()

    def data_received(self, data: bytes) -> None:
        """Take bytes, and wait only so long for the rest of a request's head."""
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._stop_deadline()
        elif self._deadline is None:
            self._start_deadline()

    def _should_upgrade(self) -> bool:
        """Return whether uvicorn shall hand a request over, of which it then reads nothing more."""
        return any(name == b"transfer-encoding" for name, _ in self.headers)

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """Refuse a body without a length: each of its parts, which may be of one byte, would take time of all."""
        refused("chunked body")
        self.transport.write(NO_LENGTH_HEAD % len(NO_LENGTH) + NO_LENGTH)
        self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget a connection."""
        self._stop_deadline()
        super().connection_lost(exc)

    def _share_is_used_up(self) -> bool:
        """Return whether the address of this connection has more than half of all; behind proxies all have one."""
        if trusted_proxies() or self.client is None or self.limit_concurrency is None:
            return False
        clients = [getattr(other, "client", None) for other in list(self.connections)]
        same = sum(1 for client in clients if client and client[0] == self.client[0])
        return same > self.limit_concurrency // 2

    def _start_deadline(self) -> None:
        self._deadline = self.loop.call_later(HEAD_SECONDS, self._close_idle)

    def _stop_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _close_idle(self) -> None:
        refused("idle connection")
        self.transport.abort()


class HttpServer(uvicorn.Server):
    """A server that runs in a thread of its own, from start to close."""

    def __init__(self, app: Any) -> None:  # noqa: ANN401 - an ASGI app
        """Prepare the server of an app; nothing is bound yet."""
        config = uvicorn.Config(
            app,
            http=BoundedProtocol,
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=IDLE_SECONDS,
            timeout_graceful_shutdown=STOP_SECONDS,
            limit_concurrency=raise_descriptor_limit() - RESERVED,
        )
        super().__init__(config)
        self._thread = threading.Thread(target=self._run, name="server", daemon=True)
        self._socket: socket.socket | None = None

    def start(self) -> str:
        """Bind a port, begin to serve, and return the address. Raises ParameterError if no port is free."""
        self._socket = bind()
        self._thread.start()
        while not self.started and self._thread.is_alive():
            self._thread.join(0.005)
        if not self.started:
            raise RuntimeError("The server did not start; the log says why.")
        host, port = self._socket.getsockname()[:2]
        return f"http://{'127.0.0.1' if host in ('0.0.0.0', '::') else host}:{port}"

    def close(self) -> None:
        """Stop serving, and wait until the port is free."""
        self.should_exit = True
        if self._thread.ident is not None:
            self._thread.join(STOP_SECONDS + 2)
        if self._socket is not None:
            self._socket.close()

    def _run(self) -> None:
        self.run(sockets=[self._socket] if self._socket else None)


def bind() -> socket.socket:
    """Return a socket bound to GRADIO_SERVER_NAME and GRADIO_SERVER_PORT, or to the first free port from 7860 on.

    Raises ParameterError if the port is not a number, or not free.
    """
    host, wanted = os.environ.get("GRADIO_SERVER_NAME") or "127.0.0.1", os.environ.get("GRADIO_SERVER_PORT")
    if wanted and not (wanted.isdecimal() and int(wanted) < 65_536):
        raise ParameterError(f"The setting GRADIO_SERVER_PORT is {wanted!r}; it must be a port, up to 65535.")
    ports = [int(wanted)] if wanted else range(FIRST_PORT, FIRST_PORT + PORTS)
    for port in ports:
        found = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            found.bind((host.strip("[]"), port))
            found.listen()
        except OSError:
            found.close()
            continue
        return found
    raise ParameterError(
        f"No port is free: {ports[0]} to {ports[-1]} were tried at {host}. Set GRADIO_SERVER_PORT to another one."
    )


def raise_descriptor_limit() -> int:
    """Raise the number of files and connections that this process may have open, and return it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(DESCRIPTORS, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return max(wanted, 2 * RESERVED)
