"""A lesson with a step of each kind whose measurements are given, and what a class's teacher and students send."""

import re
import threading

import gradio as gr
import httpx

from retriever.run_record import RunRecord
from tests.support.serving import running
from ui.blocks import LabBlocks
from ui.hosting.server import Server
from ui.jobs.job import Job
from ui.jobs.shared_samples import SharedSamples
from ui.lessons.lesson import Lesson, Step
from ui.lessons.measurements.measured import Measured
from ui.render.predictions import ChoicePrediction, NumberPrediction, OrderPrediction

STEPS = (
    Step(
        "found",
        "A search that keeps few candidates misses some of the nearest passages.",
        "One question is asked. How many of its 10 nearest passages are found?",
        NumberPrediction(0, 10, 1, "of 10 passages"),
        "none",
        look_closer="See which ones were missed",
    ),
    Step(
        "moves",
        "Both the model and the index can lose an answer.",
        "Which loses more?",
        ChoicePrediction({"model": "The <b>embedding</b> model", "index": "The index", "same": "Both as many"}),
        "none",
    ),
    Step(
        "speed",
        "Searches take different times.",
        "Which is fastest?",
        OrderPrediction({"exact": "Exact search", "hnsw": "HNSW", "bm25": "BM25"}),
        "none",
    ),
)
LESSON = Lesson("trial", "A trial lesson", 3, "Three steps.", STEPS)
VALUES = {"found": 4, "moves": "model", "speed": ("hnsw", "bm25", "exact")}


class GivenMeasurements:
    """Measurements in place of the lessons': each step's value is given.

    made: the names of the steps that were measured; hold: while it is set, none ends; error: what each raises.
    """

    def __init__(self):
        self.made, self.free, self.error = [], threading.Event(), None
        self.free.set()

    def submit(self, lesson, step):
        """Return a job that measures a step."""

        def work(progress):
            self.made.append(step.name)
            while not self.free.wait(0.02):
                progress("measuring", 0.0)
            if self.error:
                raise self.error
            return measured(step)

        return Job(work, kind="lesson").start()


def measured(step):
    """Return what is measured for a step."""
    record = RunRecord("A lesson", {}, {}, {})
    return Measured(VALUES[step.name], "", ["It was “so” & not <else>."], record, {"tab": "search", "q": "a & b"})


def small_server():
    """Serve the lab with a small page in place of its own: a context manager of the server."""

    def make():
        with LabBlocks() as demo:
            gr.Textbox()
        return Server(demo, SharedSamples(()))

    return running(make)


class Asker:
    """A browser of a class: its requests keep their cookies. led: whether it is the teacher's."""

    def __init__(self, address, code=""):
        self.address, self.code = address, code
        self.client = httpx.Client(base_url=address, timeout=30)

    def start(self, lesson="trial"):
        """Start a class, and return this browser, which leads it."""
        answer = self.client.post("/class", data={"lesson": lesson})
        self.code = re.fullmatch(r"\./class/([A-Z0-9]{6})/teach", answer.headers["location"])[1]
        return self

    def join(self):
        """Join the class, and return this browser."""
        assert self.post("join").status_code == 200
        return self

    def get(self, name, **query):
        """Return the answer to a request of the class's page."""
        return self.client.get(f"/class/{self.code}/{name}", params=query)

    def post(self, name, **content):
        """Return the answer to what the class's page sends."""
        return self.client.post(f"/class/{self.code}/{name}", json=content)

    def state(self, have=0):
        """Return what a student sees."""
        return self.get("state", have=have).json()

    def lead(self, have=0):
        """Return what the teacher sees."""
        return self.get("lead", have=have).json()

    def predict(self, step, value):
        """Return the answer to a prediction."""
        return self.post("predict", step=step, value=value)

    def move(self, move):
        """Return the answer to a teacher's move at the step under way."""
        return self.post("move", move=move, place=self.lead()["place"])
