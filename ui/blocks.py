"""Gradio's Blocks, in which all work for a request is done on behalf of the visitor who sent it."""

import asyncio
import inspect
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, nullcontext
from copy import copy
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from weakref import WeakValueDictionary

import anyio.to_thread
import gradio as gr
from gradio.blocks import Block
from gradio.data_classes import APIInfo, GradioModel

from retriever.turns import LAB, OWNER, Owner

UNCHANGED = gr.skip()
THREADS = 4  # handlers of one visitor that may hold a thread at once; others of theirs wait without one
ONCE = "once-"  # begins the name of the session that a call without a session gets
UNFIT = "A value that was sent is not of the kind that its control has: reload the page, or correct the request."


@dataclass(frozen=True)
class EndpointWords:
    """What programs are told of the endpoints: of each parameter, with an example, and of what an endpoint returns."""

    parameters: Mapping[str, str] = field(default_factory=dict)
    examples: Mapping[str, str] = field(default_factory=dict)
    results: Mapping[str, str] = field(default_factory=dict)


class OwnersThreads:
    """The shares of threads of owners of work: each holds THREADS at once, and waits without one for a further one."""

    def __init__(self) -> None:
        """Start with no thread held."""
        self._shares: WeakValueDictionary[Owner, asyncio.Semaphore] = WeakValueDictionary()

    @asynccontextmanager
    async def one_of_mine(self) -> AsyncIterator[None]:
        """Hold one of the threads of OWNER; their count lives as long as somebody holds one or waits for one."""
        owner = OWNER.get()
        share = self._shares.get(owner)
        if share is None:
            share = self._shares[owner] = asyncio.Semaphore(THREADS)
        async with share:
            yield


class LabBlocks(gr.Blocks):
    """Blocks whose handlers run with OWNER set, so that visitors take turns, and hold only a few threads a visitor."""

    def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - as Gradio declares them
        """Create the Blocks as Gradio does."""
        super().__init__(*args, **options)
        self._threads = OwnersThreads()
        self.words = EndpointWords()

    def get_api_info(self, *args: Any, **options: Any) -> APIInfo:  # noqa: ANN401 - as Gradio declares them
        """Return what programs are told of the endpoints, with the words for parameters and results."""
        info = super().get_api_info(*args, **options)
        for name, endpoint in info["named_endpoints"].items():
            for parameter in endpoint["parameters"]:
                named = parameter["parameter_name"]
                parameter["python_type"]["description"] = self.words.parameters.get(named, "")
                parameter["example_input"] = self.words.examples.get(named, parameter["example_input"])
            words = self.words.results.get(name.removeprefix("/"), "")
            if words:  # the page shows nothing else of what an endpoint returns
                endpoint["description"] = f"{endpoint['description']} It returns {words}"
            for part in endpoint["returns"]:
                part["python_type"]["description"] = words
        return info

    async def preprocess_data(
        self,
        block_fn: Any,  # noqa: ANN401 - as Gradio declares them
        inputs: list[Any],
        state: Any,  # noqa: ANN401
        *args: Any,  # noqa: ANN401
        **options: Any,  # noqa: ANN401
    ) -> Any:  # noqa: ANN401
        """Return the values of a request as the handlers take them; one that no control can have is refused in words.

        A number beyond those of its slider or field, which may be typed, becomes the nearest of them. Components expect
        what their own page sends; NaN, a list or nothing in place of a number is a fault to them.
        """
        parts = zip(block_fn.inputs, inputs, strict=False)
        try:
            inputs = [_nearest(state[part._id] if state and part._id in state else part, sent) for part, sent in parts]
            return await super().preprocess_data(block_fn, inputs, state, *args, **options)
        except gr.Error:
            raise
        except Exception as error:
            raise gr.Error(UNFIT, print_exception=False) from error

    async def process_api(self, block_fn: Any, inputs: list[Any], *args: Any, **options: Any) -> Any:  # noqa: ANN401
        """Process a request as Gradio does; of handlers that take and return plain values, without its conversions.

        In a crowd those took more of the event loop than all else: each output that stays as it was became a new
        component, and each call inspected its handler's signature.
        """
        handler = self.fns[block_fn] if isinstance(block_fn, int) else block_fn
        if handler.api_visibility == "public":
            inputs = _with_defaults(handler, inputs)
        if not _is_plain(handler) or options.get("state") is None:
            return await super().process_api(block_fn, inputs, *args, **options)
        return await self._process_plain(handler, inputs, options["state"], options.get("request"))

    async def _process_plain(
        self,
        handler: Any,  # noqa: ANN401
        inputs: list[Any],
        state: Any,  # noqa: ANN401
        request: gr.Request | None,
    ) -> dict[str, Any]:
        """Call a handler with the values as they were sent, and return its values in the form of Gradio's answers."""
        self.validate_inputs(handler, inputs)
        parts = zip(handler.inputs, inputs, strict=False)
        values = [state[part._id] if part.stateful else sent for part, sent in parts]
        start = time.monotonic()
        async with self._on_behalf_of(request, handler.fn):
            if _holds_a_thread(handler.fn):
                found = await anyio.to_thread.run_sync(handler.fn, *values, limiter=self.limiter)
            else:
                found = await handler.fn(*values)
        seconds = time.monotonic() - start
        return {
            "data": [_sent(part, found, state) for part in handler.outputs],
            "duration": seconds,
            "average_duration": seconds,
            "is_generating": False,
            "iterator": None,
            "render_config": None,
            "changed_state_ids": [],
            "used_cache": None,
        }

    async def postprocess_data(
        self,
        block_fn: Any,  # noqa: ANN401 - as Gradio declares them
        predictions: Any,  # noqa: ANN401
        state: Any,  # noqa: ANN401
    ) -> list[Any]:
        """Return the values of outputs as they are sent.

        Of a dict, Gradio gets only what it must convert: of each output that stays as it was it would make a new
        component, and hand each piece of HTML to a thread.
        """
        if not (isinstance(predictions, dict) and predictions and all(isinstance(key, Block) for key in predictions)):
            return await super().postprocess_data(block_fn, predictions, state)
        known = {part: _as_it_is(part, predictions.get(part, UNCHANGED)) for part in block_fn.outputs}
        left = {part: value for part, value in predictions.items() if known.get(part) is None}
        if left:
            rest = copy(block_fn)
            rest.outputs = [part for part in block_fn.outputs if part in left]
            sent = await super().postprocess_data(rest, left, state)
            known.update(zip(rest.outputs, sent, strict=True))
        return [None if part.stateful else known[part] for part in block_fn.outputs]

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
        async with self._on_behalf_of(requests, block_fn.fn):
            return await super().call_function(block_fn, processed_input, iterator, requests, *args, **options)

    @asynccontextmanager
    async def _on_behalf_of(self, request: gr.Request | None, function: Any) -> AsyncIterator[None]:  # noqa: ANN401
        """Set OWNER to the visitor who sent a request, and hold one of their threads if the function needs one."""
        token = OWNER.set(owner_of(request))
        try:
            async with self._threads.one_of_mine() if _holds_a_thread(function) else nullcontext():
                yield
        finally:
            OWNER.reset(token)


