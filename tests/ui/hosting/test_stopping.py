"""Tests of the graceful stop: running builds are cancelled, visitors are told, nothing is left behind."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest

from tests.support.paths import ROOT
from tests.support.small import sentences

pytestmark = pytest.mark.exhaustive

PATIENCE = 90  # seconds a server may take to start
STOP = 20  # seconds it may take to stop


@pytest.fixture
def started(tmp_path):
    """A started `python app.py`: its address, the lines of its log, its process, and its folder of uploads."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    environment = {**os.environ, "GRADIO_SERVER_PORT": str(port), "PYTHONUNBUFFERED": "1", "TMPDIR": str(tmp_path)}
    environment |= {"LAB_CACHE": str(tmp_path / "cache"), "LAB_PASSWORD": os.environ.get("TEST_PASSWORD", "")}
    environment.pop("GRADIO_TEMP_DIR", None)
    process = subprocess.Popen(
        [sys.executable, "app.py"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    lines = []
    reader = threading.Thread(target=lambda: lines.extend(process.stdout), daemon=True)
    reader.start()
    address, end = f"http://127.0.0.1:{port}", time.monotonic() + PATIENCE
    while True:
        try:
            httpx.get(f"{address}/health")
            break
        except httpx.TransportError:
            assert process.poll() is None and time.monotonic() < end, "".join(lines)
            time.sleep(0.1)
    yield address, lines, process, tmp_path
    process.kill()
    process.wait(PATIENCE)
    reader.join(PATIENCE)
    process.stdout.close()


def events(lines):
    return [json.loads(line) for line in lines if line.startswith("{")]


def until(condition, seconds=PATIENCE):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.05)


def test_a_stop_cancels_what_is_running_and_leaves_nothing(started):
    address, lines, process, folder = started
    sent = httpx.post(f"{address}/gradio_api/upload", files={"files": ("notes.txt", b"left alone")})
    assert Path(sent.json()[0]).exists() and list(folder.glob("dense-retrieval-lab-*"))
    text = " ".join(sentences(8_000, length=14))  # a minute of work and more
    data = ["text", "documents", None, text, "all-MiniLM-L6-v2", 32, 0, 16, 200]
    call = f"{address}/gradio_api/call/build"
    event = httpx.post(call, json={"data": data, "session_hash": "somebody"}).json()["event_id"]
    answers = []
    waiting = threading.Thread(target=lambda: answers.append(httpx.get(f"{call}/{event}", timeout=PATIENCE).text))
    waiting.start()
    until(lambda: httpx.get(f"{address}/health").json()["builds"]["working"] == 1)
    process.send_signal(signal.SIGTERM)
    assert process.wait(STOP) == 0
    waiting.join(STOP)
    until(lambda: any(event["event"] == "stop" for event in events(lines)), STOP)
    found = {event["event"]: event for event in events(lines)}
    assert found["stop"]["all_work_ended"] is True
    assert found["build"]["outcome"] == "cancelled"
    assert answers and re.search(r"^event: error$", answers[0], re.MULTILINE) and "cancelled" in answers[0]
    assert not list(folder.glob("dense-retrieval-lab-*"))
    assert not any("Traceback" in line for line in lines)


def test_an_idle_server_stops_at_once(started):
    address, lines, process, _ = started
    assert httpx.get(f"{address}/health").json()["status"] == "ok"
    start = time.monotonic()
    process.send_signal(signal.SIGINT)
    assert process.wait(STOP) == 0
    assert time.monotonic() - start < STOP
    until(lambda: any(event["event"] == "stop" for event in events(lines)), STOP)


def test_a_start_is_logged_with_what_was_prepared(started):
    _, lines, _, _ = started
    until(lambda: any(event["event"] == "sample documents" for event in events(lines)))
    first, *_ = events(lines)
    assert first["event"] == "start" and first["sessions"] == 60 and first["time"].endswith("+00:00")
