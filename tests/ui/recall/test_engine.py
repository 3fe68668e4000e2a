"""The third tab over Milvus: the same slider, the round trip apart, both curves, and a server that is away."""

import json
from dataclasses import replace

import gradio as gr
import pytest

from retriever.indexes.milvus.collection import MilvusLayout
from retriever.progress import ignore_progress
from retriever.turns import OWNER, Owner
from tests.support.fake_milvus import ADDRESS, fake_milvus
from tests.support.handlers import Steps, finish
from tests.support.page import build_tab, figure_of, files_of, words_of
from tests.support.small import collection_of, sentences
from tests.support.work import PATIENCE, Work
from ui.jobs.job import RUNNING
from ui.milvus.copies import copy_of
from ui.recall.client_text import client_cards, layout_words
from ui.recall.engine import IN_PROCESS, KIND, MILVUS
from ui.recall.figures import CLIENT_AXIS, MilvusCurve, curve_figure
from ui.recall.slider import LastMeasurement
from ui.recall.tab import build_recall_tab
from ui.render.controls import NO_CHANGE
from ui.render.figures import HNSW_COLOUR, MILVUS_COLOUR
from ui.render.numbers import format_seconds
from ui.session import Session

pytestmark = pytest.mark.usefixtures("quiet_machine")


@pytest.fixture
def milvus(monkeypatch):
    return fake_milvus(monkeypatch)


@pytest.fixture
def tab(milvus):
    """The tab of a lab that has a Milvus server, and the page it is in."""
    return build_tab(build_recall_tab, milvus.lab)


@pytest.fixture
def slider(tab):
    return tab[0].slider


@pytest.fixture
def loaded(fake_encoder):
    """A session with a poor graph, of which nothing was measured."""
    return Session(collection_of(fake_encoder, sentences(300), M=2, ef_construction=5))


def put(milvus, session):
    milvus.lab.put(session.indexed, ignore_progress)


def streamed(curves, session, engine=MILVUS):
    return list(Steps(curves.stream_curves(10, session, engine)))


def test_the_slider_measures_in_milvus_and_shows_the_round_trip_apart(milvus, slider, loaded):
    put(milvus, loaded)
    milvus.server.work = 0.006  # more than a busy machine adds to the round trip by chance
    recalls = []
    for ef in (10, 100):
        shown = slider.measure_at_ef(10, ef, loaded, None, MILVUS)
        pair = shown[slider.measured].now
        words = words_of(shown[slider.cards])
        for value in (pair.hnsw.p50, pair.hnsw.p95, pair.round_trip_p50, pair.engine_p50, pair.exact.p50):
            assert format_seconds(value) in words
        assert "round trip" in words and "Milvus’ work" in words and "queries per second" not in words
        recalls.append(pair.hnsw.mean_recall)
    assert recalls[0] < recalls[1]
    told = words_of(slider.show_distances(shown[slider.measured], 10, 100, loaded, MILVUS))
    assert "by the clock on the wall" in told and "collection of one vector" in told
    assert "holds the vectors in 1 segment of 1 shard" in told and "does not count distances" in told


