"""Async handlers in tests that are not: awaited to their end, or one step after the other."""

import asyncio
import functools
import threading

PATIENCE = 60  # seconds until a test gives up on a handler
END = object()


@functools.cache
def _loop():
    """Return an event loop that runs in a thread of its own, as that of the server does."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="handlers", daemon=True).start()
    return loop


def finish(handler):
    """Return what a coroutine returns, or raise what it raises."""
    return asyncio.run_coroutine_threadsafe(handler, _loop()).result(PATIENCE)


class Steps:
    """The steps of an async generator as an iterator."""

    def __init__(self, generator):
        self.generator = generator

    def __iter__(self):
        return self

    def __next__(self):
        step = finish(self._next())
        if step is END:
            raise StopIteration
        return step

    def close(self):
        """Close the generator, as Gradio does when a visitor leaves."""
        finish(self.generator.aclose())

    async def _next(self):
        return await anext(self.generator, END)
