"""What to use: the numbers are those of the curve and the slider, and the code runs."""

import re

import pytest

from retriever.measurement.curve import smallest_ef
from retriever.measurement.recommendation import MeasuredGraph, recommend
from tests.support.handlers import finish
from tests.support.small import collection_of, curve_of, pair_of, sentences
from ui.recall.advice_text import advice_section, advice_sentence, code_to_copy, times_sentence
from ui.recall.curves import OVERLAYS, overlay_graph
from ui.recall.text import target_sentence
from ui.render.controls import NO_CHANGE
from ui.render.numbers import format_seconds
from ui.session import Session

pytestmark = pytest.mark.usefixtures("quiet_machine")
STEPS = [(10, 0.8394, 40, 240), (20, 0.912, 60, 415), (40, 0.965, 100, 612), (400, 0.9986, 500, 3_100)]


@pytest.fixture
def advice(built):
    return built[0].advice


def advised(wanted, n=9_000, steps=STEPS, M=16, ef_construction=200, **options):
    graph = MeasuredGraph(M, ef_construction, curve_of(*steps), 1_500_000, 2.5)
    return recommend([graph], n, 384, wanted, **options)


@pytest.mark.parametrize(
    ("recommendation", "words"),
    [
        (
            advised(0.95),
            "Use HNSW: M=16, efConstruction=200, and search it at ef=40: a recall@10 against exact search of 0.965, "
            "for 612 distances a query; exact search computes 9,000.",
        ),
        (
            advised(0.95, n=900),
            "Use exact search, without an index: it misses nothing and computes 900 distances a query; HNSW computes "
            "612 distances for a recall@10 against exact search of 0.965, at ef=40.",
        ),
        (
            advised(1.0, M=4, ef_construction=20),
            "This graph does not reach 1.000 at any ef measured; its best is 0.998, at ef=400. Try a graph with M=32, "
            "efConstruction=400 next (Documents, Graph: rich); or use exact search, which misses nothing.",
        ),
        (
            advised(1.0, held_by_copies=True),
            "This graph does not reach 1.000 at any ef measured; its best is 0.998, at ef=400. Use exact search, which "
            "misses nothing and computes 9,000 distances a query.",
        ),
    ],
)
def test_the_recommendation_is_a_sentence(recommendation, words):
    assert advice_sentence(recommendation) == words


def test_memory_build_time_and_what_the_next_smaller_ef_reaches_are_the_evidence(indexed):
    section = advice_section(indexed, advised(0.95))
    rows = dict(re.findall(r'<th scope="row">(.*?)</th><td>(.*?)</td>', section))
    assert rows["memory"] == "14 MB of vectors and 1.50 MB of links"  # 9,000 * 384 * 4 bytes
    assert rows["to build"] == "2.5 s for the graph"
    assert rows["measured with"] == "20 queries, k=10; ef=20 reaches 0.912"
    assert "set the slider to ef=40" in rows["latency"] and rows["model"].startswith("fake, 384 dimensions")
    exact = dict(re.findall(r'<th scope="row">(.*?)</th><td>(.*?)</td>', advice_section(indexed, advised(0.95, n=900))))
    assert (exact["memory"], "latency" in exact) == ("1.38 MB of vectors", False)


def test_times_are_those_of_the_cards_with_their_spread(slider, advice, indexed):
    told = times_sentence(pair_of([0.9, 1], [70e-6, 90e-6], [2e-4, 3e-4], ef=40))
    assert "At the slider's ef=40 HNSW takes 80 µs a query (the middle half 75 µs to 85 µs)" in told.unescape()
    assert "exact search 250 µs a query (the middle half 225 µs to 275 µs): 3.1× faster." in told
    session = Session(indexed)
    measured = slider.measure_at_ef(10, 40, session)
    both = advice.show_costs(measured[slider.measured], 10, 40, session)
    assert both[slider.distances] == slider.show_distances(measured[slider.measured], 10, 40, session)
    assert f"{format_seconds(measured[slider.measured].now.hnsw.p50)} a query" in both[advice.times]
    assert format_seconds(measured[slider.measured].now.hnsw.p50) in measured[slider.cards]
    assert advice.show_costs(measured[slider.measured], 10, 41, session) == NO_CHANGE, "the slider went on"
    assert advice.show_costs(None, 10, 40, Session()) == NO_CHANGE


@pytest.mark.parametrize("n", [9_000, 900])
def test_the_code_runs_as_it_stands(wordllama, capsys, n):
    code = code_to_copy(advised(0.95, n=n), "wordllama-256")
    assert ("ef=40" in code) == ("M=16" in code) == (n == 9_000)
    exec(compile(code, "search.py", "exec"), {})
    assert len(re.findall(r"^-?\d\.\d{3}  \w", capsys.readouterr().out, re.MULTILINE)) == 2


def test_what_is_shown_agrees_with_the_target_sentence(advice, fake_encoder):
    session = Session(collection_of(fake_encoder, sentences(900), M=6, ef_construction=20))
    measurements = session.indexed.measurements
    assert "still being measured" in advice.show_advice(10, 0.9, session)
    measurements.curve(10)
    assert "still being counted" in advice.show_advice(10, 0.9, session)
    curve = measurements.counted_curve(10)
    for number in (0, 2, 4):
        wanted = round(curve[number].mean_recall - 0.005, 2)
        shown, told = advice.show_advice(10, wanted, session), target_sentence(curve, wanted)
        ef, recall, distances = re.search(r"ef = (\d+) is .* (\d\.\d{3}) \(([\d,]+) distances", told).groups()
        assert f"ef={ef}" in shown and f" {recall}" in shown and f"{distances} distances" in shown
    assert advice.show_advice(10, 0.9, Session()) == ""


def test_a_second_graph_is_named_where_only_it_reaches_the_recall(advice, fake_encoder):
    poor = collection_of(fake_encoder, sentences(1_200), M=2, ef_construction=5)
    name = next(name for name, settings in OVERLAYS.items() if settings == (16, 200))
    session = Session(poor).with_overlay(finish(overlay_graph(name, Session(poor))))
    best = max(step.mean_recall for step in poor.measurements.counted_curve(10))
    wanted = round(best + 0.01, 2)
    alone = advice.show_advice(10, wanted, session)
    assert "does not reach" in alone, "the second curve is not measured yet"
    good = session.overlay.measurements.counted_curve(10)
    ef = smallest_ef(good, wanted)
    both = advice.show_advice(10, wanted, session)
    assert f"ef={ef}" in both and ("the second graph, M=16, efConstruction=200" in both or "Use exact search" in both)
