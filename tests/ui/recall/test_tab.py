"""The tab as a whole: which listener writes what, the starved graph, and hostile text in every place."""

import gradio as gr
import pytest

from tests.support.handlers import finish
from tests.support.labs import run
from tests.support.page import Elements, assert_harmless
from tests.support.small import HOSTILE, collection_of, sentences
from tests.ui.recall.test_slider import drawn
from ui.recall.tab import starve_graph, take_graph, waiting_note
from ui.render.errors import report_errors
from ui.session import Session


def test_each_place_is_written_by_one_listener_with_one_request_under_way(built, slider):
    listeners = list(built[1].fns.values())
    places = set()
    for name in ("measure_at_ef", "draw_details", "show_costs", "conclude"):
        [writer] = [listener for listener in listeners if listener.name == name]
        assert writer.trigger_mode == "always_last"  # the next request begins when the last one has ended, not before
        assert writer.queue is (name == "conclude")
        places |= {place._id for place in writer.outputs}
        writers = {one.name for one in listeners if set(one.outputs) & set(writer.outputs)}
        if name == "conclude":  # of what it writes, the lesson's place is also that of progress
            writers -= {"stream_curves", "waiting_note"}
        if name != "measure_at_ef":
            assert writers <= {name, "measure_at_ef"}, "which also takes away what was drawn of another collection"
    for shown in (slider.cards, slider.measured):
        assert {one.name for one in listeners if shown in one.outputs} == {"measure_at_ef"}
    assert len(places) == 11, (
        "numbers, what was measured; figure, spread, worst, record; distances, times; lesson, target, advice"
    )
    chained = {one.name: built[1].fns[one.trigger_after].name for one in listeners if one.trigger_after is not None}
    assert (chained["draw_details"], chained["show_costs"]) == ("measure_at_ef", "draw_details")
    asked = [one.name for one in listeners if (slider.token._id, "change") in one.targets]
    assert sorted(asked) == ["conclude", "measure_at_ef"]
    askers = [one for one in listeners if one.name == "stream_curves"]
    assert len(askers) == 2 and all(slider.token in one.outputs for one in askers)
    assert all(one.queue for one in askers), "only these tell the page that a state changed"


def test_starving_takes_a_poor_graph_over_the_same_vectors(indexed):
    overlay = indexed.with_graph(8, 50)
    before = Session(indexed, "key", overlay=overlay)
    session, kept = take_graph(finish(starve_graph(before)), before)
    assert kept is None
    assert session.indexed.retriever.vectors is indexed.retriever.vectors
    assert (session.indexed.settings.M, session.indexed.settings.ef_construction) == (4, 20)
    assert (session.chosen, session.source, session.overlay) == (True, "key", overlay)
    assert indexed.settings.M == 16
    with pytest.raises(gr.Error, match="Nothing is loaded"):
        finish(report_errors(starve_graph)(Session()))
    assert "being made ready" in waiting_note()


def test_hostile_text_stays_text_in_every_place(built, slider, curves, labs, fake_encoder):
    place = dict.fromkeys(("title", "doc_id", "source", "page"), HOSTILE)
    texts, queries = ([f"{HOSTILE} {text}" for text in sentences(n)] for n in (300, 8))
    graph = {"M": 2, "ef_construction": 5, "queries": queries}
    hostile = Session(collection_of(fake_encoder, texts, metadata=[place] * 300, name=HOSTILE, **graph))
    hostile.indexed.measurements.curve(10)
    details = drawn(slider, 10, 10, "latency", hostile)
    figure = details.pop(slider.figure)
    cards, lesson = slider.measure_at_ef(10, 10, hostile)[slider.cards], curves.show_lesson(10, hostile)
    for part in (*details.values(), cards, lesson, *(list(run(lab, 10, 10, hostile))[-1][lab.result] for lab in labs)):
        assert_harmless(part)
    assert Elements(details[slider.worst]).text.count(HOSTILE) > 8
    assert "<img" not in figure.plot
