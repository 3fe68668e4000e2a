"""app.py in a process of its own, for tests that isolate it from the network, kill it and start it again."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from tests.support.paths import ROOT

PATIENCE = 300  # seconds until a test gives up: the machine may be busy
SETTINGS = ("HF_", "HUGGINGFACE_", "TRANSFORMERS_", "SENTENCE_TRANSFORMERS_", "LAB_", "GRADIO_")  # not passed on


class App:
    """A running app whose files are all below one folder: its cache, its temporary files and its user's home."""

    def __init__(self, folder, *, before=(), **settings):
        """Start the app; before: words of a command line that runs it; settings: environment variables of its own."""
        self.folder, self.began = Path(folder), time.monotonic()
        for name in ("home", "temporary", "hub"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            self.port = found.getsockname()[1]
        self.address, self.log = f"http://127.0.0.1:{self.port}", self.folder / "log.txt"
        own = {
            "HOME": self.folder / "home",
            "TMPDIR": self.folder / "temporary",
            "HF_HOME": self.folder / "hub",
            "LAB_CACHE": self.folder / "cache",
            "GRADIO_SERVER_PORT": self.port,
            **settings,
        }
        passed = {name: value for name, value in os.environ.items() if not name.startswith(SETTINGS)}
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [*before, sys.executable, "app.py"],
                cwd=ROOT,
                env=passed | {name: str(value) for name, value in own.items()},
                stdout=log,
                stderr=log,
            )

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.kill()

    def kill(self):
        """Kill the process without notice, as a host may do."""
        self.process.kill()
        self.process.wait()

    def get(self, path="/"):
        """Return the content of one of the app's addresses."""
        with urllib.request.urlopen(self.address + path, timeout=PATIENCE) as answer:
            return answer.read()

    def call(self, name, *values):
        """Call one of the app's API endpoints, as a visitor who has built nothing; return its answer."""
        path, data = f"/gradio_api/call/{name}", json.dumps({"data": values}).encode()
        request = urllib.request.Request(self.address + path, data, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            event = json.loads(answer.read())["event_id"]
        stream = self.get(f"{path}/{event}").decode()
        assert "event: complete" in stream, stream
        return json.loads(stream.rpartition("data: ")[2])[0]

    def wait_for_page(self):
        """Wait until the page is served; return the seconds since the start."""
        return self._wait(lambda: b"Dense Retrieval Lab" in self.get())

    def wait_for_sample(self, name="documents"):
        """Wait until a sample is ready; return the seconds since the start."""

        def ready():
            state = json.loads(self.get("/health"))["samples"][name]
            assert state != "failed", self.log.read_text()
            return state == "ready"

        return self._wait(ready)

    def _wait(self, condition):
        while time.monotonic() < self.began + PATIENCE and self.process.poll() is None:
            try:
                if condition():
                    return time.monotonic() - self.began
            except OSError:
                pass
            time.sleep(0.05)
        raise AssertionError(f"The app gave up or took too long:\n{self.log.read_text()[-3000:]}")
