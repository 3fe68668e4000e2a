"""The results of a class as CSV: step, prediction, measured; nothing that says who predicted what."""

from ui.classroom.classroom import Classroom, ClassStep, Phase
from ui.lessons.reveal import measured_number, measured_words
from ui.render.export import rows_to_csv
from ui.render.predictions import Answer, NumberPrediction

COLUMNS = ("lesson", "step", "name", "prediction", "measured", "unit")


def results_csv(classroom: Classroom) -> str:
    """Return a row for each prediction of each step; they are sorted, so that no order of students is left.

    Only a step that was revealed has what was measured, and a row if nobody predicted.
    """
    rows = [
        dict(zip(COLUMNS, (classroom.lesson.title, number, step.step.name, *cells), strict=True))
        for number, step in enumerate(classroom.steps, 1)
        for cells in _cells(step)
    ]
    return rows_to_csv(rows or [dict.fromkeys(COLUMNS, "")])


def _cells(under_way: ClassStep) -> list[tuple[object, ...]]:
    """Return prediction, measured and unit of each row of a step."""
    revealed = under_way.phase is Phase.REVEALED and under_way.measured is not None
    given = sorted((_written(under_way, answer) for answer in under_way.predictions.values()), key=_order)
    measured, unit = _measured(under_way) if revealed else "", _unit(under_way)
    return [(answer, measured, unit) for answer in given or ([""] if revealed else [])]


def _measured(under_way: ClassStep) -> float | str:
    """Return what was measured as the pages show it."""
    step, measured = under_way.step, under_way.measured
    assert measured is not None
    if isinstance(step.prediction, NumberPrediction):
        return _short(measured_number(step, measured))
    return measured_words(step, measured)


def _written(under_way: ClassStep, answer: Answer) -> float | str:
    """Return a number as a number, and another answer in words."""
    if isinstance(under_way.step.prediction, NumberPrediction):
        return _short(float(str(answer)))
    return under_way.step.prediction.words(answer)


def _short(number: float) -> float:
    """Return a whole number without a decimal."""
    return int(number) if number.is_integer() else number


def _unit(under_way: ClassStep) -> str:
    """Return the unit of a step's numbers: the one that was measured, or the one that was asked for."""
    measured = under_way.measured
    asked = under_way.step.prediction
    return (measured.unit if measured else "") or (asked.unit if isinstance(asked, NumberPrediction) else "")


def _order(answer: float | str) -> tuple[bool, float, str]:
    return isinstance(answer, str), 0.0 if isinstance(answer, str) else answer, str(answer)
