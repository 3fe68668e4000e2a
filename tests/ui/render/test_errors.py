"""Tests of error messages on the page: escaped, without a visitor's words, and nothing is lost."""

import errno
import inspect
from functools import partial

import gradio as gr
import pytest

from retriever.errors import DocumentError
from tests.support.handlers import Steps, finish
from tests.support.hostile_text import HOSTILE, assert_shown_as_text
from ui.render.errors import report_errors, report_stream_errors
from ui.render.html import writable_text


class Handlers:
    """Handlers of every sort that raise an error."""

    def __init__(self, error):
        self.error = error

    def answer(self, question, session):
        raise self.error

    async def answer_later(self, question, session):
        raise self.error

    def stream(self, question, session):
        yield "progress"
        raise self.error

    async def stream_later(self, question, session):
        yield "progress"
        raise self.error


def run(handler, told):
    """Run a handler as Gradio does, by what it is; told: the steps that it yields."""
    called = handler("tea", session=None)
    if inspect.iscoroutinefunction(handler):
        return finish(called)
    told += Steps(called) if inspect.isasyncgenfunction(handler) else called
    return told


@pytest.mark.parametrize("name", ["answer", "answer_later", "stream", "stream_later"])
@pytest.mark.parametrize("bound", [False, True], ids=["method", "partial"])
def test_handlers_of_every_sort_report_their_errors_and_keep_their_parameters(name, bound):
    handler, told = getattr(Handlers(DocumentError("It is empty.")), name), []
    wrap = report_stream_errors if "stream" in name else report_errors
    wrapped = wrap(partial(handler) if bound else handler)
    assert list(inspect.signature(wrapped).parameters) == ["question", "session"]
    with pytest.raises(gr.Error, match=r"^'It is empty\. Nothing that was loaded is lost\.'$"):
        run(wrapped, told)
    assert told == (["progress"] if "stream" in name else [])


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
