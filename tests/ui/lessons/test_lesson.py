"""Tests of the lessons as data: what is in the files, and what is refused."""

import pytest

from retriever.errors import ParameterError
from ui.lessons.lesson import TEXTS, lesson_of, lessons, read_lesson
from ui.lessons.measurements.catalogue import MEASUREMENTS
from ui.render.predictions import NumberPrediction

STEPS = [pytest.param(step, id=f"{lesson.name}-{step.name}") for lesson in lessons().values() for step in lesson.steps]


@pytest.mark.parametrize("step", STEPS)
def test_each_step_has_a_measurement_whose_outcomes_are_those_that_can_be_predicted(step):
    listed = MEASUREMENTS[step.measurement]
    number = isinstance(step.prediction, NumberPrediction)
    assert set(listed.options) == (set() if number else set(step.prediction.options))
    assert step.claim and step.question.endswith("?") and step.look_closer


def test_a_lesson_is_found_by_its_name_and_another_is_refused():
    first, *_ = lessons().values()
    assert lesson_of(first.name) is first and first.step(first.steps[0].name) is first.steps[0]
    with pytest.raises(ParameterError, match="no lesson 'none'; choose one of: misses"):
        lesson_of("none")
    with pytest.raises(ParameterError, match="has no step 'none'; its steps are: first"):
        first.step("none")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('title = "', 'titel = "'),
        ("minutes", "hours"),
        ("[[steps]]", "[[stages]]"),
        ('kind = "number"', 'kind = "guess"'),
        ("high = 10", "high = 0"),
        ('claim = """', 'claims = """'),
        ('unit = "', 'units = "'),
    ],
)
def test_a_file_that_is_no_lesson_is_refused_by_its_name(old, new, tmp_path):
    text = (TEXTS / "01_misses.toml").read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "07_bad.toml").write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(ParameterError, match="07_bad.toml is no lesson"):
        read_lesson(tmp_path / "07_bad.toml")
