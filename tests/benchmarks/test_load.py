"""A short load test: some visitors at once, two of them building; `python -m benchmarks.load` is the long one."""

import asyncio
import itertools

import pytest

from benchmarks.load.classroom import lesson
from benchmarks.load.crowd import alone, builds_alone, crowd
from benchmarks.load.lab_server import LabServer, overlaps
from benchmarks.load.notes import Notes, wrong_answers
from benchmarks.load.report import percentile
from benchmarks.load.visitor import QUICK_BUILDS

pytestmark = pytest.mark.exhaustive

VISITORS, BUILDERS, SECONDS = 8, 2, 10
EFS = (10, 14, 20, 40, 80, 160, 320)
THINK = (0.3, 1.0)
BOUND = 3  # seconds, 95th percentile: far above the targets of benchmarks/load, as CI may be slow; a stall is longer
COLLECTION = "Python docs"


@pytest.fixture(scope="module")
def load(tmp_path_factory):
    """What one visitor saw, what the crowd saw, what the builders saw again alone, and the sections of the server."""
    server = LabServer(tmp_path_factory.mktemp("load-cache"), tmp_path_factory.mktemp("load"), small=True)

    async def visits():
        reference = await alone(server.port, COLLECTION, efs=EFS)
        notes, took = await crowd(
            server.port,
            COLLECTION,
            visitors=VISITORS,
            seconds=SECONDS,
            builders=BUILDERS,
            builds=QUICK_BUILDS,
            efs=EFS,
            think=THINK,
        )
        return reference, notes, await builds_alone(server.port, notes), took

    try:
        server.wait()
        found = asyncio.run(visits())
        taught = asyncio.run(lesson(server.port, students=VISITORS, think=1.0, late=2))
    finally:
        server.stop()
    return *found, server.timed_sections(), taught


@pytest.fixture
def class_notes(load):
    """The notes of a class that followed the crowd."""
    return load[-1]


def test_nothing_fails_while_others_build(load):
    reference, notes, again, *_ = load
    assert [*reference.failures, *notes.failures, *again.failures] == []
    assert len(notes.seconds["slide"]) >= 3 * VISITORS
    assert len(notes.seconds["search"]) >= VISITORS
    assert len(notes.built) >= BUILDERS


def test_every_answer_is_that_of_a_visitor_who_is_alone(load):
    reference, notes, again, *_ = load
    wrong = wrong_answers(notes, reference, again)
    assert [mistake[:3] for mistake in wrong] == [], wrong[:3]
    kinds = {what for _, what, *_ in notes.answers}
    assert kinds >= {"recall", "spread", "worst queries", "distances", "record", "search", "header"}
    recalls = {answer for collection, what, _, answer in reference.answers if what == "recall"}
    assert len(recalls) == len(EFS), "where recall is the same at every ef, a wrong one is not seen"


def test_nobody_waits_for_long_while_others_build(load):
    _, notes, _, took, *_ = load
    slow = {action: percentile(notes.seconds[action], 0.95) for action in ("slide", "search", "first word of a build")}
    assert max(slow.values()) < BOUND, slow
    assert took < SECONDS + 60, "a visitor waited for the end of something"


def test_timed_sections_never_overlap_one_another_or_heavy_work(load):
    _, notes, _, _, sections, _ = load
    assert overlaps(sections) == []
    timed = sum(what == "alone" for what, *_ in sections)
    assert len(notes.seconds["slide"]) and timed >= 2 * len(EFS), "what is timed has the machine alone"
    assert any(what == "work" for what, *_ in sections)


def test_overlaps_are_found():
    alone, work, later = ("alone", 0, 10, 1), ("work", 5, 15, 2), ("work", 12, 20, 3)
    assert overlaps([alone, work]) == [(alone, work)]
    assert overlaps([work, later]) == [], "batches of work may run together"
    assert overlaps([alone, later]) == []
    assert overlaps([alone, ("alone", 2, 3, 1)]) == [], "a part of it"
    long = ("work", 0, 100, 1)
    assert overlaps([long, ("work", 1, 2, 2), ("alone", 50, 60, 3)]) == [(long, ("alone", 50, 60, 3))]


def test_wrong_answers_are_found():
    reference, notes = Notes(), Notes()
    for ef, recall in ((10, "0.5"), (20, "0.7")):
        reference.answered("shared", "recall", (10, ef), recall)
    for ef, recall in itertools.product((10, 20, 30), ("0.5", "0.7")):
        notes.answered("shared", "recall", (10, ef), recall)
    found = [(asked, right, answer) for _, _, asked, right, answer, _ in wrong_answers(notes, reference)]
    assert found[:2] == [((10, 10), "0.5", "0.7"), ((10, 20), "0.7", "0.5")]
    assert [asked for asked, *_ in found[2:]] == [(10, 30)] * 2, "what nobody saw alone is not right either"


def test_a_class_loses_nothing(class_notes):
    assert class_notes.failures == []
    for action in ("join", "predict"):
        assert percentile(class_notes.seconds[action], 0.95) < BOUND, action
    revealed = [seconds for name, seconds in class_notes.seconds.items() if name.startswith("reveal")]
    assert sum(map(len, revealed)) == 3 * VISITORS - 2, "all see every reveal, who came late the later ones"
