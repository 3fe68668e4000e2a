"""The results of a class as CSV: step, prediction, measured; nothing that says who predicted what."""

from ui.classroom.classroom import Classroom, ClassStep
from ui.lessons.predictions import Answer, NumberPrediction
from ui.render.export import rows_to_csv


def results_csv(classroom: Classroom) -> str:
    """Return a row for each prediction of each step; they are sorted, so that no order of students is left."""
    return rows_to_csv([row for step in classroom.steps for row in _rows(step)])


def _rows(under_way: ClassStep) -> list[dict[str, object]]:
    measured = "" if under_way.measured is None else _written(under_way, under_way.measured.value)
    unit = _unit(under_way)
    given = sorted((_written(under_way, answer) for answer in under_way.predictions.values()), key=_order)
    question = under_way.step.question
    return [
        {"step": under_way.step.name, "question": question, "prediction": answer, "measured": measured, "unit": unit}
        for answer in given or [""]
    ]


def _written(under_way: ClassStep, answer: Answer) -> float | str:
    """Return a number as a number, and another answer in words."""
    if isinstance(under_way.step.prediction, NumberPrediction):
        return float(str(answer))
    return under_way.step.prediction.words(answer)


def _unit(under_way: ClassStep) -> str:
    """Return the unit of a step's numbers: the one that was measured, or the one that was asked for."""
    measured = under_way.measured
    asked = under_way.step.prediction
    return (measured.unit if measured else "") or (asked.unit if isinstance(asked, NumberPrediction) else "")


def _order(answer: float | str) -> tuple[bool, float, str]:
    return isinstance(answer, str), 0.0 if isinstance(answer, str) else answer, str(answer)