def test_both_curves_stand_over_each_other_and_are_told_apart_without_colour(milvus, tab, slider, loaded):
    curves = tab[0].curves
    *_, last = streamed(curves, loaded)
    assert curves.token in last and copy_of(loaded.indexed).measurements.known_curve(10)
    measured = slider.measure_at_ef(10, 40, loaded, None, MILVUS)[slider.measured]
    details = slider.draw_details(measured, 10, 40, "latency", loaded, MILVUS)
    figure = figure_of(details[slider.figure])
    found = {trace.name: trace for trace in figure.data}
    here, there = found["HNSW 2/5"], found["Milvus 2/5"]
    assert (here.line.color, there.line.color, found["now: ef=40"].marker.color) == (
        HNSW_COLOUR,
        MILVUS_COLOUR,
        MILVUS_COLOUR,
    )
    assert here.line.dash != there.line.dash and here.marker.symbol != there.marker.symbol
    assert list(here.customdata) == list(there.customdata) and min(there.x) > max(here.x)
    assert set(found["round trip"].x) == {measured.now.round_trip_p50 * 1e6}
    assert found["now: ef=40"].x[0] in there.x, "one value of one thing"
    assert (figure.layout.xaxis.type, figure.layout.xaxis.title.text) == ("log", CLIENT_AXIS.title)
    assert "in Milvus is" in figure.layout.meta["sentence"] and "round trip" in figure.layout.meta["sentence"]
    assert {row[0] for row in figure.layout.meta["rows"]} == {"Milvus 2/5", "HNSW 2/5", "exact search"}


def test_on_the_axis_of_distances_milvus_has_no_point_and_that_is_said(milvus, tab, slider, loaded):
    streamed(tab[0].curves, loaded)
    measured = slider.measure_at_ef(10, 40, loaded, None, MILVUS)[slider.measured]
    figure = figure_of(slider.draw_details(measured, 10, 40, "distances", loaded, MILVUS)[slider.figure])
    assert {trace.name for trace in figure.data} == {"HNSW 2/5", "exact"}
    assert "Milvus does not count distances" in figure.layout.meta["sentence"]
    assert figure.layout.xaxis.type is None, "as any other"


def test_the_record_says_where_and_how_without_what_the_server_is_asked_with(milvus, slider, loaded):
    put(milvus, loaded)
    measured = slider.measure_at_ef(10, 40, loaded, None, MILVUS)[slider.measured]
    details = slider.draw_details(measured, 10, 40, "latency", loaded, MILVUS)
    files = files_of(details[slider.record])
    record = json.loads(files["run-record.json"])
    settings, observed = record["settings"], record["observed"]
    expected = {"engine": "Milvus", "milvus_address": ADDRESS.uri, "milvus_version": "3.2.2", "milvus_shards": 1}
    assert settings.items() >= (expected | {"milvus_segments": [300], "graph_reproducible": False}).items()
    assert "seed" not in settings and record["kind"] == "milvus measurement"
    assert observed["milvus"]["p50_seconds"] == measured.now.hnsw.p50
    assert observed["round_trip"]["p50_seconds"] == measured.now.round_trip_p50
    everything = "".join(map(str, details.values())) + "".join(files.values())
    assert "secret" not in everything and "root:" not in everything
    assert copy_of(loaded.indexed).name not in everything, "whoever knows the name could search there"
    assert "why?" not in details[slider.worst] and "?tab=search" not in details[slider.worst], "of another graph"


def test_an_engine_is_not_drawn_over_the_numbers_of_the_other(milvus, slider, loaded):
    put(milvus, loaded)
    here = slider.measure_at_ef(10, 40, loaded)[slider.measured]
    there = slider.measure_at_ef(10, 40, loaded, here, MILVUS)
    assert there[slider.record] == there[slider.distances] == ""
    for measured, engine in ((here, MILVUS), (there[slider.measured], IN_PROCESS)):
        assert slider.draw_details(measured, 10, 40, "latency", loaded, engine) == NO_CHANGE
        assert slider.show_distances(measured, 10, 40, loaded, engine) == NO_CHANGE
    assert isinstance(here, LastMeasurement) and (here.engine, there[slider.measured].engine) == (IN_PROCESS, MILVUS)


