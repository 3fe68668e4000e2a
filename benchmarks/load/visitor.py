"""A visitor of the load test, who arrives, moves ef, asks questions, builds collections, and notes all answers."""

import asyncio
import json
import random
import re
import time
import uuid
import zlib

from benchmarks.load.notes import Found, record_of, seconds_of
from benchmarks.load.screen import PREFIX, Screen
from benchmarks.load.wire import Wire
from tests.support.small import WORDS

K = 10
EFS = (*range(10, 100, 2), *range(100, 401, 5))  # many, so that hardly two visitors request the same at the same time
SEARCHED = ((10, 10), (10, 40), (5, 20))  # k and ef of the questions
QUESTIONS = (
    "how do I round the numbers of an array?",
    "read a table from a file",
    "solve a system of linear equations",
    "draw random numbers from a normal distribution",
    "nearest neighbours of a point",
    "join two tables by a column",
    "find the shortest path between two nodes",
    "parse a date that is written as text",
    "train a model that sorts mails into spam and not spam",
    "the derivative of an expression",
)
MARKER = re.compile(r"owner\d+x\d+")
BUILDS = (  # sentences, model, how the text comes
    (400, "wordllama-256", "paste"),
    (300, "all-MiniLM-L6-v2", "paste"),
    (3_000, "wordllama-256", "upload"),
    (1_000, "all-MiniLM-L6-v2", "upload"),
)
QUICK_BUILDS = ((300, "wordllama-256", "paste"), (1_200, "wordllama-256", "upload"))


