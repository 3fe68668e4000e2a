"""app.py in a process of its own, as a user starts it, with a cache that may be kept from one start to the next."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 600  # seconds


class App:
    """A running app; it must be closed."""

    def __init__(self, cache: Path) -> None:
        """Start it on a free port."""
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            self.port = found.getsockname()[1]
        self.address, self.began = f"http://127.0.0.1:{self.port}", time.perf_counter()
        own = {"GRADIO_SERVER_PORT": str(self.port), "LAB_CACHE": str(cache), "HF_HUB_OFFLINE": "1"}
        quiet = subprocess.DEVNULL
        self._process = subprocess.Popen(
            [sys.executable, "app.py"], cwd=ROOT, env=os.environ | own, stdout=quiet, stderr=quiet
        )

    def __enter__(self) -> "App":
        """Use it in a with block."""
        return self

    def __exit__(self, *error: object) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait()

    def wait_for_page(self) -> float:
        """Wait until the page is served; return the seconds since the start."""
        return self._wait(lambda: b"Dense Retrieval Lab" in self._get("/"), pause=0.01)

    def wait_for_sample(self, name: str) -> float:
        """Wait until a sample is ready; return the seconds since the start."""
        return self._wait(lambda: json.loads(self._get("/health"))["samples"][name] == "ready", pause=0.5)

    def _get(self, path: str) -> bytes:
        with urllib.request.urlopen(self.address + path, timeout=PATIENCE) as answer:
            content: bytes = answer.read()
        return content

    def _wait(self, condition: Callable[[], bool], pause: float) -> float:
        while time.perf_counter() < self.began + PATIENCE and self._process.poll() is None:
            try:
                if condition():
                    return time.perf_counter() - self.began
            except OSError:
                pass
            time.sleep(pause)
        raise RuntimeError("The app gave up or took too long.")
