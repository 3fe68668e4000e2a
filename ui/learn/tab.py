"""The Learn tab: the lessons, whose steps are measured when a visitor has predicted."""

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from retriever.errors import Cancelled, ParameterError
from ui.jobs.watching import watch
from ui.learn.text import course_html, measured_html, measuring_html, step_key
from ui.lessons.lesson import Lesson, Step, lesson_of
from ui.lessons.measuring import LessonMeasurements
from ui.lessons.reveal import reveal
from ui.render.controls import LATEST, Updates
from ui.render.errors import report_stream_errors
from ui.render.predictions import Answer

SCRIPT = Path(__file__).with_name("learn.js")
ON_MEASURED = "watch('value', () => window.labLearn?.told(element));"


@dataclass(frozen=True, eq=False)
class LearnTab:
    """The components of the Learn tab, and the handler that measures.

    course: all lessons, of which the page's script shows a step. asked: what the visitor predicted, as JSON. measure:
    a hidden button that the script presses. told: the progress of a measurement, then its record.
    """

    measurements: LessonMeasurements
    course: gr.HTML
    asked: gr.Textbox
    measure: gr.Button
    told: gr.HTML

    async def stream(self, asked: str) -> AsyncGenerator[Updates, None]:
        """Measure the step that a visitor has predicted; yield the progress, and at the end the reveal."""
        lesson, step, predicted = read_asked(asked)
        key, job = step_key(lesson, step), self.measurements.submit(lesson, step)
        try:
            async with aclosing(watch(job)) as statuses:
                async for status in statuses:
                    yield {self.told: measuring_html(key, status)}
            measured = job.result()
        except Cancelled:
            return
        yield {self.told: measured_html(key, reveal(step, predicted, measured), measured.record)}


def read_asked(asked: object) -> tuple[Lesson, Step, Answer]:
    """Return the lesson, the step and the prediction that the page's script sends as JSON.

    Raises ParameterError if it is something else.
    """
    try:
        content: dict[str, Any] = json.loads(str(asked))
        lesson = lesson_of(str(content["lesson"]))
        step = lesson.step(str(content["step"]))
        predicted = content["prediction"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ParameterError("That is no prediction of a lesson's step; reload the page, and predict again.") from error
    return lesson, step, step.prediction.read(predicted)


def build_learn_tab(measurements: LessonMeasurements) -> LearnTab:
    """Create the tab's components and connect their event listeners."""
    course = gr.HTML(course_html(), js_on_load=SCRIPT.read_text(encoding="utf-8"))
    asked = gr.Textbox(visible="hidden", label="what was predicted")
    measure = gr.Button("measure", visible="hidden", elem_id="lab-learn-measure")
    told = gr.HTML(js_on_load=ON_MEASURED, elem_classes="lab-learn-told")
    tab = LearnTab(measurements, course, asked, measure, told)
    script = "() => [window.labLearn.asked]"
    measured = measure.click(report_stream_errors(tab.stream), asked, told, js=script, **LATEST)
    measured.then(None, None, None, js="() => window.labLearn?.ended()", **LATEST)
    return tab
