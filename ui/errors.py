"""RetrieverError -> gr.Error: what happened, what to do, and that nothing was lost."""

import functools
import html
from collections.abc import Callable, Iterator
from typing import ParamSpec, TypeVar

import gradio as gr

from retriever.errors import RetrieverError

Values = ParamSpec("Values")
Result = TypeVar("Result")


def as_gradio_error(error: RetrieverError) -> gr.Error:
    """Return the error as a message on the page; text from files is escaped, it may hold markup."""
    message = html.escape(str(error), quote=False)
    return gr.Error(f"{message} Nothing that was loaded is lost.", duration=15, print_exception=False)


def shown(handler: Callable[Values, Result]) -> Callable[Values, Result]:
    """Wrap a handler so that a RetrieverError becomes a message on the page and every output stays as it was."""

    @functools.wraps(handler)
    def wrapped(*args: Values.args, **kwargs: Values.kwargs) -> Result:
        try:
            return handler(*args, **kwargs)
        except RetrieverError as error:
            raise as_gradio_error(error) from error

    return wrapped


def shown_steps(handler: Callable[Values, Iterator[Result]]) -> Callable[Values, Iterator[Result]]:
    """Wrap a handler that yields, like shown."""

    @functools.wraps(handler)
    def wrapped(*args: Values.args, **kwargs: Values.kwargs) -> Iterator[Result]:
        try:
            yield from handler(*args, **kwargs)
        except RetrieverError as error:
            raise as_gradio_error(error) from error

    return wrapped
