"""The colours of all figures."""

from ui.render.figures import EXACT_COLOUR, HNSW_COLOUR, MISSED_COLOUR, MODEL_COLOURS


def test_colours_are_okabe_and_itos():
    assert (EXACT_COLOUR, HNSW_COLOUR, MISSED_COLOUR) == ("#0072B2", "#E69F00", "#D55E00")
    assert MODEL_COLOURS[:2] == ("#009E73", "#CC79A7")
    assert len(set(MODEL_COLOURS)) == 4
