"""Progress callbacks: long-running work reports the fraction done to them, and they can stop it by raising."""

from collections.abc import Callable

Progress = Callable[[str, float], None]  # stage, fraction done in [0, 1]; an exception it raises ends the work


def stage_progress(progress: Progress | None, stage: str) -> Callable[[float], None] | None:
    """Return a callback that reports the fraction done of one stage to progress, or None if there is no progress."""
    if progress is None:
        return None
    report = progress
    return lambda fraction: report(stage, fraction)


def ignore_progress(stage: str, fraction: float) -> None:
    """Discard a progress report."""
