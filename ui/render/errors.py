"""Errors of handlers -> messages on the page: what happened, what to do, and that nothing was lost."""

import functools
import html
import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing, contextmanager
from typing import ParamSpec, TypeVar, cast

import gradio as gr

from retriever.errors import RetrieverError, shortage
from ui.log import log_failure

Arguments = ParamSpec("Arguments")
Returned = TypeVar("Returned")
Stream = TypeVar("Stream", bound=Iterator[object] | AsyncIterator[object])


def to_gradio_error(error: RetrieverError) -> gr.Error:
    """Return an error as a message on the page, escaped: text from files may contain markup."""
    message = html.escape(expected_words(error), quote=False)
    return gr.Error(f"{message} Nothing that was loaded is lost.", duration=15, print_exception=False)


def expected_words(error: RetrieverError) -> str:
    """Return what an error says; if the machine has run out of anything, its operator has to know, and it is logged."""
    if shortage(error):
        log_failure("shortage", error)
    return str(error)


def unexpected_error(error: Exception, handler: str) -> gr.Error:
    """Log an error that no handler expects, and return a message that quotes none of it."""
    words = unexpected_words(error, handler)
    if shortage(error):
        return to_gradio_error(RetrieverError(words))
    return gr.Error(f"{words} Nothing that was loaded is lost: try again.", duration=15, print_exception=False)


def unexpected_words(error: Exception, handler: str) -> str:
    """Log an error that no handler expects, and return what happened, without its words.

    It is a fault of the lab, or the machine has run out of disk, memory or files.
    """
    log_failure("fault", error, handler=handler)
    if lacking := shortage(error):
        return f"This cannot be done now: {lacking}. Try again in some minutes."
    return f"Something went wrong in the lab itself ({type(error).__name__}), and its operator finds it in the log."


@contextmanager
def _errors_on_page(handler: Callable[..., object]) -> Iterator[None]:
    """Raise what a handler raises as a message on the page; a message is raised as it is."""
    try:
        yield
    except gr.Error:
        raise
    except RetrieverError as error:
        raise to_gradio_error(error) from error
    except Exception as error:
        function = handler.func if isinstance(handler, functools.partial) else handler
        raise unexpected_error(error, function.__name__) from None


def report_errors(handler: Callable[Arguments, Returned]) -> Callable[Arguments, Returned]:
    """Wrap a handler, async or not, so that an error becomes a message on the page and every output stays as it was."""

    @functools.wraps(handler)
    def wrapped(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Returned:
        with _errors_on_page(handler):
            return handler(*args, **kwargs)

    @functools.wraps(handler)
    async def awaited(*args: Arguments.args, **kwargs: Arguments.kwargs) -> object:
        with _errors_on_page(handler):
            return await cast("Awaitable[object]", handler(*args, **kwargs))

    return cast("Callable[Arguments, Returned]", awaited) if inspect.iscoroutinefunction(handler) else wrapped


def report_stream_errors(handler: Callable[Arguments, Stream]) -> Callable[Arguments, Stream]:
    """Wrap a handler that yields, async or not, as report_errors does one that returns."""

    @functools.wraps(handler)
    def wrapped(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Iterator[object]:
        with _errors_on_page(handler):
            yield from cast("Iterator[object]", handler(*args, **kwargs))

    @functools.wraps(handler)
    async def streamed(*args: Arguments.args, **kwargs: Arguments.kwargs) -> AsyncIterator[object]:
        with _errors_on_page(handler):
            async with aclosing(cast("AsyncGenerator[object, None]", handler(*args, **kwargs))) as steps:
                async for step in steps:
                    yield step

    return cast("Callable[Arguments, Stream]", streamed if inspect.isasyncgenfunction(handler) else wrapped)
