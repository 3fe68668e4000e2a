"""What Gradio keeps of a session: events, unread answers and states. The one place that knows Gradio's internals."""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from functools import cached_property
from typing import Any

import gradio as gr

from ui.gate.counting import counted
from ui.gate.refusals import Refusal
from ui.jobs.job import cancel_jobs_of

MAX_UNFINISHED = 24  # events of one session that wait or run; the page has a dozen after a build, and more when busy
MAX_UNREAD = 150  # messages that a session may leave unread; an event has at least three
UNREAD_SECONDS = 60.0  # seconds that answers are kept for a session that reads none


class Sessions:
    """The sessions of one page, by name."""

    def __init__(self, demo: gr.Blocks, clock: Callable[[], float] = time.monotonic) -> None:
        """Store the page; clock: returns seconds."""
        self.demo, self._clock = demo, clock
        self._readers: Counter[str] = Counter()  # open streams of answers, by session
        self._unread_since: dict[str, float] = {}  # when a session was first seen to have answers and no reader

    @property
    def _queue(self) -> Any:  # noqa: ANN401 - Gradio's Queue
        return self.demo._queue

    @property
    def _holder(self) -> Any:  # noqa: ANN401 - Gradio's StateHolder
        return self.demo.state_holder

    @property
    def names(self) -> set[str]:
        """The names of all sessions of which anything is kept."""
        queue = self._queue
        kept = {*queue.pending_event_ids_session, *queue.pending_messages_per_session, *self._holder.session_data}
        return {str(name) for name in kept}

    @property
    def unfinished(self) -> int:
        """The number of events of all sessions that wait or run."""
        return len(self._queue.event_ids_to_events)

    def is_busy(self, name: str) -> bool:
        """Return whether a session has as much under way, or unread, as one may have."""
        messages = self._queue.pending_messages_per_session.get(name)
        return len(self._events_of(name)) >= MAX_UNFINISHED or (messages is not None and messages.qsize() >= MAX_UNREAD)

    def awaits_answers(self, name: str) -> bool:
        """Return whether a session has events that are not answered, or answers that are not read."""
        return bool(self._queue.pending_event_ids_session.get(name))

    def waiting_characters(self, name: str) -> int:
        """Return the length of the texts in a session's unfinished events."""
        values = [value for event in self._events_of(name) if event.data for value in event.data.data or ()]
        return sum(len(value) for value in values if isinstance(value, str))

    def _events_of(self, name: str) -> list[Any]:
        """Return a session's events that wait or run."""
        return [event for event in list(self._queue.event_ids_to_events.values()) if event.session_hash == name]

    def of_event(self, event_id: str) -> str | None:
        """Return the session whose answer an event is, as long as it was not read; else None."""
        event = self._queue.event_ids_to_events.get(event_id)
        if event is not None:
            return str(event.session_hash)
        pending = list(self._queue.pending_event_ids_session.items())
        return next((name for name, ids in pending if event_id in ids), None)

    def values_in_order(self, endpoint: str, named: Mapping[str, Any]) -> list[Any]:
        """Return the values that a program gives a public endpoint by name in their order, with the usual ones.

        Raises Refusal if there is no such endpoint, for a name that it does not have, and without one that it needs.
        """
        if endpoint not in self._parameters:
            known = ", ".join(self._parameters)
            raise Refusal(404, "unknown route", f"There is no endpoint {endpoint}; the endpoints are: {known}.")
        parameters = {str(each["parameter_name"]): each for each in self._parameters[endpoint]}
        needed = {name for name, each in parameters.items() if not each["parameter_has_default"]}
        if wrong := [*(set(named) - set(parameters)), *(needed - set(named))]:
            what = "has no" if wrong[0] in named else "needs the"
            words = f"{endpoint} {what} parameter {wrong[0][:40]}; its parameters are: {', '.join(parameters)}."
            raise Refusal(400, "parameter", words)
        return [named.get(name, each.get("parameter_default")) for name, each in parameters.items()]

    @cached_property
    def _parameters(self) -> dict[str, list[Any]]:
        """The parameters of each public endpoint, which do not change."""
        endpoints = self.demo.get_api_info()["named_endpoints"]
        return {name.removeprefix("/"): list(endpoint["parameters"]) for name, endpoint in endpoints.items()}

    def reading(self, name: str) -> AbstractContextManager[None]:
        """Count a stream of answers of a session as long as it is open."""
        return counted(self._readers, name)

    async def drop_unread(self) -> None:
        """Delete the answers that nobody has come to read for UNREAD_SECONDS, and end the events that make more."""
        kept = list(self._queue.pending_messages_per_session.items())
        unread = {str(name) for name, messages in kept if messages.qsize() and not self._readers[name]}
        now = self._clock()
        self._unread_since = {name: self._unread_since.get(name, now) for name in unread}
        for name in [name for name, since in self._unread_since.items() if now - since >= UNREAD_SECONDS]:
            await self._end_events(name)

    async def forget(self, name: str) -> None:
        """Delete all that is kept of a session, and end what it asked for."""
        cancel_jobs_of(name)
        await self._end_events(name)
        self._holder.session_data.pop(name, None)
        self._holder.time_last_used.pop(name, None)

    async def _end_events(self, name: str) -> None:
        """End the events of a session that wait or run, and delete their answers."""
        queue = self._queue
        await queue.clean_events(session_hash=name)
        for task in list(queue._asyncio_tasks):
            if task.get_name().startswith(f"{name}_"):  # as Gradio names the tasks of events
                task.cancel()
        for event_id in queue.pending_event_ids_session.pop(name, ()):
            queue.event_analytics.pop(event_id, None)
        queue.pending_messages_per_session.pop(name, None)
