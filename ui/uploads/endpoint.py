"""The endpoint that receives visitors' uploads, in place of Gradio's own.

Room on the disk is reserved before anything is read; an upload that stalls, breaks off or is refused leaves nothing.
"""

import asyncio
import re
import secrets
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from retriever.errors import shortage
from retriever.parameters import MEGABYTE
from retriever.turns import Owner
from ui.log import log_event, log_failure, refused
from ui.settings import limits
from ui.uploads.disk_budget import DISK_BUDGET, RoomRefused
from ui.uploads.folder import delete_folder, keep_folder, new_folder
from ui.uploads.multipart import MultipartReceiver, UploadError
from ui.uploads.progress import UPLOAD_PROGRESS, report_progress

ENVELOPE = 1_000_000  # bytes that an upload may have besides its files: names and boundaries
STALL_SECONDS = 20.0  # that an upload may pause
SLOWEST_RATE = 5_000  # bytes a second of the slowest connection that is waited for: an old mobile phone's
LONGEST_SECONDS = 1_800.0  # that an upload may wait for its bytes in all, as its room is kept for it
COOKIE = "lab-uploads"  # names a browser to nobody but this endpoint, so that its files are counted together
COOKIE_VALUE = re.compile("[0-9a-f]{32}")


def upload_routes(prefix: str) -> list[Route]:
    """Return the routes of uploads and of their progress, which take the place of Gradio's own."""
    return [
        Route(f"{prefix}upload", receive_upload, methods=["POST"]),
        Route(f"{prefix}upload_progress", follow_upload, methods=["GET"]),
    ]


async def receive_upload(request: Request) -> Response:
    """Receive files as Gradio's own endpoint does, but no more than the limits allow.

    Gradio stores equal files of different visitors in one place; here each upload has a folder whose name cannot be
    guessed, so that deleting one visitor's file never deletes another's.
    """
    owner = _owner(request)
    try:
        paths = await _receive(request, _declared_bytes(request), owner)
    except RoomRefused as error:
        return _refuse(UploadError(str(error), 503, error.reason))
    except UploadError as error:
        return _refuse(error)
    except ClientDisconnect:
        return _refuse(UploadError("The upload broke off; nothing was kept.", 400, "incomplete body"))
    except (OSError, MemoryError) as error:
        log_failure("fault", error, handler="receive_upload")
        words = f"The upload cannot be stored: {shortage(error) or 'the lab cannot write it'}. Nothing of it was kept."
        return _refuse(UploadError(f"{words} Try again in some minutes.", 507, "shortage"))
    response = JSONResponse([str(path) for path in paths])
    response.set_cookie(COOKIE, owner.visitor, httponly=True, samesite="lax")
    return response


async def follow_upload(request: Request) -> Response:
    """Stream the progress of an upload to the page that sent it, until the upload ends."""
    return await report_progress(request.query_params.get("upload_id", ""))


async def _receive(request: Request, declared: int, owner: Owner) -> list[Path]:
    """Write an upload's files and return their paths; whatever is raised, nothing of it stays."""
    upload_id = request.query_params.get("upload_id", "")
    folder = await run_in_threadpool(new_folder, declared, owner, arriving=True)
    try:
        UPLOAD_PROGRESS.begin(upload_id)
        receiver = MultipartReceiver(
            request.headers.get("content-type", ""),
            folder,
            max_files=limits().files,
            max_megabytes=limits().upload_megabytes,
            on_file=lambda: DISK_BUDGET.add_file(folder.name),
            on_bytes=lambda name, count: UPLOAD_PROGRESS.add(upload_id, name, count),
        )
        try:
            async with aclosing(_blocks(request, declared)) as blocks:
                async for block in blocks:
                    await run_in_threadpool(receiver.feed, block)  # not in the event loop, which all visitors share
            paths = receiver.finish()
        finally:
            receiver.close()
        await run_in_threadpool(keep_folder, folder)
    except BaseException:
        await run_in_threadpool(delete_folder, folder)
        raise
    finally:
        UPLOAD_PROGRESS.end(upload_id)
    log_event("upload", files=len(paths), bytes=declared)
    return paths


async def _blocks(request: Request, declared: int) -> AsyncGenerator[bytes, None]:
    """Yield an upload's bytes as they arrive. Raises UploadError if it stalls, or brings more than it declared."""
    count, waited = 0, 0.0
    stream = request.stream()
    while True:
        patience = min(STALL_SECONDS, STALL_SECONDS + count / SLOWEST_RATE - waited, LONGEST_SECONDS - waited)
        begin = time.monotonic()
        try:
            block = await asyncio.wait_for(anext(stream, b""), patience)
        except TimeoutError:
            raise UploadError("The upload stalled, so it was given up; nothing was kept.", 408, "slow body") from None
        waited += time.monotonic() - begin
        if not block:  # the end
            return
        count += len(block)
        if count > declared:
            raise UploadError("The upload is larger than it says; nothing was taken.", 400, "malformed upload")
        yield block


def _declared_bytes(request: Request) -> int:
    """Return how many bytes an upload says it has. Raises UploadError if it does not say so, or has too many."""
    length, limit = request.headers.get("content-length", ""), limits().upload_megabytes
    if not re.fullmatch("[0-9]{1,15}", length):
        raise UploadError("The upload does not say how large it is; nothing was taken.", 411, "upload of unknown size")
    if int(length) > limit * MEGABYTE + ENVELOPE:
        words = f"The upload has {int(length) / MEGABYTE:,.1f} MB; at most {limit} MB are taken. Choose less."
        raise UploadError(words, 413, "large body")
    return int(length)


def _owner(request: Request) -> Owner:
    """Return whose an upload is: its address, and the browser as this endpoint has named it, or names it now."""
    known = request.cookies.get(COOKIE, "")
    visitor = known if COOKIE_VALUE.fullmatch(known) else secrets.token_hex(16)
    return Owner(request.client.host if request.client else "", visitor)


def _refuse(error: UploadError) -> Response:
    """Count why an upload is not taken, and return the response that says so."""
    refused(error.reason)
    # a client that stalls is not waited for any longer
    headers = {"Connection": "close"} if error.status == 408 else {}
    return PlainTextResponse(error.words, error.status, headers)
