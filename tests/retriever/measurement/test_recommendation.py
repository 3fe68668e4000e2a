"""What is recommended follows from recall and distances, and from nothing else."""

import pytest

from retriever.errors import ParameterError
from retriever.measurement.curve import smallest_ef
from retriever.measurement.recommendation import MeasuredGraph, recommend
from tests.support.small import curve_of

STEPS = [(10, 0.839, 40, 240), (20, 0.912, 60, 415), (40, 0.965, 100, 612), (400, 0.998, 500, 9_100)]


def graph_of(steps=STEPS, M=16, ef_construction=200):
    return MeasuredGraph(M, ef_construction, curve_of(*steps), link_bytes=1_000_000, build_seconds=2.0)


def test_the_smallest_ef_that_reaches_the_recall_is_recommended():
    graph = graph_of()
    for wanted in (0.5, 0.9, 0.912, 0.95):
        found = recommend([graph], 9_000, 384, wanted)
        assert (found.graph, found.reached, found.try_next) == (graph, True, None)
        assert found.step.ef == smallest_ef(graph.curve, wanted)
    assert (found.vector_bytes, found.link_bytes) == (9_000 * 384 * 4, 1_000_000)


def test_where_the_index_saves_little_exact_search_is_recommended():
    for n, wanted, exact in ((1_225, 0.95, False), (1_223, 0.95, True), (1_223, 0.9, False), (9_000, 0.99, True)):
        found = recommend([graph_of()], n, 384, wanted)
        assert found.reached
        assert (found.graph is None) == exact
        assert found.link_bytes == (0 if exact else 1_000_000)


def test_where_the_recall_is_not_reached_a_richer_graph_is_next_unless_there_is_no_hope():
    poor, rich = graph_of(M=4, ef_construction=20), graph_of(M=32, ef_construction=400)
    found = recommend([poor], 9_000, 384, 1.0)
    assert (found.graph, found.reached, found.step.ef, found.try_next) == (None, False, 400, (32, 400))
    assert recommend([rich], 9_000, 384, 1.0).try_next is None
    assert recommend([poor, rich], 9_000, 384, 1.0).try_next is None
    assert recommend([poor], 9_000, 384, 1.0, held_by_copies=True).try_next is None
    assert recommend([poor], 300, 384, 1.0).try_next is None, "too few vectors for any index"


def test_a_second_graph_is_recommended_if_only_it_reaches_the_recall():
    poor, good = graph_of([(10, 0.4, 20, 100), (400, 0.7, 90, 900)]), graph_of()
    assert recommend([poor, good], 9_000, 384, 0.95).graph is good
    assert recommend([poor, good], 9_000, 384, 0.65).step.ef == 400
    assert recommend([good, poor], 9_000, 384, 0.95).graph is good


def test_without_a_counted_curve_nothing_is_recommended():
    for graphs in ([], [graph_of([])], [graph_of([(10, 0.9, 40)])]):
        with pytest.raises(ParameterError, match="curve"):
            recommend(graphs, 9_000, 384, 0.95)
