"""What the tests of the Recall against latency tab share: the tab and its labs."""

import gradio as gr
import pytest

from tests.support.page import build_tab
from ui.recall.labs.panel import build_lab_panel
from ui.recall.tab import build_recall_tab


@pytest.fixture(scope="module")
def built():
    """The tab, and the page it is in."""
    return build_tab(build_recall_tab)


@pytest.fixture(scope="module")
def slider(built):
    return built[0].slider


@pytest.fixture(scope="module")
def curves(built):
    return built[0].curves


@pytest.fixture(scope="module")
def labs():
    """The build lab, the size lab and the shard lab."""
    return build_tab(lambda session: build_lab_panel(session, gr.Slider(), gr.Slider()))[0]
