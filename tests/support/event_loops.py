"""Event loops that Gradio leaves to the garbage collector."""

import gc
import warnings

import pytest


@pytest.fixture(scope="module", autouse=True)
def no_event_loop_is_left():
    """Collect the event loops that Gradio leaves, so that no later test is blamed for them."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
