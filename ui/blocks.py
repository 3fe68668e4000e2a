"""Gradio's Blocks, in which all work for a request is done on behalf of the visitor who sent it."""

import asyncio
import inspect
from contextlib import nullcontext
from functools import partial
from typing import Any
from weakref import WeakValueDictionary

import gradio as gr

from retriever.turns import LAB, OWNER, Owner

THREADS = 4  # handlers of one visitor that may hold a thread at once; others of theirs wait without one
ONCE = "once-"  # begins the name of the session that a call without a session gets
UNFIT = "A value that was sent is not of the kind that its control has: reload the page, or correct the request."


class LabBlocks(gr.Blocks):
    """Blocks whose handlers run with OWNER set, so that visitors take turns, and hold only a few threads a visitor."""

    def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - as Gradio declares them
        """Create the Blocks as Gradio does."""
        super().__init__(*args, **options)
        self._threads: WeakValueDictionary[Owner, asyncio.Semaphore] = WeakValueDictionary()

    async def preprocess_data(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401
        """Return the values of a request as the handlers take them; one that no control can have is refused in words.

        Components expect what their own page sends; NaN, a list or nothing in place of a number is a fault to them.
        """
        try:
            return await super().preprocess_data(*args, **options)
        except gr.Error:
            raise
        except Exception as error:
            raise gr.Error(UNFIT, print_exception=False) from error

    async def call_function(
        self,
        block_fn: Any,  # noqa: ANN401 - as Gradio declares them
        processed_input: list[Any],
        iterator: Any = None,  # noqa: ANN401
        requests: Any = None,  # noqa: ANN401
        *args: Any,  # noqa: ANN401
        **options: Any,  # noqa: ANN401
    ) -> Any:  # noqa: ANN401
        """Call a handler as Gradio does, with OWNER set for it and for the jobs that it starts."""
        owner = owner_of(requests)
        token = OWNER.set(owner)
        try:
            async with self._thread_of(owner) if _holds_a_thread(block_fn.fn) else nullcontext():
                return await super().call_function(block_fn, processed_input, iterator, requests, *args, **options)
        finally:
            OWNER.reset(token)

    def _thread_of(self, owner: Owner) -> asyncio.Semaphore:
        """Return the semaphore of a visitor's threads, which lives as long as somebody holds it or waits for it."""
        semaphore = self._threads.get(owner)
        if semaphore is None:
            semaphore = self._threads[owner] = asyncio.Semaphore(THREADS)
        return semaphore


def owner_of(request: gr.Request | None) -> Owner:
    """Return the visitor that a request comes from: the owner of the lab's own work without a request.

    All calls without a session from one address are one visitor's.
    """
    if request is None or request.client is None:
        return LAB
    name = request.session_hash or ""
    return Owner(request.client.host, "" if name.startswith(ONCE) else name)


def _holds_a_thread(handler: Any) -> bool:  # noqa: ANN401 - any callable
    """Return whether Gradio runs a handler in a thread; the asynchronous ones run on the event loop."""
    function = handler.func if isinstance(handler, partial) else handler
    return not (inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function))
