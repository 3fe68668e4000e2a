"""The progress of jobs and of the shared samples, as HTML."""

from retriever.progress import stage_and_detail
from ui.jobs.job import Status
from ui.jobs.shared_samples import SAMPLE_TITLES, SharedSamples
from ui.render.html import Html, render
from ui.render.numbers import format_seconds


def samples_progress(state: SharedSamples) -> Html:
    """Return which samples are still being prepared or have failed; empty once all are ready."""
    lines = [sample_words(state, name) for name in state.names if state.ready(name) is None]
    return Html('<div class="lab-note">{}</div>').format(Html(" · ").join(lines)) if lines else Html()


def sample_words(state: SharedSamples, name: str) -> Html:
    """Return how far the preparation of a sample has come, or why it has failed."""
    title, failure = SAMPLE_TITLES[name], state.failure(name)
    if failure:
        return Html("{} could not be prepared: {}").format(title, failure)
    return Html("Preparing <b>{}</b>: {}").format(title, progress_words(state.status(name)))


def progress_words(status: Status) -> str:
    """Return a job's stage, percentage and time left; no percentage if the stage says itself how much is done."""
    if status.stage == "waiting":
        return "waiting for its turn"
    left = status.seconds_left
    detailed = bool(stage_and_detail(status.stage)[1])
    words = status.stage + (f" {status.fraction:.0%}" if status.fraction and not detailed else "")
    return words + (f", about {format_seconds(max(left, 1))} left" if left is not None and status.fraction < 1 else "")


def progress_bar(status: Status) -> Html:
    """Return a progress bar, with its words below."""
    words = progress_words(status)
    return render("jobs/progress.html", percent=status.fraction * 100, words=words[:1].upper() + words[1:])
