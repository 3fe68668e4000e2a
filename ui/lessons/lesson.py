"""Lessons as data: a file each in texts/, read and checked once."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from retriever.errors import ParameterError
from ui.render.predictions import Prediction, read_prediction

TEXTS = Path(__file__).with_name("texts")
NUMBER_DIGITS = 2  # of a file's name, before the lesson's own


@dataclass(frozen=True)
class Step:
    """One step of a lesson: a claim in plain words, a prediction, and the measurement that tests it.

    name: unique within the lesson. question: what is predicted. measurement: its name in the catalogue; arguments: what
    it is called with. look_closer: the words of the link into the tab where the same can be seen.
    """

    name: str
    claim: str
    question: str
    prediction: Prediction
    measurement: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    look_closer: str = ""


@dataclass(frozen=True)
class Lesson:
    """A lesson. name: as addresses have it. minutes: about how many it takes. intro: what it is about."""

    name: str
    title: str
    minutes: int
    intro: str
    steps: Sequence[Step]

    def step(self, name: str) -> Step:
        """Return a step by its name. Raises ParameterError if there is none."""
        for step in self.steps:
            if step.name == name:
                return step
        known = ", ".join(step.name for step in self.steps)
        raise ParameterError(f"The lesson {self.name!r} has no step {name!r}; its steps are: {known}.")


@cache
def lessons() -> Mapping[str, Lesson]:
    """Return all lessons by name, in their order. Raises ParameterError for a file that is no lesson."""
    found = [read_lesson(path) for path in sorted(TEXTS.glob("*.toml"))]
    return {lesson.name: lesson for lesson in found}


def lesson_of(name: str) -> Lesson:
    """Return a lesson by its name. Raises ParameterError if there is none."""
    if name not in lessons():
        raise ParameterError(f"There is no lesson {name!r}; choose one of: {', '.join(lessons())}.")
    return lessons()[name]


def read_lesson(path: Path) -> Lesson:
    """Return the lesson in a file. Raises ParameterError, with its name, if something is missing or unknown."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        steps = tuple(_read_step(step) for step in content.pop("steps"))
        name = path.stem[NUMBER_DIGITS + 1 :]
        lesson = Lesson(name, **_texts(content, ("title", "intro")), minutes=content["minutes"], steps=steps)
    except (AttributeError, KeyError, TypeError, ValueError, ParameterError) as error:
        raise ParameterError(f"{path.name} is no lesson: {error!r}.") from error
    names = [step.name for step in lesson.steps]
    if not names or len(set(names)) < len(names):
        raise ParameterError(f"{path.name} is no lesson: it needs steps with names of their own, and has {names}.")
    return lesson


def _read_step(content: dict[str, Any]) -> Step:
    """Return a step of a lesson. Raises what read_lesson turns into a ParameterError."""
    prediction, arguments = read_prediction(content.pop("prediction")), content.pop("arguments", {})
    return Step(prediction=prediction, arguments=arguments, **_texts(content, tuple(content)))


def _texts(content: Mapping[str, Any], names: Sequence[str]) -> dict[str, str]:
    """Return texts of a file by name, each as one line."""
    return {name: " ".join(str(content[name]).split()) for name in names}
