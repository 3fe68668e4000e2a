"""The progress of uploads, which the page follows by an id of its own, in the messages that Gradio's page reads.

Gradio's own store of it keeps every id that was ever named; this one forgets them soon, read or not.
"""

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from cachetools import TTLCache
from starlette.responses import PlainTextResponse, Response, StreamingResponse

MAX_FOLLOWED = 500  # uploads whose progress is kept
MAX_FOLLOWERS = 200  # pages that follow one at once
KEPT_SECONDS = 60.0  # after the last byte of an upload
BEGIN_SECONDS = 3.0  # that a page may ask before its upload begins
LOOK_SECONDS = 0.1  # between two looks
MAX_ID_LENGTH = 64  # characters


@dataclass
class Followed:
    """What of an upload has arrived since the page was told: bytes by file name; and whether it has ended."""

    arrived: dict[str, int] = field(default_factory=dict)
    ended: bool = False


class UploadProgress:
    """A store of the progress of uploads by id; safe for threads."""

    def __init__(self, seconds: float = KEPT_SECONDS) -> None:
        """Create an empty store that forgets an upload so many seconds after its last byte."""
        self._lock = threading.Lock()
        self._followed: TTLCache[str, Followed] = TTLCache(MAX_FOLLOWED, seconds)
        self.followers = 0

    def __len__(self) -> int:
        """Return the number of uploads whose progress is kept."""
        with self._lock:
            return len(self._followed)

    def begin(self, upload_id: str) -> None:
        """Follow an upload from now on; one without an id, or with a long one, is not followed."""
        if 0 < len(upload_id) <= MAX_ID_LENGTH:
            with self._lock:
                self._followed[upload_id] = Followed()

    def add(self, upload_id: str, name: str, count: int) -> None:
        """Record that so many bytes of a file have arrived."""
        with self._lock:
            if followed := self._followed.get(upload_id):
                followed.arrived[name] = followed.arrived.get(name, 0) + count
                self._followed[upload_id] = followed  # its time begins anew

    def end(self, upload_id: str) -> None:
        """Record that an upload has ended, whole or not."""
        with self._lock:
            if followed := self._followed.get(upload_id):
                followed.ended = True

    def knows(self, upload_id: str) -> bool:
        """Return whether an upload has begun and is not forgotten."""
        with self._lock:
            return upload_id in self._followed

    def take(self, upload_id: str) -> Followed | None:
        """Return what has arrived since the last call; None for an upload that is forgotten."""
        with self._lock:
            followed = self._followed.get(upload_id)
            if followed is None:
                return None
            if followed.ended:
                del self._followed[upload_id]
            taken, followed.arrived = Followed(followed.arrived, followed.ended), {}
            return taken


async def report_progress(upload_id: str) -> Response:
    """Return the stream of an upload's progress, which lasts until the upload ends."""
    if len(upload_id) > MAX_ID_LENGTH or UPLOAD_PROGRESS.followers >= MAX_FOLLOWERS:
        return PlainTextResponse("The progress of this upload cannot be shown; it goes on.", 429)
    if not await _has_begun(upload_id):
        return PlainTextResponse("There is no such upload.", 404)
    return StreamingResponse(_messages(upload_id), media_type="text/event-stream")


async def _has_begun(upload_id: str) -> bool:
    """Return whether an upload begins within BEGIN_SECONDS: the page asks for its progress as it sends it."""
    UPLOAD_PROGRESS.followers += 1
    try:
        for _ in range(round(BEGIN_SECONDS / LOOK_SECONDS)):
            if UPLOAD_PROGRESS.knows(upload_id):
                return True
            await asyncio.sleep(LOOK_SECONDS)
        return False
    finally:
        UPLOAD_PROGRESS.followers -= 1


async def _messages(upload_id: str) -> AsyncIterator[str]:
    """Yield the messages of an upload's progress."""
    UPLOAD_PROGRESS.followers += 1
    try:
        while (followed := UPLOAD_PROGRESS.take(upload_id)) is not None:
            for name, count in followed.arrived.items():
                yield _message({"msg": "update", "orig_name": name, "chunk_size": count})
            if followed.ended:
                yield _message({"msg": "done"})
                return
            await asyncio.sleep(LOOK_SECONDS)
    finally:
        UPLOAD_PROGRESS.followers -= 1


def _message(content: dict[str, str | int]) -> str:
    return f"data: {json.dumps(content)}\n\n"


UPLOAD_PROGRESS = UploadProgress()  # one per process
