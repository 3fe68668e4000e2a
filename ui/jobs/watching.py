"""Watching jobs: async handlers show their progress and await their results, and hold no thread meanwhile."""

import asyncio
import time
from collections.abc import AsyncGenerator
from typing import Any, TypeVar

from ui.jobs.job import Job, Status

Result = TypeVar("Result")
POLL_SECONDS = 0.2  # seconds between two reports of a job whose progress changes
LOOK_SECONDS = 0.05  # seconds between two looks whether a job has ended
SILENT_SECONDS = 1.0  # seconds until the same progress is reported again: only then is a closed page noticed


async def watch(job: Job[Any]) -> AsyncGenerator[Status, None]:
    """Yield the status of a job at once and as it changes until it ends; cancel it if the caller stops listening.

    A visitor who leaves the page closes the generator that a handler iterates over. No thread waits.
    """
    try:
        told: tuple[str, int] | None = None
        told_at = time.monotonic()
        while not job.ended or told is None:
            status, now = job.status, time.monotonic()
            words = status.stage, round(100 * status.fraction)
            if words != told or now - told_at >= SILENT_SECONDS:
                told, told_at = words, now
                yield status
            await _pause(job, POLL_SECONDS)
    finally:
        job.cancel()  # without effect on a job that has ended


async def result_of(job: Job[Result]) -> Result:
    """Return the result of a job once it has ended, or raise what it raised; cancel it if the caller is cancelled."""
    try:
        while not job.ended:
            await _pause(job, POLL_SECONDS)
        return job.result()
    finally:
        job.cancel()


async def _pause(job: Job[Any], seconds: float) -> None:
    """Sleep for some seconds, or until the job has ended."""
    end = time.monotonic() + seconds
    while not job.ended and (left := end - time.monotonic()) > 0:
        await asyncio.sleep(min(left, LOOK_SECONDS))