def test_choosing_milvus_puts_the_vectors_there_with_progress(milvus, tab, slider, loaded, monkeypatch):
    monkeypatch.setattr("ui.jobs.watching.POLL_SECONDS", 0.001)
    engine = tab[0].curves.engine
    assert "not in Milvus yet" in slider.measure_at_ef(10, 40, loaded, None, MILVUS)[slider.cards]
    steps = streamed(tab[0].curves, loaded)
    assert tab[0].curves.token in steps[0], "numbers of another collection go before its vectors are stored"
    notes = [step[engine.note] for step in steps if engine.note in step]
    assert notes[0] == notes[-1] == "" and "To cancel, choose <b>in this process</b>" in notes[1]
    assert slider.measure_at_ef(10, 40, loaded, None, MILVUS)[slider.measured].engine == MILVUS
    again = [step[engine.note] for step in streamed(tab[0].curves, loaded) if engine.note in step]
    assert again == [""], "once"


def test_a_server_that_is_away_costs_only_its_own_numbers(milvus, tab, slider, loaded):
    curves, server = tab[0].curves, milvus.server
    server.away = True
    notes = [step[curves.engine.note] for step in streamed(curves, loaded) if curves.engine.note in step]
    assert "could not be put into Milvus" in notes[-1] and "All that is loaded is kept" in notes[-1]
    assert "cannot be reached" in notes[-1].partition("The reason")[2]
    assert loaded.indexed.measurements.has_curve(10), "that of this process is measured all the same"
    server.away = False
    streamed(curves, loaded)
    last = slider.measure_at_ef(10, 40, loaded, None, MILVUS)[slider.measured]
    server.away = True
    shown = slider.measure_at_ef(10, 41, loaded, last, MILVUS)
    assert "cannot be reached" in shown[slider.cards] and "choose <b>in this process</b>" in shown[slider.cards]
    assert shown[slider.measured] is None and shown[slider.record] == ""
    assert [trace.name for trace in figure_of(shown[slider.figure]).data] == ["exact"], "no point that no longer fits"
    assert slider.measure_at_ef(5, 41, loaded, last, MILVUS)[slider.figure] is None, "nor an axis of another k"
    assert slider.measure_at_ef(10, 41, loaded)[slider.measured].engine == IN_PROCESS
    server.away = False
    assert slider.measure_at_ef(10, 41, loaded, None, MILVUS)[slider.measured].now.hnsw.ef == 41


def test_the_target_is_read_off_the_curve_of_the_chosen_engine_and_advice_says_whose_it_is(milvus, tab, loaded):
    curves, advice = tab[0].curves, tab[0].advice
    assert "In Milvus no curve is measured yet" in curves.answer_target(10, 0.9, loaded, MILVUS)
    streamed(curves, loaded)
    curve = copy_of(loaded.indexed).measurements.known_curve(10)
    target = round(curve[3].mean_recall - 0.005, 2)
    expected = next(step.ef for step in curve if step.mean_recall >= target)
    assert f"In Milvus: ef = {expected} is the smallest" in curves.answer_target(10, target, loaded, MILVUS)
    assert "In Milvus" not in curves.answer_target(10, 0.9, loaded)
    assert "In this process: HNSW reaches" in curves.show_lesson(10, loaded, MILVUS)
    assert "graph in this process" in advice.show_advice(10, 0.9, loaded, MILVUS)
    measured = tab[0].slider.measure_at_ef(10, 40, loaded, None, MILVUS)[tab[0].slider.measured]
    times = advice.show_costs(measured, 10, 40, loaded, MILVUS)[advice.times]
    assert "HNSW in Milvus takes" in times


@pytest.fixture
def putting(milvus, tab, loaded, monkeypatch):
    """The steps of a visitor whose vectors are on their way to Milvus, at k=10, and the job."""
    monkeypatch.setattr("ui.jobs.watching.SILENT_SECONDS", 0.01)
    work = Work(None)
    monkeypatch.setattr(milvus.lab, "put", lambda indexed, progress: work(progress))
    steps = Steps(tab[0].curves.stream_curves(10, loaded, MILVUS))
    next(steps), next(steps)
    assert work.begun.wait(PATIENCE)
    [job] = [job for job in RUNNING if job.kind == KIND]
    yield steps, job
    job.cancel()
    assert job.wait(PATIENCE)


