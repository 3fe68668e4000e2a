"""Tests of error messages on the page: escaped, without a visitor's words, and nothing is lost."""

import errno

import gradio as gr
import pytest

from retriever.errors import DocumentError
from tests.support.hostile_text import HOSTILE, assert_shown_as_text
from ui.render.errors import report_errors
from ui.render.html import writable_text


def shown(error):
    """Return the message on the page after a handler raised an error."""

    def fail():
        raise error

    with pytest.raises(gr.Error) as raised:
        report_errors(fail)()
    return raised.value


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
def test_a_text_in_a_message_is_shown_as_text(hostile):
    assert_shown_as_text(lambda given: shown(DocumentError(f"{writable_text(given)} is empty.")).message, hostile)


def test_every_message_says_that_nothing_is_lost_and_a_fault_of_the_lab_quotes_nothing():
    assert shown(DocumentError("It is empty.")).message == "It is empty. Nothing that was loaded is lost."
    fault = shown(ZeroDivisionError("a visitor's words"))
    assert "ZeroDivisionError" in fault.message and "Nothing that was loaded is lost" in fault.message
    assert "words" not in fault.message and not fault.print_exception
    lacking = shown(OSError(errno.ENOSPC, "a visitor's words"))
    assert lacking.message.startswith("This cannot be done now: the disk is full. Try again")
    assert "not enough memory" in shown(MemoryError("a visitor's words")).message
    assert "too many threads" in shown(RuntimeError("can't start new thread")).message
    as_it_is = gr.Error("A message.")
    assert shown(as_it_is) is as_it_is
