"""Tests of sessions one after another: the memory of each is freed, so that memory levels off."""

import gc
import os
import re
from pathlib import Path

import pytest

from tests.support.serving import GRADIO_WARNINGS, call, server_of, until
from tests.support.small import sentences
from ui.jobs.memory_budget import MEMORY_BUDGET
from ui.jobs.shared_samples import SharedSamples

pytestmark = [pytest.mark.exhaustive, *(pytest.mark.filterwarnings(warning) for warning in GRADIO_WARNINGS)]
SESSIONS = 200 if os.environ.get("LAB_FULL_TESTS") == "1" else 16
PASSAGES = 2_000  # of each session: some eight megabytes
SETTLED = SESSIONS // 2  # by then every library has allocated what it needs


def resident():
    """Return the megabytes of memory that this process has."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"^VmRSS:\s+(\d+) kB", status, re.MULTILINE).group(1)) / 1_000


@pytest.fixture
def server(wordllama, monkeypatch):
    """The app's server, which looks often for visitors who have left."""
    monkeypatch.setattr("ui.hosting.server.SWEEP_SECONDS", 0.05)
    with server_of(SharedSamples(())) as server:
        yield server


def test_memory_levels_off_however_many_come(server, monkeypatch):
    pasted = ["text", "documents", None, " ".join(sentences(PASSAGES, length=14)), "wordllama-256", 32, 0, 16, 100]
    sessions, curve, held = server.demo.app.state_holder.session_data, [], MEMORY_BUDGET.held
    for number in range(SESSIONS):
        monkeypatch.setattr("ui.gate.visitors.GRACE_SECONDS", 60)
        name = f"visitor-{number}"
        assert call(server.address, "build", pasted, name)["data"]["vectors"] >= PASSAGES * 0.8
        assert call(server.address, "search", ["what is near the harbor?", 10, 50], name)["results"]
        of_one = (MEMORY_BUDGET.held - held) / 1e6
        assert of_one > 5
        monkeypatch.setattr("ui.gate.visitors.GRACE_SECONDS", 0.0)
        until(lambda: gc.collect() is not None and not sessions and MEMORY_BUDGET.held == held)
        curve.append(resident())
    print(f"\nresident memory in MB over {SESSIONS} sessions: {[round(value) for value in curve]}")  # noqa: T201
    if_kept = of_one * (SESSIONS - 1 - SETTLED)
    assert curve[-1] - curve[SETTLED] < if_kept / 2
