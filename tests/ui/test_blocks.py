"""Blocks: whom a handler works for, and how many handlers of one visitor hold a thread."""

import asyncio
import gc
import json
import threading
import warnings
from types import SimpleNamespace

import gradio as gr
import pytest
from gradio.state_holder import SessionState

from retriever.turns import LAB, OWNER, Owner
from ui.blocks import ONCE, THREADS, LabBlocks, owner_of
from ui.gate.states import LabSessionState
from ui.render.controls import RAW
from ui.render.figures import plot


def request_of(visitor, address="school"):
    return SimpleNamespace(client=SimpleNamespace(host=address), session_hash=visitor)


class Page:
    """A page whose handlers wait until they are released, one in a thread and one on the event loop."""

    def __init__(self):
        self.inside, self.most, self.released, self.lock = {}, {}, threading.Event(), threading.Lock()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)  # Gradio leaves an event loop to the garbage collector
            with LabBlocks() as self.demo:
                for handler in (self.in_thread, self.on_loop):
                    gr.Button().click(handler, None, None)
            gc.collect()

    def count(self, step):
        visitor = OWNER.get().visitor
        with self.lock:
            self.inside[visitor] = self.inside.get(visitor, 0) + step
            self.most[visitor] = max(self.most.get(visitor, 0), self.inside[visitor])

    def in_thread(self):
        self.count(1)
        self.released.wait(10)
        self.count(-1)

    async def on_loop(self):
        self.count(1)
        while not self.released.is_set():
            await asyncio.sleep(0.01)
        self.count(-1)

    def run(self, number, visitors):
        """Call a handler for these visitors, all at once; release them a moment later."""

        async def run():
            handler = self.demo.fns[number]
            calls = [self.demo.call_function(handler, [], None, request_of(visitor)) for visitor in visitors]
            together = asyncio.gather(*calls)
            await asyncio.sleep(0.3)
            self.released.set()
            await together

        asyncio.run(run())


@pytest.fixture
def page():
    yield Page()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def test_one_visitor_holds_a_few_threads_and_another_one_of_their_own(page):
    page.run(0, ["greedy"] * (3 * THREADS) + ["modest"])
    assert page.most == {"greedy": THREADS, "modest": 1} and not any(page.inside.values())


def test_handlers_that_hold_no_thread_all_run(page):
    page.run(1, ["greedy"] * (3 * THREADS))
    assert page.most == {"greedy": 3 * THREADS}


def answers_of(blocks, options):
    """Return what a page answers to a handler that changes some outputs, and to one that changes none."""
    with blocks() as demo:
        number, shown, same, kept = gr.Slider(), gr.HTML(), gr.HTML(), gr.State(5)
        drawn = gr.Plot()

        def add(value, before):
            return {shown: f"{value}+{before}", kept: before + 1, drawn: plot([], {"height": value})}

        def leave(value):
            return gr.skip()

        number.input(add, [number, kept], [shown, same, kept, drawn], **options)
        number.input(leave, number, shown, **options)
    state = LabSessionState(demo) if blocks is LabBlocks else SessionState(demo)
    events = [(0, 3), (0, 4), (1, 3)]
    found = [asyncio.run(demo.process_api(event, [value, None], state=state))["data"] for event, value in events]
    for answer in found:  # Gradio sends the mark of an update a second time, as a property that no template uses
        for value in answer:
            if isinstance(value, dict):
                value.pop("props", None)
    return found, state[kept._id]


@pytest.mark.parametrize("options", [RAW, {}], ids=["raw", "converted"])
def test_values_are_answered_as_gradio_answers_them(options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        ours, gradios = answers_of(LabBlocks, options), answers_of(gr.Blocks, options)
        gc.collect()
    assert ours == gradios
    assert ours[1] == 7 and ours[0][1][:3] == ["4+6", gr.skip(), None] and json.loads(ours[0][1][3]["plot"])["layout"]


@pytest.mark.parametrize(
    ("request_", "owner"),
    [
        (None, LAB),
        (request_of("mine"), Owner("school", "mine")),
        (request_of(None), Owner("school", "")),
        (request_of(f"{ONCE}0123"), Owner("school", "")),
    ],
)
def test_calls_without_a_session_are_one_visitors(request_, owner):
    assert owner_of(request_) == owner
