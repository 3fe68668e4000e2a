"""The real app.py in a process of its own, with a log of its timed sections and its batches of heavy work.

Run as a script, this file is that process. With --small, the samples are random sentences, embedded by the quick model
and linked by a poor graph: ready in seconds, and recall differs from ef to ef.
"""

import argparse
import json
import os
import runpy
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.request import urlopen

from retriever.datasets.collection import Collection
from retriever.documents.document import Document
from retriever.fair_lock import MACHINE_LOCK
from retriever.indexing.collection import IndexSettings
from retriever.indexing.pipeline import index_collection
from tests.support.small import sentences
from ui.jobs import shared_samples

ROOT = Path(__file__).resolve().parents[2]
SMALL = {"documents": 300, "python_docs": 3_000, "everyday_science": 300}  # sentences
BEGIN = 120  # seconds until the page must be served
PREPARED = 1_200  # and until all samples must be ready


class LabServer:
    """A running server: its port, its memory and its logs, which are files in a folder."""

    def __init__(self, cache, folder, *, small=False, environment=None):
        self.port = _free_port()
        self.sections, self.log = Path(folder) / "sections.txt", Path(folder) / "log.txt"
        command = [
            sys.executable,
            "-m",
            "benchmarks.load.lab_server",
            "--sections",
            str(self.sections),
            *["--small"] * small,
        ]
        settings = {"GRADIO_SERVER_PORT": str(self.port), "LAB_CACHE": str(cache), "HF_HUB_OFFLINE": "1"}
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=os.environ | settings | (environment or {}), stdout=log, stderr=log
            )

    def wait(self):
        """Wait until the port is open."""
        end = time.monotonic() + BEGIN
        while time.monotonic() < end and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return self
            except OSError:
                time.sleep(0.1)
        raise RuntimeError(f"The server did not start:\n{self.log.read_text()[-2000:]}")

    def wait_for_samples(self):
        """Start the preparation of the samples, as the first visitor does, and wait until all are ready."""
        end = time.monotonic() + PREPARED
        while time.monotonic() < end and self.process.poll() is None:
            with urlopen(f"http://127.0.0.1:{self.port}/health", timeout=30) as answer:
                if set(json.load(answer)["samples"].values()) == {"ready"}:
                    return
            time.sleep(1)
        raise RuntimeError(f"The samples were not prepared:\n{self.log.read_text()[-2000:]}")

    def stop(self):
        """Ask the server to stop, and kill it if it does not."""
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def megabytes(self, what):
        """Return VmRSS, the present memory, or VmHWM, the peak memory, of the server's process."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(f"{what}:")) / 1000

    def megabytes_of_children(self):
        """Return the present memory of all processes that the server has started."""
        total = 0
        for children in Path(f"/proc/{self.process.pid}/task").glob("*/children"):
            for child in children.read_text().split():
                status = Path(f"/proc/{child}/status")
                lines = status.read_text().splitlines() if status.exists() else []
                total += sum(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))
        return total / 1000

    def processor_seconds(self):
        """Return the processor time the server has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def timed_sections(self):
        """Return (what, begin, end, thread) of every timed section ("alone") and batch ("work"), ordered by begin."""
        rows = [line.split() for line in self.sections.read_text().splitlines()]
        return sorted(((what, *map(int, numbers)) for what, *numbers in rows), key=lambda row: row[1])


def overlaps(sections):
    """Return the pairs of sections, ordered by begin, that overlap though one of them is timed.

    A section within another of the same thread is part of it.
    """
    found, running = [], []
    for section in sections:
        running = [other for other in running if other[2] > section[1]]
        others = [other for other in running if other[3] != section[3] and "alone" in (other[0], section[0])]
        found += [(other, section) for other in others]
        running.append(section)
    return found


def busy_seconds():
    """Return the processor time that everything on this machine has used, without idle time."""
    fields = Path("/proc/stat").read_text().partition("\n")[0].split()[1:]
    user, nice, system, _, _, interrupts, others, *_ = map(int, fields)
    return (user + nice + system + interrupts + others) / os.sysconf("SC_CLK_TCK")


def _free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def _log_sections(path):
    """Write a line for every timed section and every batch, measured inside of it; a pause ends one and begins one."""

    file = Path(path).open("w", buffering=1)  # noqa: SIM115 - open as long as the process runs
    begun, take, give_back = threading.local(), MACHINE_LOCK._take, MACHINE_LOCK._give_back

    def logged_take(*, exclusive):
        take(exclusive=exclusive)
        begun.at = time.perf_counter_ns()

    def logged_give_back(*, exclusive):
        begin, end = begun.at, time.perf_counter_ns()
        give_back(exclusive=exclusive)
        file.write(f"{'alone' if exclusive else 'work'} {begin} {end} {threading.get_ident()}\n")

    MACHINE_LOCK._take, MACHINE_LOCK._give_back = logged_take, logged_give_back


def _take_small_samples():
    """Replace the samples by random sentences."""

    def small_sample(name, settings=None, *, progress=None):
        texts = sentences(SMALL[name], seed=len(name), length=12)
        documents = [Document(f"d{row}", text, f"Text {row}", {}) for row, text in enumerate(texts)]
        collection = Collection(
            shared_samples.SAMPLE_TITLES[name],
            documents,
            queries={f"q{row}": text for row, text in enumerate(sentences(100, seed=99))},
            passage=lambda document: document.text,
        )
        return index_collection(collection, IndexSettings("wordllama-256", M=4, ef_construction=20), progress=progress)

    shared_samples.cached_sample = small_sample


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--sections", required=True)
    parser.add_argument("--small", action="store_true")
    options = parser.parse_args()
    _log_sections(options.sections)
    if options.small:
        _take_small_samples()
    runpy.run_path(str(ROOT / "app.py"), run_name="__main__")
