"""Tests of sessions one after another: the memory of each is freed, so that memory levels off."""

import gc
import json
import os
import re
import time
from pathlib import Path

import httpx
import pytest

from tests.support.serving import GRADIO_WARNINGS, server_of
from tests.support.small import sentences
from ui.jobs.memory_budget import MEMORY_BUDGET
from ui.jobs.shared_samples import SharedSamples

pytestmark = [pytest.mark.exhaustive, *(pytest.mark.filterwarnings(warning) for warning in GRADIO_WARNINGS)]
SESSIONS = 200 if os.environ.get("LAB_FULL_TESTS") == "1" else 12
PASSAGES = 2_000  # of each session: some eight megabytes
PATIENCE = 60  # seconds until a test gives up
SETTLED = 0.5  # of the sessions: by then every library has allocated what it needs


def resident():
    """Return the megabytes of memory that this process has."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"^VmRSS:\s+(\d+) kB", status, re.MULTILINE).group(1)) / 1_000


@pytest.fixture
def server(wordllama, monkeypatch):
    """The app's server, which ends the session of a visitor who is idle for a moment."""
    monkeypatch.setattr("ui.hosting.server.SWEEP_SECONDS", 0.05)
    monkeypatch.setattr("ui.hosting.visitors.GRACE_SECONDS", 0.2)
    with server_of(SharedSamples(())) as server:
        yield server


def visit(server, name, text):
    """Build a collection and search it, as one visitor."""
    calls = {
        "build": ["text", "documents", None, text, "wordllama-256", 32, 0, 16, 100],
        "search": ["what is near the harbor?", 10, 50],
    }
    found = []
    for endpoint, data in calls.items():
        address = f"{server.address}/gradio_api/call/{endpoint}"
        joined = httpx.post(address, json={"data": data, "session_hash": name}, timeout=PATIENCE)
        answer = httpx.get(f"{address}/{joined.raise_for_status().json()['event_id']}", timeout=PATIENCE)
        found.append(json.loads(re.search(r"^event: complete\ndata: (.*)$", answer.text, re.MULTILINE).group(1))[0])
    return found


def test_memory_levels_off_however_many_come(server, monkeypatch):
    text = " ".join(sentences(PASSAGES, length=14))
    curve, held = [], MEMORY_BUDGET.held
    for number in range(SESSIONS):
        monkeypatch.setattr("ui.hosting.visitors.GRACE_SECONDS", PATIENCE)
        record, answer = visit(server, f"visitor {number}", text)
        assert record["data"]["vectors"] >= PASSAGES * 0.8 and answer["results"]
        of_one = (MEMORY_BUDGET.held - held) / 1e6
        assert of_one > 5
        monkeypatch.setattr("ui.hosting.visitors.GRACE_SECONDS", 0.0)
        end = time.monotonic() + PATIENCE
        while server.demo.app.state_holder.session_data or MEMORY_BUDGET.held > held:
            assert time.monotonic() < end, "the session is still held"
            gc.collect()
            time.sleep(0.02)
        curve.append(resident())
    first = int(SESSIONS * SETTLED)
    if_kept = of_one * (SESSIONS - 1 - first)
    steps = [round(value) for value in curve[:: max(1, SESSIONS // 20)]]
    print(f"\nresident memory in MB over {SESSIONS} sessions: {steps}, at the end {curve[-1]:.0f}")  # noqa: T201
    assert curve[-1] - curve[first] < if_kept / 2
