"""The progress of jobs and of the shared samples, as HTML."""

from ui.jobs.job import Status
from ui.jobs.shared_samples import SAMPLE_TITLES, SharedSamples
from ui.render.html import escape
from ui.render.numbers import format_seconds


def samples_progress(state: SharedSamples) -> str:
    """Return which samples are still being prepared or have failed; empty once all are ready."""
    lines = []
    for name in state.names:
        if state.ready(name) is not None:
            continue
        failure = state.failure(name)
        if failure:
            lines.append(f"{SAMPLE_TITLES[name]} could not be prepared: {escape(failure)}")
        else:
            lines.append(f"Preparing <b>{SAMPLE_TITLES[name]}</b>: {progress_words(state.status(name))}")
    return f'<div class="lab-note">{" · ".join(lines)}</div>' if lines else ""


def progress_words(status: Status) -> str:
    """Return a job's stage, percentage and time left."""
    if status.stage == "waiting":
        return "waiting for its turn"
    left = status.seconds_left
    words = escape(status.stage) + (f" {status.fraction:.0%}" if status.fraction else "")
    return words + (f", about {format_seconds(max(left, 1))} left" if left is not None and status.fraction < 1 else "")


def progress_bar(status: Status) -> str:
    """Return a progress bar, with its words below."""
    words = progress_words(status)
    return (
        f'<div class="lab-progress" role="progressbar" aria-valuenow="{status.fraction * 100:.0f}">'
        f'<div style="width:{status.fraction * 100:.1f}%"></div></div><p>{words[:1].upper()}{words[1:]}</p>'
    )