class Visitor:
    """A visitor with a page of their own."""

    def __init__(self, port, number, notes, seed=0):
        self.number, self.notes = number, notes
        self.random = random.Random(f"{seed} {number}")
        self.collection = "shared"
        self.screen = Screen(Wire(port), on_shown=self._see)
        self._moved = {}

    async def arrive(self, collection=None):
        """Open the page and wait until the numbers of a sample, or of the one with this name, are shown."""
        start = time.perf_counter()
        await self.screen.open()
        self._find()
        await self.screen.until(lambda: self.shown("lab-cards") and (collection or "") in self.header, 900)
        await self._rest()
        self.notes.took("arrive", time.perf_counter() - start)

    async def leave(self):
        """Close the page and note its errors."""
        self.notes.failures += [(self.number, *failure) for failure in self.screen.failures]
        for name, seconds in self.screen.durations:
            self.notes.took(f"request {name}", seconds)
        await self.screen.close()

    @property
    def header(self):
        """The page's header, which names what is loaded."""
        return self._piece(self._html, "lab-status")

    def shown(self, name):
        """Return the part of the Recall against latency tab with this class, or ""."""
        return self._piece(self._ef_parts, name)

    # --- ef

    async def slide(self, efs, pause=(0.2, 0.5)):
        """Move ef over some values, wait until everything that belongs to the last is shown, and note it."""
        for number, ef in enumerate(efs):
            if number:
                await asyncio.sleep(self.random.uniform(*pause))
            self._moved[ef] = time.perf_counter()
            self.screen.values[self._slider] = ef
            self.screen.fire(self._slider, "input")
        start, last = self._moved[efs[-1]], efs[-1]
        await self.screen.until(lambda: last not in self._moved)
        self.notes.superseded += len(self._moved)
        self._moved.clear()
        await self._rest()
        self.notes.took("all of a slide", time.perf_counter() - start)
        self._note_details(last)

    def _see(self, place, value):
        """Note the numbers of an ef when they are shown, and any text of another visitor."""
        if not isinstance(value, str):
            return
        foreign = set(MARKER.findall(value)) - {self.marker}
        if foreign:
            self.notes.failures.append((self.number, "isolation", f"{sorted(foreign)[:3]} was shown"))
        found = re.search(r'class="lab-cards" data-ef="(\d+)"', value)
        if found and int(found[1]) in self._moved:
            ef = int(found[1])
            self.notes.took("slide", time.perf_counter() - self._moved.pop(ef))
            recall, median, *_ = re.findall(r"<b>([^<]*)</b>", value)
            exact = re.findall(r"exact: ([^<]*)<", value)[1]
            self.notes.answered(self.collection, "recall", (K, ef), recall)
            crowded = "Measured in a crowd" in value
            self.notes.shown.append((self.collection, ef, seconds_of(median), seconds_of(exact), crowded))

    def _note_details(self, ef):
        """Note what is shown beside the numbers once the page is at rest: it must be of the same ef."""
        self.notes.answered(self.collection, "spread", (K, ef), self.shown("lab-spread"))
        worst = self.shown("lab-table") or self.shown("misses anything")
        self.notes.answered(self.collection, "worst queries", (K, ef), worst)
        counts = re.split("One takes|</p>", self.shown("lab-distances"))[0]  # times may follow, which differ
        self.notes.answered(self.collection, "distances", (K, ef), counts)
        record = record_of(self.shown("lab-record"))
        found = record.get("settings", {}).get("ef"), record.get("observed", {}).get("hnsw", {}).get("mean_recall")
        self.notes.answered(self.collection, "record", (K, ef), found)

    # --- search

    async def search(self, question, k, ef):
        """Ask a question and note both answers."""
        screen = self.screen
        for place, value in zip(self._question, (question, k, ef), strict=True):
            screen.values[place] = value
        start = time.perf_counter()
        data = await self._click(self._go)
        if data is None:
            return
        self.notes.took("search", time.perf_counter() - start)
        record = next(record_of(part) for part in data if "lab-record" in part)
        shown = " ".join(part for part in data if isinstance(part, str))
        words = " ".join(re.findall(r"HNSW at ef=\d+ found [^<]*", shown))
        asked = (record["settings"]["question"], record["settings"]["k"], record["settings"]["ef"])
        observed = Found(words, *(record["observed"][key] for key in (f"recall_at_{k}", "exact", "hnsw")))
        if asked != (question, k, ef):
            self.notes.failures.append((self.number, "search", f"asked {question, k, ef}, answered {asked}"))
        self.notes.answered(self.collection, "search", (question, k, ef), observed)

    async def measure(self, k, ef):
        """Call the /measure endpoint, and note the recall of every query."""
        event = next(event for event in self.screen.events.values() if event["api_name"] == "measure")
        places = [part for part in event["inputs"] if self.screen.components[part]["type"] != "state"]
        for place, value in zip(places, (k, ef), strict=True):
            self.screen.values[place] = value
        start = time.perf_counter()
        data = await self.screen.start(event, None)
        if data is not None:
            self.notes.took("measure", time.perf_counter() - start)
            self.notes.answered(self.collection, "measure", (k, ef), (data[0]["recall"], data[0]["hnsw"]["ef"]))

    # --- building

    async def build(self, text, model, how):
        """Build a collection, wait until its curve is drawn, and note it; return False if the build failed."""
        screen, place = self.screen, self._controls
        source = {"paste": "Paste text", "upload": "Upload files"}[how]
        screen.values[place["Documents"]] = source
        screen.fire(place["Documents"], "input")
        if how == "paste":
            screen.values[place["Text"]] = text
        else:
            screen.values[place["files"]] = [await self._upload("notes.txt", text)]
        screen.values[place["Embedding model"]] = model
        screen.fire(place["Embedding model"], "input")
        screen.values[place["Graph"]] = "starved 4/20"
        screen.fire(place["Graph"], "input")
        await screen.until(lambda: not screen.busy)
        screen.values[place["Chunk size (tokens)"]] = 32
        start, first, before = time.perf_counter(), [], self.header
        task = self._click(place["button"])
        progress = next(part for part in self._outputs(place["button"]) if self._is_html(part))

        def moving():
            words = re.sub(r"<[^>]*>", " ", screen.values[progress] or "").strip()
            if words and not first:
                first.append(time.perf_counter() - start)
            if "wait" in words.lower():
                self.notes.waits.add(re.sub(r"\d+%?", "#", words))
            return task.done()

        screen.values[progress] = ""
        await screen.until(moving, 600)
        if task.result() is None or "Done" not in (screen.values[progress] or ""):
            return False
        self.notes.took(f"build {len(text) // 1000} kB, {model}", time.perf_counter() - start)
        self.notes.took("first word of a build", first[0])
        self.collection = (self.marker, model, len(text), zlib.crc32(text.encode()))
        await screen.until(lambda: self.header != before)
        await self._rest()
        self.notes.took("build, all shown", time.perf_counter() - start)
        self.notes.built[self.collection] = (self.number, text, model, how)
        self.notes.answered(self.collection, "header", None, self.header)
        return True

    async def _upload(self, name, text):
        boundary = uuid.uuid4().hex
        disposition = f'Content-Disposition: form-data; name="files"; filename="{name}"'
        body = f"--{boundary}\r\n{disposition}\r\nContent-Type: text/plain\r\n\r\n{text}\r\n--{boundary}--\r\n".encode()
        kind = f"multipart/form-data; boundary={boundary}"
        start = time.perf_counter()
        answer = await self.screen.wire.request("POST", f"{PREFIX}/upload?upload_id={boundary[:11]}", body, kind)
        if answer.status != 200:
            raise ConnectionError(f"the upload was answered with {answer.status}: {answer.body[:200]!r}")
        self.notes.took("upload", time.perf_counter() - start)
        (path,) = json.loads(answer.body)
        file = {"path": path, "orig_name": name, "size": len(text), "mime_type": "text/plain"}
        return file | {"meta": {"_type": "gradio.FileData"}}

    # --- the parts of the page

    @property
    def marker(self):
        """The word that is in every sentence of this visitor's texts, and in no other visitor's."""
        return f"owner{self.number}x{self.number * 7919 % 1000}"

    def _find(self):
        """Find the controls by their properties. Raises LookupError if the page has changed."""
        screen = self.screen
        self._html = [place for place in screen.components if self._is_html(place)]
        self._slider = next(
            number
            for number, component in screen.components.items()
            if component["type"] == "slider" and "lab-big-slider" in (component["props"].get("elem_classes") or [])
        )
        self._ef_parts = [
            place
            for event in screen.listeners(self._slider, "input")
            for follower in screen.chain(event)
            for place in follower["outputs"]
            if self._is_html(place)
        ]
        self._go = screen.find("button", value="Search")
        answering = max(screen.listeners(self._go, "click"), key=lambda event: len(event["inputs"]))
        self._question = answering["inputs"][:3]
        button = screen.find("button", value="Build")
        inputs = screen.listeners(button, "click")[0]["inputs"]
        named = {screen.components[place]["props"].get("label"): place for place in inputs}
        files = next(place for label, place in named.items() if label and label.startswith("Drop files"))
        self._controls = named | {
            "button": button,
            "files": files,
            "Graph": next(
                number
                for number, component in screen.components.items()
                if component["type"] == "radio" and component["props"].get("label") == "Graph"
            ),
        }
        wanted = {"Documents", "Text", "Embedding model", "Chunk size (tokens)"}
        if not wanted <= set(self._controls):
            raise LookupError(f"The build has no control {wanted - set(self._controls)}.")

    def _click(self, button):
        """Click a button; return the task of the event that brings its answer, not just a note."""
        events = self.screen.listeners(button, "click")
        tasks = self.screen.fire(button, "click")
        return next(task for event, task in zip(events, tasks, strict=True) if len(event["outputs"]) > 1)

    def _outputs(self, button):
        return [place for event in self.screen.listeners(button, "click") for place in event["outputs"]]

    def _is_html(self, place):
        return self.screen.components[place]["type"] == "html"

    def _piece(self, places, words):
        return next((self.screen.values[place] for place in places if words in (self.screen.values[place] or "")), "")

    async def _rest(self):
        """Wait until the page is at rest."""
        await self.screen.until(lambda: not self.screen.busy, 300)


def text_of(marker, sentences, seed):
    """Return sentences of random words, each with its visitor's marker: no two are near, which is hard for a graph."""
    chosen = random.Random(f"{marker} {seed}")
    return " ".join(
        f"{' '.join(chosen.choice(WORDS) for _ in range(13)).capitalize()} {marker} {number}."
        for number in range(sentences)
    )
