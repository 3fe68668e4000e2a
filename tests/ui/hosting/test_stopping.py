"""Tests of app.py from its start to a graceful stop: builds are cancelled, visitors told, nothing is left behind."""

import json
import re
import signal
import threading
import time
from pathlib import Path

import httpx
import pytest

from tests.support.app_process import App
from tests.support.serving import until
from tests.support.small import sentences

PATIENCE = 90  # seconds a server may take to start
STOP = 20  # seconds it may take to stop


@pytest.fixture
def app(tmp_path):
    """A started app."""
    with App(tmp_path, HF_HUB_OFFLINE=1, PYTHONUNBUFFERED=1) as app:
        assert app.wait_for_page() < PATIENCE
        yield app


def events(app):
    """Return the lines of the log: event -> its last line."""
    lines = [json.loads(line) for line in app.log.read_text().splitlines() if line.startswith("{")]
    return {line["event"]: line for line in lines}


def test_the_page_is_served_and_an_idle_server_stops_at_once(app):
    start = time.monotonic()
    app.process.send_signal(signal.SIGINT)
    assert app.process.wait(STOP) == 0
    assert time.monotonic() - start < STOP / 2
    found = events(app)
    assert next(iter(found)) == "start" and found["start"]["sessions"] == 60
    assert found["start"]["time"].endswith("+00:00") and found["stop"]["all_work_ended"] is True


@pytest.mark.exhaustive
def test_a_stop_cancels_what_is_running_and_leaves_nothing(app):
    app.wait_for_sample()
    folder = app.folder / "temporary"
    sent = httpx.post(f"{app.address}/gradio_api/upload", files={"files": ("notes.txt", b"left alone")})
    assert Path(sent.json()[0]).exists() and list(folder.glob("dense-retrieval-lab-*"))
    text = " ".join(sentences(8_000, length=14))  # a minute of work and more
    data = ["text", "documents", None, text, "all-MiniLM-L6-v2", 32, 0, 16, 200]
    call = f"{app.address}/gradio_api/call/build"
    event = httpx.post(call, json={"data": data, "session_hash": "somebody"}).json()["event_id"]
    answers = []
    waiting = threading.Thread(target=lambda: answers.append(httpx.get(f"{call}/{event}", timeout=PATIENCE).text))
    waiting.start()
    until(lambda: httpx.get(f"{app.address}/health").json()["builds"]["working"] == 1)
    app.process.send_signal(signal.SIGTERM)
    assert app.process.wait(STOP) == 0
    waiting.join(STOP)
    found = events(app)
    assert found["sample documents"]["outcome"] == "done"
    assert (found["build"]["outcome"], found["stop"]["all_work_ended"]) == ("cancelled", True)
    assert re.search(r"^event: error$", answers[0], re.MULTILINE) and "cancelled" in answers[0]
    assert not list(folder.glob("dense-retrieval-lab-*"))
    assert "Traceback" not in app.log.read_text()
