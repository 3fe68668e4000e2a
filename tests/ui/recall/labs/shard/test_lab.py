"""The shard lab's handlers: first a prediction, then what the loaded vectors give over every number of shards."""

import numpy as np
import pytest

from retriever.indexes.exact import ExactIndex
from retriever.indexes.hnsw import HNSWIndex
from tests.support.labs import results_of, run
from tests.support.page import words_of
from ui.jobs.job import Job
from ui.recall.labs.lab import OTHER_COLLECTION
from ui.recall.labs.shard.lab import PREDICT
from ui.recall.labs.shard.questions import QUESTIONS
from ui.render.controls import NO_CHANGE
from ui.session import Session


@pytest.fixture
def lab(labs):
    return labs[2]


def recall_of_shards(indexed, shards, k, ef):
    """Return the mean recall of merged shards, counted by ids: of random vectors no two are equally near."""
    vectors, queries = indexed.retriever.vectors, indexed.query_vectors
    found = [set[int]() for _ in queries]
    scores = [dict[int, float]() for _ in queries]
    for shard in range(shards):
        near = HNSWIndex(vectors[shard::shards], M=2, ef_construction=5).search(queries, k, ef=ef)
        for number, (ids, values) in enumerate(zip(near.ids.tolist(), near.scores.tolist(), strict=True)):
            scores[number] |= {shards * row + shard: value for row, value in zip(ids, values, strict=True) if row >= 0}
    found = [set(sorted(near, key=near.get)[-k:]) for near in scores]
    truth = ExactIndex(vectors).search(queries, k).ids.tolist()
    return np.mean([len(near & set(ids)) / k for near, ids in zip(found, truth, strict=True)])


def test_what_is_shown_is_that_of_the_loaded_vectors_over_every_number_of_shards(lab, starved):
    first, *running, last = run(lab, 5.0, 8.0, Session(starved))
    assert isinstance(first[lab.running], Job) and all("progressbar" in step[lab.hint] for step in running)
    rows, recalls, record = results_of(lab, last)
    assert [int(row[0]) for row in rows] == [1, 2, 4, 8, 16]
    for shards, recall in zip((1, 2, 4, 8, 16), recalls, strict=True):
        assert recall == pytest.approx(recall_of_shards(starved, shards, 5, 8), abs=0.00051)
        observed = record["observed"][f"shards={shards}"]
        assert observed["mean_recall"] == pytest.approx(recall, abs=0.00051)
        assert sum(observed["vectors_by_shard"]) == 500 and observed["wait_seconds"]["p95"] > 0
    loaded = starved.measurements.measure(5, 8).hnsw
    assert recalls[0] == pytest.approx(loaded.mean_recall, abs=0.00051), "as in the cards of the tab"
    words = words_of(last[lab.result])
    assert "recall higher higher You predicted it." in words and "distances fewer more It came out" in words
    assert (record["settings"]["k"], record["settings"]["ef"], record["settings"]["M"]) == (5, 8, 2)


@pytest.mark.parametrize("guesses", [(None, None, None), ("more", None, "less")])
def test_nothing_is_measured_before_everything_is_predicted(lab, starved, guesses):
    assert list(run(lab, 5, 8, Session(starved), guesses=guesses)) == [{lab.hint: PREDICT}]


def test_each_question_offers_its_options_and_none_is_chosen(lab):
    for name, control in lab.asked.items():
        question = QUESTIONS[name]
        assert (control.label, control.value) == (question.label, None)
        assert {option: words for words, option in control.choices} == dict(question.prediction.options)
        assert question.better in question.prediction.options


def test_another_collection_takes_away_what_was_predicted_too(lab):
    assert lab.clear(None) is NO_CHANGE
    cleared = lab.clear(Job(len))
    assert cleared[lab.hint] == OTHER_COLLECTION and cleared[lab.result] == ""
    assert [cleared[control] for control in lab.asked.values()] == [None] * 3
    assert set(cleared) <= set(lab.outputs)
