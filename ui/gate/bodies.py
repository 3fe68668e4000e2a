"""Bodies of requests: read up to a limit and within a time, parsed beside the event loop, checked for their shape."""

import asyncio
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.types import Message, Receive

from retriever.parameters import MEGABYTE
from ui.gate.refusals import LARGE_MESSAGE, Refusal

BODY_SECONDS = 30.0  # seconds that a body may take to arrive
BODIES_BYTES = 200 * MEGABYTE  # of all bodies that are being read
DRAINED_BYTES = 16 * MEGABYTE  # of the body of a refused request that are read and forgotten
DRAIN_SECONDS = 2.0  # seconds that this may take
MAX_STRINGS = 4_000  # strings in a body; an upload of 50 files has some 400
MAX_SYNTAX = 50_000  # bytes of a body outside of its strings
MAX_DEPTH = 20  # objects and arrays inside one another
# One that does not end goes to the end, and nothing is tried twice: else the time would grow as the square of the size.
STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)


class BodyReader:
    """Reads bodies, whose bytes are counted from before they arrive until they have been passed on."""

    def __init__(self) -> None:
        """Start with no body under way."""
        self._reserved = 0

    @contextmanager
    def reserved(self, headers: dict[str, str], limit: int) -> Iterator[None]:
        """Reserve room for a body of at most limit bytes. Raises Refusal if it says it is larger, or without room."""
        declared = headers.get("content-length", str(limit))
        if not re.fullmatch("[0-9]{1,12}", declared) or int(declared) > limit:
            raise Refusal(413, "large body", LARGE_MESSAGE)
        count = int(declared)
        if self._reserved + count > BODIES_BYTES:
            raise Refusal(503, "bodies", "The lab is reading as much as it can; try again in some seconds.")
        self._reserved += count
        try:
            yield
        finally:
            self._reserved -= count


async def read_body(receive: Receive, limit: int) -> bytes:
    """Return a request's body. Raises Refusal if it is larger than limit bytes, incomplete, or slow to arrive."""
    parts: list[bytes] = []
    count, more = 0, True
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while more:
                message = await receive()
                if message["type"] != "http.request":
                    raise Refusal(400, "incomplete body", "The request ended before it was complete.")
                parts.append(message.get("body", b""))
                count += len(parts[-1])
                if count > limit:
                    raise Refusal(413, "large body", LARGE_MESSAGE)
                more = message.get("more_body", False)
    except TimeoutError:
        raise Refusal(408, "slow body", "The request took too long to arrive; send it again.") from None
    return b"".join(parts)


class Incoming:
    """A request's receive function that knows whether the body has ended, and can read the rest to forget it."""

    def __init__(self, receive: Receive) -> None:
        """Wrap a receive function."""
        self._receive, self._ended = receive, False

    async def __call__(self) -> Message:
        """Return the next message."""
        message = await self._receive()
        self._ended = not message.get("more_body", False)
        return message

    async def drain(self) -> None:
        """Read what is left of the body, for a while: who is cut off while sending may miss the answer."""
        count = 0
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                while not self._ended and count < DRAINED_BYTES:
                    count += len((await self()).get("body", b""))


async def parse_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object that a body holds. Raises Refusal if it is none, or of too many or too deep parts."""
    return await run_in_threadpool(_parse_object, body)


async def encode_object(content: dict[str, Any]) -> bytes:
    """Return the body of a JSON object."""
    return await run_in_threadpool(lambda: json.dumps(content).encode())


def replay(body: bytes, receive: Receive) -> Receive:
    """Return a receive function that first gives a body, then goes on as before."""
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> Message:
        return pending.pop() if pending else await receive()

    return receive_again


def objects_in(content: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - any JSON
    """Yield all objects in a value, itself included. Raises Refusal if they are too deep inside one another."""
    pending = [(content, 0)]
    while pending:
        item, depth = pending.pop()
        if depth > MAX_DEPTH:
            raise Refusal(400, "shape", "The request is nested too deeply.")
        if isinstance(item, dict):
            yield item
            pending += [(value, depth + 1) for value in item.values()]
        elif isinstance(item, list):
            pending += [(value, depth + 1) for value in item]


def _parse_object(body: bytes) -> dict[str, Any]:
    # counted first: a body of empty objects takes fifty times its size once it is parsed
    if body.count(b'"') - body.count(b'\\"') > 2 * MAX_STRINGS:
        raise Refusal(413, "shape", "The request has too many parts.")
    if len(STRING.sub(b"", body)) > MAX_SYNTAX:
        raise Refusal(413, "shape", "The request has too many parts.")
    try:
        content = json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise Refusal(400, "not JSON", "The request is not JSON.") from None
    if not isinstance(content, dict):
        raise Refusal(400, "not JSON", "The request is not a JSON object.")
    for _ in objects_in(content):
        pass
    return content


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON")
