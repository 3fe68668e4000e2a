"""A page as the browser runs it, without a browser: its values, its events and what follows from them.

Which events fire, with which values, and which are left out or deferred while one runs, is read from the page's own
configuration and done as Gradio's page does it; so a change of the app's events needs no change here.
"""

import asyncio
import contextlib
import json
import random
import re
import string
import time

CONFIG = re.compile(rb"window\.gradio_config = (\{.*?\});</script>", re.DOTALL)
PREFIX = "/gradio_api"


class Screen:
    """One page of one visitor.

    on_shown(component id, value): called for every value that is shown. durations: (name of the event, seconds) of
    every request. failures: what the page would have shown as an error.
    """

    def __init__(self, wire, *, on_shown=None):
        self.wire = wire
        self.session = "".join(random.SystemRandom().choices(string.ascii_lowercase + string.digits, k=11))
        self.on_shown = on_shown or (lambda component, value: None)
        self.failures, self.durations = [], []
        self._running, self._deferred, self._tasks, self._news = set(), set(), set(), {}
        self._stream, self._changed, self._background = None, asyncio.Event(), []

    # --- what the page is made of

    async def open(self):
        """Fetch the page, fire the events of a page that is loaded, and stay connected."""
        page = await self.wire.request("GET", "/")
        found = CONFIG.search(page.body)
        if page.status != 200 or not found:
            raise ConnectionError(f"the page was answered with {page.status} and holds no configuration")
        config = json.loads(found.group(1))
        self.components = {component["id"]: component for component in config["components"]}
        self.values = {number: component["props"].get("value") for number, component in self.components.items()}
        # without those that the browser serves by a script alone
        self.events = {event["id"]: event for event in config["dependencies"] if event["backend_fn"]}
        self._background.append(asyncio.create_task(self._beat()))
        for event in self.events.values():
            if any(name == "load" for _, name in event["targets"]):
                self.start(event, None)
        for number, component in self.components.items():
            if component["type"] == "timer":
                self._background.append(asyncio.create_task(self._tick(number)))

    def find(self, kind, **wanted):
        """Return the number of the one component of a type with these properties. Raises LookupError otherwise."""
        found = [
            number
            for number, component in self.components.items()
            if component["type"] == kind and all(component["props"].get(key) == value for key, value in wanted.items())
        ]
        if len(found) != 1:
            raise LookupError(f"The page has {len(found)} components of type {kind} with {wanted}; wanted one.")
        return found[0]

    def listeners(self, component, name):
        """Return the events that fire when this happens to a component. Raises LookupError if there are none."""
        found = [event for event in self.events.values() if [component, name] in event["targets"]]
        if not found:
            raise LookupError(f"Nothing listens to {name} of component {component}.")
        return found

    def chain(self, event):
        """Return an event and all events that follow it by then and success."""
        followers = [other for other in self.events.values() if other["trigger_after"] == event["id"]]
        return [event, *(found for follower in followers for found in self.chain(follower))]

    # --- what happens on it

    def fire(self, component, name):
        """Do what the page does when this happens to a component; return the tasks that run because of it."""
        return [self.start(event, component) for event in self.listeners(component, name)]

    @property
    def busy(self):
        """Whether an answer is still awaited."""
        return bool(self._tasks)

    async def until(self, condition, seconds=120):
        """Wait until a condition holds; it is checked whenever something was shown or has ended."""
        async with asyncio.timeout(seconds):
            while not condition():
                await self._changed.wait()

    async def close(self):
        """Close the page and its connections."""
        tasks = [*self._background, *self._tasks, *([self._stream] if self._stream else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.wire.close()

    # --- as Gradio's page does it

    def start(self, event, trigger):
        """Run an event as the page does; return the task that runs it, or None if it is not run now."""
        number = event["id"]
        if number in self._running:
            if event["trigger_mode"] == "always_last":
                self._deferred.add(number)
            if event["trigger_mode"] != "multiple":
                return None
        self._running.add(number)
        task = asyncio.create_task(self._run(event, trigger))
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task):
        self._tasks.discard(task)
        self._tell()
        if not task.cancelled() and task.exception():
            self.failures.append(("the page", repr(task.exception())))

    def _tell(self):
        self._changed.set()
        self._changed = asyncio.Event()

    async def _run(self, event, trigger):
        """Send an event, show its outputs, and fire the events that follow; return the last output's data, or None."""
        data = [None if self.components[part]["type"] == "state" else self.values[part] for part in event["inputs"]]
        body = {"data": data, "event_data": None, "fn_index": event["id"], "trigger_id": trigger}
        start, result = time.perf_counter(), None
        try:
            async for output in self._answers(event, json.dumps(body | {"session_hash": self.session}).encode()):
                result = output
                self._show(event["outputs"], output["data"])
                for state in output.get("changed_state_ids") or []:
                    for other in self.events.values():
                        if [state, "change"] in other["targets"]:
                            self.start(other, state)
        except (ConnectionError, TimeoutError, LookupError, OSError) as error:
            result = None
            self.failures.append((event["api_name"] or str(event["id"]), f"{type(error).__name__}: {error}"))
        self.durations.append((event["api_name"], time.perf_counter() - start))
        self._running.discard(event["id"])
        for other in self.events.values():
            unwanted = other.get("trigger_only_on_success") if result is None else other.get("trigger_only_on_failure")
            if other["trigger_after"] == event["id"] and not unwanted:
                self.start(other, trigger)
        if event["id"] in self._deferred:
            self._deferred.discard(event["id"])
            self.start(event, trigger)
        return result["data"] if result else None

    async def _answers(self, event, body):
        """Yield the outputs of an event, sent in one request or through Gradio's queue."""
        if not event["queue"]:
            answer = await self.wire.request("POST", f"{PREFIX}/run/predict", body)
            yield _checked(answer.status, answer.body)
            return
        answer = await self.wire.request("POST", f"{PREFIX}/queue/join?", body)
        number = _checked(answer.status, answer.body)["event_id"]
        news = self._news.setdefault(number, asyncio.Queue())
        if self._stream is None or self._stream.done():
            self._stream = asyncio.create_task(self._listen())
        whole = None
        try:
            while True:
                message = await news.get()
                if message["msg"] == "unexpected_error":
                    raise ConnectionError(message.get("message"))
                if message["msg"] not in ("process_generating", "process_completed"):
                    continue
                output, ended = message["output"], message["msg"] == "process_completed"
                if not message["success"]:
                    raise ConnectionError(output.get("error"))
                if not ended and whole is not None:
                    output["data"] = [changed(old, parts) for old, parts in zip(whole, output["data"], strict=True)]
                whole = output["data"]
                yield output
                if ended:
                    return
        finally:
            self._news.pop(number, None)

    async def _listen(self):
        """Pass the queue's messages to the events they are for; the server ends the stream when none is left."""
        while self._news:
            async for line in self.wire.lines(f"{PREFIX}/queue/data?session_hash={self.session}"):
                if not line.startswith(b"data: "):
                    continue
                message = json.loads(line[6:])
                if message["msg"] == "close_stream":
                    break
                if message["msg"] == "unexpected_error":
                    for news in self._news.values():
                        news.put_nowait(message)
                elif number := message.get("event_id"):
                    self._news.setdefault(number, asyncio.Queue()).put_nowait(message)

    def _show(self, places, data):
        for place, value in zip(places, data, strict=False):
            if isinstance(value, dict) and value.get("__type__") == "update":
                self.components[place]["props"].update(value)
                if "value" not in value:
                    continue
                value = value["value"]
            if self.components[place]["type"] != "state":
                self.values[place] = value
                self.on_shown(place, value)
        self._tell()

    async def _beat(self):
        with contextlib.suppress(ConnectionError):
            async for _ in self.wire.lines(f"{PREFIX}/heartbeat/{self.session}"):
                pass
        self.failures.append(("the page", "the connection was lost"))

    async def _tick(self, timer):
        while True:
            await asyncio.sleep(self.components[timer]["props"]["value"])
            if self.components[timer]["props"].get("active", True):
                self.fire(timer, "tick")


def changed(old, parts):
    """Return a generator's previous output with the changes that Gradio sends in place of the whole."""
    for action, path, value in parts:
        if not path:
            old = value if action == "replace" else old + value
            continue
        holder = old
        for step in path[:-1]:
            holder = holder[step]
        if action == "append":
            holder[path[-1]] += value
        elif action == "delete":
            del holder[path[-1]]
        elif action == "add" and isinstance(holder, list):
            holder.insert(int(path[-1]), value)
        else:
            holder[path[-1]] = value
    return old


def _checked(status, body):
    """Return the content of an answer. Raises ConnectionError for what the page would show as an error."""
    try:
        content = json.loads(body)
    except ValueError:
        content = {}
    if status != 200:
        raise ConnectionError(f"{status}: {content.get('error') or content.get('detail') or body[:200]!r}")
    return content
