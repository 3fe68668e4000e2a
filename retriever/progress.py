"""Progress: how long work tells whoever waits for it how far it is, and how it is told to stop."""

from collections.abc import Callable

Progress = Callable[[str, float], None]  # stage, fraction done in [0, 1]; what it raises ends the work


def of_stage(progress: Progress | None, stage: str) -> Callable[[float], None] | None:
    """Return a progress function of one stage."""
    if progress is None:
        return None
    report = progress
    return lambda fraction: report(stage, fraction)


def ignore_progress(stage: str, fraction: float) -> None:
    """Take progress that nobody watches."""