def owner_of(request: gr.Request | None) -> Owner:
    """Return the visitor that a request comes from: the owner of the lab's own work without a request.

    All calls without a session from one address are one visitor's.
    """
    if request is None or request.client is None:
        return LAB
    name = request.session_hash or ""
    return Owner(request.client.host, "" if name.startswith(ONCE) else name)


def _with_defaults(handler: Any, sent: list[Any]) -> list[Any]:  # noqa: ANN401 - Gradio's BlockFunction
    """Return the values of a program that sends them by position, with those that it leaves out at the end."""
    wanted = [part for part in handler.inputs if not part.skip_api]
    if len(sent) >= len(wanted):
        return sent
    values = iter([*sent, *(part.value for part in wanted[len(sent) :])])
    return [None if part.skip_api else next(values) for part in handler.inputs]


def _nearest(part: Any, sent: Any) -> Any:  # noqa: ANN401 - any component and value
    """Return what was sent for a component, of a number the nearest that its slider or field has.

    The empty field of a slider, in which a visitor begins to type, counts as its least number.
    """
    if isinstance(part, gr.Slider) and sent is None:
        return part.minimum
    if not isinstance(part, gr.Slider | gr.Number) or isinstance(sent, bool) or not isinstance(sent, int | float):
        return sent
    low, high = part.minimum, part.maximum
    if low is not None and sent < low:
        return low
    if high is not None and sent > high:
        return high
    return round(sent) if isinstance(part, gr.Slider) and part.step == 1 else sent


def _is_plain(handler: Any) -> bool:  # noqa: ANN401 - Gradio's BlockFunction
    """Return whether a handler takes its values as they were sent and returns them as they are sent (RAW), once."""
    return not (
        handler.preprocess
        or handler.postprocess
        or handler.batch
        or handler.inputs_as_dict
        or inspect.isgeneratorfunction(handler.fn)
        or inspect.isasyncgenfunction(handler.fn)
    )


def _sent(part: gr.components.Component, found: Any, state: Any) -> Any:  # noqa: ANN401
    """Return what is sent for an output: the value that a handler returned, or that of this output in a dict of them.

    The value of a state is kept and not sent.
    """
    by_output = isinstance(found, dict) and all(isinstance(key, Block) for key in found)
    value = found.get(part, UNCHANGED) if by_output else found
    if not part.stateful:
        return value.model_dump() if isinstance(value, GradioModel) else value
    if not (isinstance(value, dict) and value == UNCHANGED):
        state[part._id] = value
    return None


def _as_it_is(part: Block, value: Any) -> Any:  # noqa: ANN401 - any value of an output
    """Return what is sent for an output if nothing has to be converted: it stays, or it is HTML; else None."""
    if isinstance(value, dict) and value == UNCHANGED:
        return UNCHANGED
    return str(value) if isinstance(part, gr.HTML) and isinstance(value, str) else None


def _holds_a_thread(handler: Any) -> bool:  # noqa: ANN401 - any callable
    """Return whether Gradio runs a handler in a thread; the asynchronous ones run on the event loop."""
    function = handler.func if isinstance(handler, partial) else handler
    return not (inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function))
