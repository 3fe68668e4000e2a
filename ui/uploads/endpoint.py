"""The endpoint that receives visitors' uploads, in place of Gradio's own."""

import shutil
from pathlib import Path

from gradio.exceptions import InvalidPathError
from gradio.route_utils import upload_fn
from gradio.routes import file_upload_statuses
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from retriever.errors import StorageError
from retriever.parameters import MEGABYTE
from ui.log import Reason, log_event, refused
from ui.settings import limits
from ui.uploads.folder import check_disk_room, new_upload_folder

ENVELOPE = 1_000_000  # bytes that an upload may have besides its files: names and boundaries
REASONS: dict[int, Reason] = {411: "upload of unknown size", 413: "upload too large", 503: "disk full"}


async def receive_upload(request: Request) -> Response:
    """Receive files as Gradio's own endpoint does, but no more than the limits allow.

    Gradio stores equal files of different visitors in one place; here each upload has a folder whose name cannot be
    guessed, so that deleting one visitor's file never deletes another's.
    """
    allowed = limits()
    refusal = _refusal(request, allowed.upload_megabytes)
    if refusal:
        refused(REASONS[refusal[0]])
        return PlainTextResponse(refusal[1], status_code=refusal[0])
    upload_id = request.query_params.get("upload_id")
    folder = new_upload_folder()
    try:
        paths, _, _ = await upload_fn(
            request,
            str(folder),
            allowed.upload_megabytes * MEGABYTE,
            upload_id,
            upload_progress=file_upload_statuses if upload_id else None,
        )
    except MultiPartException as error:
        shutil.rmtree(folder, ignore_errors=True)
        too_large = "maximum allowed size" in error.message
        words = f"A file is larger than {allowed.upload_megabytes} MB; nothing was taken."
        return PlainTextResponse(words if too_large else error.message, status_code=413 if too_large else 400)
    except (HTTPException, InvalidPathError, TypeError, OSError, ValueError):
        shutil.rmtree(folder, ignore_errors=True)
        return PlainTextResponse("The upload cannot be read, or a file's name cannot be used; rename it.", 400)
    log_event("upload", files=len(paths), bytes=sum(Path(path).stat().st_size for path in paths))
    return JSONResponse([str(path) for path in paths])


def _refusal(request: Request, limit: int) -> tuple[int, str] | None:
    """Return the status and the message that refuse an upload before any of it is read, or None."""
    length = request.headers.get("content-length", "")
    if not length.isdigit():
        return 411, "The upload does not say how large it is; nothing was taken."
    if int(length) > limit * MEGABYTE + ENVELOPE:
        return 413, f"The upload has {int(length) / MEGABYTE:,.1f} MB; at most {limit} MB are taken. Choose less."
    try:
        check_disk_room(int(length))
    except StorageError as error:
        return 503, str(error)
    return None
