"""Tests of the Learn tab: what the page's script sends and gets, and the lessons as HTML."""

import base64
import html
import json
import re
from urllib.parse import urlencode

import pytest

from retriever.errors import ParameterError
from retriever.run_record import RunRecord
from tests.support.handlers import Steps
from tests.support.page import Elements, build_tab
from ui.address.place import Place
from ui.learn.tab import build_learn_tab, read_asked
from ui.learn.text import course_html
from ui.lessons import measuring
from ui.lessons.lesson import lessons
from ui.lessons.measurements.measured import Measured
from ui.lessons.measuring import LessonMeasurements

HOSTILE = '"><img src=x onerror=alert(1)>'


@pytest.fixture
def learn(monkeypatch):
    """The tab, where each measurement finds 3 and something hostile."""

    def measure(step, collections, progress):
        progress("counting", 0.5)
        place = {"tab": "search", "q": HOSTILE, "k": 10}
        return Measured(3, "of 10 passages", [HOSTILE], RunRecord(HOSTILE, {}, {}, {}), place)

    monkeypatch.setattr(measuring, "measure_step", measure)
    monkeypatch.setattr(LessonMeasurements, "_needed", lambda self, step: [])
    return build_tab(lambda session: build_learn_tab(LessonMeasurements(None)))[0]


def asked(**changed):
    return json.dumps({"lesson": "misses", "step": "first", "prediction": 8} | changed)


def test_a_prediction_is_answered_with_progress_then_the_reveal_as_data_and_the_record(learn):
    *progress, last = [step[learn.told] for step in Steps(learn.stream(asked()))]
    assert progress and all('data-step="misses/first"' in one and "data-reveal" not in one for one in progress)
    found = json.loads(html.unescape(re.search('data-reveal="(.*?)"', last)[1]))
    assert (found["predicted"], found["measured"]) == ("8 of 10 passages", "3 of 10 passages")
    assert (found["outcome"], found["difference"]) == ("off", "You predicted 5 too many.")
    assert found["address"] == "?" + urlencode({"tab": "search", "q": HOSTILE, "k": 10})
    assert found["sentences"] == [HOSTILE] and "img" not in Elements(last).tags
    [record] = re.findall('data:application/json;base64,([^"]*)', last)
    assert json.loads(base64.b64decode(record))["title"] == HOSTILE


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ("", "no prediction"),
        ("[]", "no prediction"),
        ("null", "no prediction"),
        ("[" * 100_000, "no prediction"),
        (json.dumps({"lesson": "misses"}), "no prediction"),
        (asked(lesson="none"), "There is no lesson 'none'"),
        (asked(step="none"), "has no step 'none'"),
        (asked(prediction="8"), "send a number from 0 to 10"),
        (asked(prediction=None), "send a number from 0 to 10"),
    ],
)
def test_what_is_no_prediction_is_refused(sent, said):
    with pytest.raises(ParameterError, match=said):
        read_asked(sent)


def test_every_step_can_be_shown_and_each_link_is_a_place_of_the_page():
    page = Elements(course_html())
    keys = [f"{lesson.name}/{step.name}" for lesson in lessons().values() for step in lesson.steps]
    assert [value for value in page.values if value in keys] == keys
    links = {value for value in page.values if value and value.startswith("?")}
    places = [Place.of(link) for link in links]
    assert len(links) == len(keys) and all(place.tab == "learn" and not place.problems for place in places)
    ids = re.findall(' id="(.*?)"', course_html())
    assert len(set(ids)) == len(ids) == len(keys)
