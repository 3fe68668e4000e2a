"""What the controls of several tabs share."""

import gradio as gr
import pytest

from ui.render.controls import keep_ef_above_k


@pytest.mark.parametrize(("k", "ef"), [(25, 25), (5, 10)])
def test_the_ef_slider_begins_at_k_and_stays_where_it_can(k, ef):
    assert keep_ef_above_k(float(k), 10.0) == gr.update(minimum=k, value=ef)
