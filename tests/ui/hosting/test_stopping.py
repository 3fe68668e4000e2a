"""Tests of the graceful stop: running builds are cancelled, visitors are told, nothing is left behind."""

import json
import os
import re
import signal
import threading
import time
from pathlib import Path

import httpx
import pytest

from tests.support.app_process import App
from tests.support.small import sentences

pytestmark = pytest.mark.exhaustive

PATIENCE = 90  # seconds a server may take to start
STOP = 20  # seconds it may take to stop


@pytest.fixture
def app(tmp_path):
    """A started app."""
    own = {"HF_HUB_OFFLINE": 1, "PYTHONUNBUFFERED": 1, "LAB_PASSWORD": os.environ.get("TEST_PASSWORD", "")}
    with App(tmp_path, **own) as app:
        assert app.wait_for_page() < PATIENCE
        yield app


def events(app):
    return [json.loads(line) for line in app.log.read_text().splitlines() if line.startswith("{")]


def until(condition, seconds=PATIENCE):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.05)


def test_a_stop_cancels_what_is_running_and_leaves_nothing(app):
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
    until(lambda: any(event["event"] == "stop" for event in events(app)), STOP)
    found = {event["event"]: event for event in events(app)}
    assert found["stop"]["all_work_ended"] is True
    assert found["build"]["outcome"] == "cancelled"
    assert answers and re.search(r"^event: error$", answers[0], re.MULTILINE) and "cancelled" in answers[0]
    assert not list(folder.glob("dense-retrieval-lab-*"))
    assert "Traceback" not in app.log.read_text()


def test_an_idle_server_stops_at_once(app):
    assert httpx.get(f"{app.address}/health").json()["status"] == "ok"
    start = time.monotonic()
    app.process.send_signal(signal.SIGINT)
    assert app.process.wait(STOP) == 0
    assert time.monotonic() - start < STOP
    until(lambda: any(event["event"] == "stop" for event in events(app)), STOP)


def test_a_start_is_logged_with_what_was_prepared(app):
    until(lambda: any(event["event"] == "sample documents" for event in events(app)))
    first, *_ = events(app)
    assert first["event"] == "start" and first["sessions"] == 60 and first["time"].endswith("+00:00")
