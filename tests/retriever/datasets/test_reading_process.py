"""A sample read by another process is the one that load_sample reads; it can be cancelled, and failures are told."""

import subprocess
import sys
from dataclasses import fields

import pytest

from retriever.datasets import reading_process
from retriever.datasets.reading_process import load_sample_in_process
from retriever.datasets.samples import load_sample
from retriever.errors import Cancelled, CollectionError


def parts(collection):
    """Return all that a collection holds, for comparison."""
    return {part.name: getattr(collection, part.name) for part in fields(collection)}


@pytest.mark.parametrize("name", ["documents", "everyday_science"])
def test_another_process_reads_the_same(name):
    seen = []
    assert parts(load_sample_in_process(name, progress=seen.append)) == parts(load_sample(name))
    assert set(seen) <= {0.0}


def test_a_sample_that_is_read_ahead_is_taken_once(monkeypatch):
    reading_process.read_ahead("documents")
    monkeypatch.setattr(reading_process, "_started", lambda name: pytest.fail("another process was started"))
    assert parts(load_sample_in_process("documents")) == parts(load_sample("documents"))
    assert "documents" not in reading_process._AHEAD


def test_an_unknown_sample_is_refused_as_load_sample_does():
    with pytest.raises(CollectionError, match="choose one of"):
        load_sample_in_process("other")


def test_a_cancelled_reading_leaves_no_process(monkeypatch):
    started, start = [], subprocess.Popen
    monkeypatch.setattr(reading_process, "READER", "import time; time.sleep(600)")
    monkeypatch.setattr(
        subprocess, "Popen", lambda *args, **options: started.append(start(*args, **options)) or started[0]
    )

    def cancel(fraction):
        raise Cancelled("stop")

    with pytest.raises(Cancelled):
        load_sample_in_process("documents", progress=cancel)
    assert started[0].returncode not in (0, None)


@pytest.mark.parametrize("broken", ["no such program", sys.executable])
def test_without_another_process_this_one_reads(monkeypatch, broken):
    monkeypatch.setattr(sys, "executable", broken)
    monkeypatch.setattr(reading_process, "READER", "raise MemoryError")
    assert parts(load_sample_in_process("documents")) == parts(load_sample("documents"))


@pytest.mark.exhaustive
def test_the_python_docs_come_whole_from_another_process():
    assert parts(load_sample_in_process("python_docs")) == parts(load_sample("python_docs"))
