"""The shard lab's figure: found and missed by number of shards, costs beside one graph, and the same as a table."""

import pytest

from tests.ui.recall.labs.shard.test_text import USUAL, split
from ui.recall.labs.shard.figures import shard_figure
from ui.render.figures import EXACT_COLOUR, HNSW_COLOUR, MISSED_COLOUR


def test_bars_and_lines_are_what_was_measured():
    figure = shard_figure(USUAL)
    traces = {trace.name: trace for trace in figure.data}
    expected = {
        "found": [0.8, 0.9, 0.995],
        "missed": [0.2, 0.1, 0.005],
        "distances in all": [1, 3.6, 12],
        "time of all shards": [1, 3.6, 12.8],
        "slowest shard": [1, 0.9, 0.8],
        "exact search, distances": [8, 8, 8],
    }
    assert list(traces) == list(expected)
    for name, trace in traces.items():
        assert (list(trace.x), list(trace.y)) == (["1", "4", "16"], pytest.approx(expected[name]))
    assert [traces[name].marker.color for name in ("found", "missed")] == [HNSW_COLOUR, MISSED_COLOUR]
    assert list(traces["missed"].text) == ["0.800", "0.900", "0.995"], "recall is read without colour"
    lines = list(traces.values())[2:]
    assert len({(line.line.dash, line.marker.symbol) for line in lines}) == 4, "told apart without colour"
    assert [line.line.color for line in lines] == [HNSW_COLOUR] * 3 + [EXACT_COLOUR]
    assert (figure.layout.xaxis.type, figure.layout.yaxis2.type) == ("category", "log")


def test_the_figure_has_a_sentence_and_a_table_of_every_result():
    about = shard_figure(USUAL).layout.meta
    assert about["sentence"].startswith("From 1 to 16 shards recall@10 against exact search goes from 0.800 to 0.995, ")
    assert about["rows"] == [
        ["1", "0.800", "200", "50 µs", "50 µs"],
        ["4", "0.900", "720", "45 µs", "180 µs"],
        ["16", "0.995", "2,400", "40 µs", "640 µs"],
    ]
    assert len(shard_figure([split(1)]).data) == 6, "a single result is drawn"
