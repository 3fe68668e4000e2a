"""The labs of the third tab in tests: one run, and what its last step shows."""

import json
import re

import pytest

from retriever.indexes.exact import ExactIndex
from retriever.indexes.hnsw import HNSWIndex
from retriever.indexes.recall import knn_recall
from tests.support.handlers import Steps
from tests.support.page import files_of
from ui.recall.labs.build.lab import BuildLab
from ui.recall.labs.lab import DONE
from ui.recall.labs.shard.lab import ShardLab
from ui.render.errors import report_stream_errors

GUESSES = ("more", "less", "equal")  # of recall, distances and wait; not all of them are right


def cells(source, tag="td"):
    """Return the cells of a table's rows, without its head; or, with the tag th, the head."""
    rows = re.findall(rf"<tr>\s*(<{tag}>.*?)</tr>", source, flags=re.DOTALL)
    return [re.findall(rf"<{tag}>(.*?)</{tag}>", row) for row in rows]


def run(lab, k, ef, session, running=None, *, every=False, guesses=GUESSES):
    """Return the steps of a lab's run."""
    options = [every] if isinstance(lab, BuildLab) else guesses if isinstance(lab, ShardLab) else []
    return Steps(report_stream_errors(lab.stream)(k, ef, *options, session, running))


def results_of(lab, last):
    """Return the rows of the results' table, recall by row, and the run record of the last step."""
    assert last[lab.hint] == DONE and last[lab.figure]["visible"] is True and lab.running not in last
    rows = cells(last[lab.result].rpartition("<table")[2])
    recalls = [float(row[2 if isinstance(lab, BuildLab) else 1]) for row in rows]
    return rows, recalls, json.loads(files_of(last[lab.result])["run-record.json"])


def recall_at(vectors, indexed, k, ef, **settings):
    """Return the recall of a graph that is built here, as the page writes it, about."""
    found = HNSWIndex(vectors, **settings).search(indexed.query_vectors, k, ef=ef)
    return pytest.approx(knn_recall(ExactIndex(vectors).search(indexed.query_vectors, k), found).mean(), abs=0.00051)
