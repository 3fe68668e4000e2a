"""Progress callbacks: long-running work reports the fraction done to them, and they can stop it by raising.

A progress bar is one of them, for whoever works in a notebook or at a prompt.
"""

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

BAR_FORMAT = "{l_bar}{bar}| {elapsed}<{remaining}"  # a percentage: what is reported are fractions, not counts
COUNT_FORMAT = "{desc}: {n:,}{unit} | {elapsed}, {rate_fmt}"  # where nobody knows how many there will be
BAR_LEVELS = (logging.INFO, logging.DEBUG)

# Stage, fraction done in [0, 1]; an exception it raises ends the work. What follows a colon is a detail of the stage,
# and may change while it goes on: "fetching the model: 45 of 91 MB".
Progress = Callable[[str, float], None]
DETAIL = ": "


def stage_and_detail(stage: str) -> tuple[str, str]:
    """Return a stage's name, and the detail that it is reported with, "" for none."""
    name, _, detail = stage.partition(DETAIL)
    return name, detail


def stage_progress(progress: Progress | None, stage: str) -> Callable[[float], None] | None:
    """Return a callback that reports the fraction done of one stage to progress, or None if there is no progress."""
    if progress is None:
        return None
    report = progress
    return lambda fraction: report(stage, fraction)


def part_of(progress: Callable[[float], None] | None, done: float, total: float) -> Callable[[float], None] | None:
    """Return a callback for the part of the work after `done` of `total`, or None if there is no progress."""
    if progress is None:
        return None
    report = progress
    return lambda fraction: report((done + fraction) / total)


@contextmanager
def progress_bar(
    description: str, show: bool | None, progress: Callable[[float], None] | None = None
) -> Iterator[Callable[[float], None] | None]:
    """Give a callback that moves a bar of tqdm and then calls progress; progress itself if no bar is shown.

    show: None shows a bar where somebody looks and nothing else reports: without progress, at a prompt, in a notebook,
    or where the level of logging is INFO or DEBUG, as sentence-transformers decides it.
    """
    if not _is_shown(show, progress):
        yield progress
        return
    from tqdm.auto import tqdm

    with tqdm(total=1.0, desc=description, bar_format=BAR_FORMAT) as bar:

        def report(fraction: float) -> None:
            bar.update(fraction - bar.n)
            if progress:
                progress(fraction)

        yield report
        bar.update(1 - bar.n)  # what had nothing to do has reported nothing


@contextmanager
def counter(
    description: str, unit: str, show: bool | None, progress: Callable[[float], None] | None = None
) -> Iterator[Callable[[int], None] | None]:
    """Give a callback that shows how many are done, where nobody knows of how many; None if nothing is to be shown.

    show, progress: as of progress_bar; progress is not called.
    """
    if not _is_shown(show, progress):
        yield None
        return
    from tqdm.auto import tqdm

    with tqdm(desc=description, unit=f" {unit}", bar_format=COUNT_FORMAT) as bar:
        yield lambda done: bar.update(done - bar.n)


def _is_shown(show: bool | None, progress: Callable[[float], None] | None) -> bool:
    """Return whether a bar is shown."""
    if show is not None:
        return show
    watched = hasattr(sys, "ps1") or logging.getLogger(__name__).getEffectiveLevel() in BAR_LEVELS
    return watched and progress is None


def ignore_progress(stage: str, fraction: float) -> None:
    """Discard a progress report."""
