"""The lessons as HTML, and a reveal as the page's script takes it."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any
from urllib.parse import urlencode

from retriever.json_text import write_json
from retriever.run_record import RunRecord
from ui.jobs.job import Status
from ui.jobs.progress_text import progress_bar
from ui.lessons.lesson import Lesson, Step, lessons
from ui.lessons.reveal import Reveal
from ui.render.export import folded_record
from ui.render.html import Html, render
from ui.render.predictions import ChoicePrediction, NumberPrediction


def course_html() -> Html:
    """Return all lessons with their steps; the page's script shows one step at a time."""
    course = lessons()
    steps = [(lesson, step) for lesson in course.values() for step in lesson.steps]
    return render(
        "learn/course.html",
        lessons=list(course.values()),
        steps=steps,
        minutes=sum(lesson.minutes for lesson in course.values()),
        kind=prediction_kind,
        address=step_address,
        key=step_key,
    )


def prediction_kind(step: Step) -> str:
    """Return what is predicted: a number, a choice or an order."""
    asked = step.prediction
    return (
        "number"
        if isinstance(asked, NumberPrediction)
        else "choice"
        if isinstance(asked, ChoicePrediction)
        else "order"
    )


def step_address(lesson: Lesson, step: Step) -> str:
    """Return the address of a step."""
    return "?" + urlencode({"tab": "learn", "lesson": lesson.name, "step": step.name})


def step_key(lesson: Lesson, step: Step) -> str:
    """Return the name of a step on the page and in the browser's storage."""
    return f"{lesson.name}/{step.name}"


def measuring_html(key: str, status: Status) -> Html:
    """Return how far a measurement has come."""
    return render("learn/measuring.html", key=key, progress=progress_bar(status))


def measured_html(key: str, revealed: Reveal, record: RunRecord) -> Html:
    """Return the record of a measurement, with the reveal as data, which the page's script shows and keeps."""
    return render(
        "learn/measured.html", key=key, reveal=write_json(reveal_data(revealed)), record=folded_record(record)
    )


def reveal_data(revealed: Reveal) -> Mapping[str, Any]:
    """Return a reveal as JSON can hold it, with the address of its place."""
    return asdict(revealed) | {"address": "?" + urlencode(revealed.place)}
