"""Ranges, presets and rules that the controls of several tabs share."""

from collections.abc import Callable, Mapping, Sequence, Set
from functools import partial
from typing import Any

import gradio as gr
from gradio.blocks import Block

from retriever.measurement.recommendation import RICH_GRAPH as RICH_GRAPH
from ui.inputs import SLIDER_MAX_EF as SLIDER_MAX_EF
from ui.inputs import SLIDER_MAX_K as SLIDER_MAX_K
from ui.inputs import SearchSettings
from ui.render.html import Html

Values = Mapping[Any, Any]  # component -> its value; what a handler receives whose inputs are a set
Updates = dict[Any, Any]  # component -> its new value; what a handler with several outputs returns
NO_CHANGE: Updates = gr.skip()

FIRST_K = FIRST_EF = 10
DEFAULT_GRAPH, STARVED_GRAPH = (16, 200), (4, 20)  # M, ef_construction
GRAPH_PRESETS = {"default 16/200": DEFAULT_GRAPH, "starved 4/20": STARVED_GRAPH, "rich 32/400": RICH_GRAPH}

# Options of listeners: without a limit of its own one serves all visitors at once, and private ones are no endpoints.
HIDDEN: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "concurrency_limit": None}
UNQUEUED = HIDDEN | {"queue": False}
LATEST = HIDDEN | {"trigger_mode": "always_last"}  # one request under way, and after it the newest values
LATEST_UNQUEUED = LATEST | {"queue": False}
# One request each time. Of the listeners to one event of a component only one may be LATEST: where two are under way,
# the end of each makes Gradio's page repeat the whole event for the sake of the other, for ever.
EACH = HIDDEN | {"trigger_mode": "multiple"}
# Where a handler sets several controls, Gradio's page tells of each before it has set the next, and asks at once: an
# answer to half of the change may come last. So the page sets all of them before it asks.
SETTLED = "() => new Promise((done) => setTimeout(done, 20))"
# For what is often called and checks its own inputs: Gradio converts each input and output in a thread of its own,
# which in a crowd takes longer than the handler. Values arrive as they were sent, and figures must be ready to be sent.
RAW = {"preprocess": False, "postprocess": False}


def note_uploads(files: Sequence[gr.File], note: Html, shown: gr.HTML) -> None:
    """Show a note when a file was uploaded; its event names the file, so that it is kept while the page is open."""
    for file in files:
        file.upload(partial(_first, note), file, shown, **UNQUEUED | RAW)


def _first(note: Html, uploaded: object) -> Html:
    """Return the note, whatever was uploaded."""
    return note


def when_settled(
    triggers: Sequence[Any], handler: Callable[..., Any], inputs: Set[Block], outputs: Sequence[Block]
) -> None:
    """Call a handler after controls have changed, once all that changes together has."""
    settled = gr.on(triggers, None, None, None, js=SETTLED, **HIDDEN)
    settled.then(handler, inputs, outputs, **LATEST)


def keep_ef_above_k(k: float, ef: float) -> dict[str, Any]:
    """Set the ef slider's minimum to k: hnswlib searches with max(ef, k), so smaller values would do nothing."""
    settings = SearchSettings.nearest(k, ef)
    return gr.update(minimum=settings.k, value=settings.ef)
