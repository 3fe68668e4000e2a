"""A small HTTP/1.1 client on asyncio: it shares the server's cores, so it must cost little."""

import asyncio
import contextlib
from dataclasses import dataclass

CONNECTIONS = 4  # at once besides the two that stream: a browser opens six to a host
PATIENCE = 300  # seconds until a request is given up
ENDED = (asyncio.IncompleteReadError, ConnectionError)


@dataclass(frozen=True)
class Answer:
    """The status and the body of an HTTP response."""

    status: int
    body: bytes


class Wire:
    """The connections of one browser to one server."""

    def __init__(self, port, host="127.0.0.1"):
        self.host, self.port = host, port
        self._idle, self._open, self.cookies = [], set(), {}
        self._places = asyncio.Semaphore(CONNECTIONS)

    async def request(self, method, path, body=b"", kind="application/json"):
        """Return the answer to a request; a connection that the server closed while it was idle is replaced once."""
        async with self._places, asyncio.timeout(PATIENCE):
            while self._idle:
                reader, writer = self._idle.pop()
                try:
                    return await self._exchange(reader, writer, method, path, body, kind)
                except ENDED:
                    self._drop(writer)
            return await self._exchange(*await self._connect(), method, path, body, kind)

    async def lines(self, path):
        """Yield the lines of an answer that is streamed, on a connection of its own."""
        reader, writer = await self._connect()
        try:
            self._send(writer, "GET", path, b"", "text/plain")
            status, headers = await self._head(reader)
            if status != 200:
                raise ConnectionError(f"GET {path.partition('?')[0]} was answered with {status}")
            rest = b""
            async for part in _parts(reader, headers):
                *lines, rest = (rest + part).split(b"\n")
                for line in lines:
                    yield line
        finally:
            self._drop(writer)

    async def close(self):
        """Close all connections."""
        writers = list(self._open)
        for writer in writers:
            self._drop(writer)
        for writer in writers:
            with contextlib.suppress(*ENDED, OSError):
                await writer.wait_closed()

    async def _connect(self):
        reader, writer = await asyncio.open_connection(self.host, self.port, limit=1 << 20)
        self._open.add(writer)
        return reader, writer

    def _drop(self, writer):
        self._open.discard(writer)
        writer.close()

    async def _exchange(self, reader, writer, method, path, body, kind):
        try:
            self._send(writer, method, path, body, kind)
            status, headers = await self._head(reader)
            content = b"".join([part async for part in _parts(reader, headers)])
        except BaseException:
            self._drop(writer)
            raise
        if headers.get("connection") == "close":
            self._drop(writer)
        else:
            self._idle.append((reader, writer))
        return Answer(status, content)

    def _send(self, writer, method, path, body, kind):
        head = [f"{method} {path} HTTP/1.1", f"Host: {self.host}:{self.port}", f"Content-Length: {len(body)}"]
        head += [f"Content-Type: {kind}"] if body else []
        head += [f"Cookie: {'; '.join(f'{key}={value}' for key, value in self.cookies.items())}"] * bool(self.cookies)
        writer.write("\r\n".join([*head, "", ""]).encode() + body)

    async def _head(self, reader):
        status, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {}
        for line in filter(None, lines):
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
            if name.lower() == "set-cookie":
                key, _, content = value.strip().partition(";")[0].partition("=")
                self.cookies[key] = content
        return int(status.split()[1]), headers


async def _parts(reader, headers):
    """Yield the body of an answer as it arrives."""
    if headers.get("transfer-encoding") != "chunked":
        yield await reader.readexactly(int(headers.get("content-length", 0)))
        return
    while size := int(await reader.readuntil(b"\r\n"), 16):
        yield (await reader.readexactly(size + 2))[:-2]
    await reader.readuntil(b"\r\n")
