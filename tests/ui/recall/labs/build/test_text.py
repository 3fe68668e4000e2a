"""The build lab's sentences and table: each verdict by results made by hand."""

from dataclasses import replace

import pytest

from retriever.measurement.sweeps import BuildResult
from tests.support.labs import cells
from tests.support.page import words_of
from tests.support.small import measurement
from ui.recall.labs.build.text import build_lab_table, build_lab_verdict

MS, WIDTHS = (4, 8, 16, 32), (20, 100, 400)


def built(recall=lambda M, width: 0.5, seconds=lambda M, width: 1.0, links=lambda M, width: 10**6 * M, **options):
    """Return twelve results; each function takes M and efConstruction."""

    def searched(M, width):
        return measurement([recall(M, width)] * 20, 50e-6, 100 + M, **options)

    pairs = [(M, width) for M in MS for width in WIDTHS]
    return [BuildResult(*pair, seconds(*pair), int(links(*pair)), searched(*pair)) for pair in pairs]


def rising(M, width):
    return 0.5 + M / 100 + width / 10_000


def widest(normal, other):
    """Return a function of M and efConstruction with another value at the largest efConstruction."""
    return lambda M, width: other if width == 400 else normal


def test_the_verdict_names_the_numbers_it_compares():
    source = build_lab_verdict(built(rising, lambda M, width: M * width / 100, ef=30, k=7), 5_000)
    assert words_of(source) == (
        "Over 5,000 vectors, recall@7 against exact search at ef=30. efConstruction from 20 to 400 at M=16: recall "
        "0.662 → 0.700, build time 3.2 s → 64.0 s, memory the same, 16 MB. M from 4 to 32 at efConstruction=100: "
        "recall 0.550 → 0.830, build time 4.0 s → 32.0 s, memory 4.00 MB → 32 MB. Does efConstruction change it? "
        "recall: yes; build time: yes; memory: no; M is what costs memory."
    )
    assert "<b>Does efConstruction" in source


@pytest.mark.parametrize(
    ("results", "words"),
    [
        (built(widest(0.5, 0.506)), "recall: yes; build time: no; memory: no; M is what costs memory."),
        (built(widest(0.5, 0.3)), "recall: it falls; build time: no; memory: no; M is what costs memory."),
        (built(lambda M, width: 0.9 if (M, width) == (32, 400) else 0.5), "recall: no clear change; build time: no; "),
        (built(lambda M, width: {20: 0.5, 100: 0.45, 400: 0.6}[width]), "recall: no clear change; build time: no; "),
        (built(seconds=widest(1, 1.06)), "build time: yes; memory: no; M is what costs memory."),
        (built(seconds=widest(1, 1.04)), "build time: about equal; memory: no; M is what costs memory."),
        (built(seconds=widest(1, 0.5)), "build time: it falls; memory: no; M is what costs memory."),
        (built(links=widest(1e6, 1.06e6)), "build time: no; memory: yes."),
        (built(links=widest(1e6, 1.01e6)), "build time: no; memory: about equal."),
    ],
)
def test_what_efconstruction_changes_in_the_middle_row_and_column(results, words):
    assert words in words_of(build_lab_verdict(results, 100)).partition("Does efConstruction change it? ")[2]


def test_every_graph_has_a_row():
    source = build_lab_table(built(rising, lambda M, width: M * width / 1000))
    heads = [
        "M",
        "efConstruction",
        "recall against exact search",
        "build",
        "links",
        "distances a query",
        "median latency",
    ]
    assert cells(source, "th") == [heads]
    assert [(int(row[0]), int(row[1])) for row in cells(source)] == [(M, width) for M in MS for width in WIDTHS]
    assert cells(source)[0] == ["4", "20", "0.542", "80.0 ms", "4.00 MB", "104", "50 µs"]


def test_times_measured_in_a_crowd_are_marked():
    graphs = built()
    graph = replace(graphs[3], measurement=replace(graphs[3].measurement, crowded=True))
    assert "Measured in a crowd: " in build_lab_verdict([*graphs[:3], graph, *graphs[4:]], 9)
    assert "crowd" not in build_lab_verdict(graphs, 9)