@pytest.mark.parametrize("other", ["engine", "collection"])
def test_vectors_on_their_way_to_milvus_stop_when_their_visitor_wants_anything_else(
    tab, loaded, fake_encoder, putting, other
):
    steps, job = putting
    elsewhere = Session(collection_of(fake_encoder, sentences(5)))
    chosen = {"engine": (loaded, IN_PROCESS), "collection": (elsewhere, MILVUS)}[other]
    token = OWNER.set(Owner("10.0.0.1", "another"))
    try:
        finish(tab[0].curves.want(10, *chosen))
    finally:
        OWNER.reset(token)
    assert "To cancel" in next(steps)[tab[0].curves.engine.note] and not job.cancelled, "another visitor's wish"
    finish(tab[0].curves.want(10, *chosen))
    assert list(steps) == [NO_CHANGE], "nothing is written over what is shown of the new one"
    assert job.wait(PATIENCE) and job.cancelled


def test_vectors_on_their_way_to_milvus_are_of_use_at_another_k_but_not_its_curves(tab, loaded, putting):
    steps, job = putting
    finish(tab[0].curves.want(7, loaded, MILVUS))
    assert "To cancel" in next(steps)[tab[0].curves.engine.note] and not job.cancelled
    job.cancel()
    rest = list(steps)
    assert not [step for step in rest if tab[0].curves.lesson in step] and not loaded.indexed.measurements.has_curve(10)


def test_a_note_of_milvus_goes_with_it(milvus, tab, loaded):
    note = tab[0].curves.engine.note
    milvus.server.away = True
    assert "could not be put" in "".join(str(step.get(note)) for step in streamed(tab[0].curves, loaded))
    assert streamed(tab[0].curves, loaded, IN_PROCESS)[0] == {note: ""}


def test_a_round_trip_that_takes_as_long_as_the_search_is_no_part_of_it(milvus, slider, loaded):
    put(milvus, loaded)
    milvus.server.trip, milvus.server.work = 0.004, 0
    pair = slider.measure_at_ef(10, 40, loaded, None, MILVUS)[slider.measured].now
    pair = replace(pair, round_trip=pair.round_trip + pair.hnsw.p50)
    words = words_of(client_cards(pair))
    assert "of that" not in words and "the rest" not in words and "too short to be told" in words
    figure = figure_of(curve_figure([], pair.exact, milvus=MilvusCurve("", [], pair.hnsw, pair.round_trip_p50)))
    assert "of them" not in figure.layout.meta["sentence"]
    assert "takes the round trip alone" in figure.layout.meta["sentence"]


@pytest.mark.parametrize(
    ("layout", "said"),
    [
        (MilvusLayout("3.2.2", 1, (10_000,)), "Milvus 3.2.2 holds the vectors in 1 segment of 1 shard."),
        (MilvusLayout("2.3.5", 2, (600, 400)), "2 segments of 2 shards. Each has a graph of its own"),
        (
            MilvusLayout("milvus_lite-3.2.2", 1, None),
            "Milvus Lite 3.2.2 holds the vectors in 1 shard; it does not say",
        ),
        (None, "not known just now"),
    ],
)
def test_segments_and_shards_are_said_with_what_they_do_to_ef(layout, said):
    assert said in layout_words(layout)


def test_without_a_server_nothing_of_it_is_there(loaded):
    tab, page = build_tab(build_recall_tab)
    assert tab.slider.engine is None and "engine" not in tab.addressed
    assert not [one for one in page.blocks.values() if isinstance(one, gr.Radio) and one.label == "Engine"]
    [measuring] = [one for one in page.fns.values() if one.name == "measure_at_ef"]
    assert len(measuring.inputs) == 4
    assert tab.slider.measure_at_ef(10, 40, loaded, None, MILVUS)[tab.slider.measured].engine == IN_PROCESS
