"""A worker process that answers lines of JSON with lines of JSON, and can be stopped at any time."""

import json
import os
import re
import select
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

CHECK_SECONDS = 0.1  # between two calls of progress, which may cancel
BYTES_PER_READ = 1 << 16  # read at once
KEPT_VARIABLES = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")  # of the environment: some Pythons need them to start
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


class AnswerTooLong(Exception):
    """Raised if an answer has more bytes than allowed."""


class JsonProcess:
    """A process that runs a Python file, with no more of the environment than a bare interpreter needs.

    It belongs to the thread that creates it: on Linux a worker may be set to be killed when that thread ends.
    """

    def __init__(self, script: Path) -> None:
        """Start the process. Raises OSError if the system refuses."""
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-B", "-X", "utf8", str(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**{name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}, **ONE_THREAD},
            bufsize=0,
            start_new_session=True,  # Ctrl-C in the terminal is for the parent only
        )
        requests, answers = self._process.stdin, self._process.stdout
        assert requests and answers  # for mypy: both are pipes
        self._requests, self._answers = requests, answers
        self._ready = select.poll()
        self._ready.register(answers, select.POLLIN)
        self.peak = 0  # largest address space observed, in bytes; 0 if the system does not report it

    def ask(
        self, request: Mapping[str, Any], *, seconds: float, most: int, progress: Callable[[], None] | None = None
    ) -> bytes:
        """Send a request and return the line that answers it.

        progress: called about every CHECK_SECONDS. Raises TimeoutError after `seconds`, AnswerTooLong above `most`
        bytes, EOFError if the process ends, and what progress raises; after any of these the process can only be ended.
        """
        deadline, next_check, answer = time.monotonic() + seconds, 0.0, bytearray()
        with suppress(BrokenPipeError):  # it has ended: reading raises EOFError below
            self._requests.write(json.dumps(request).encode() + b"\n")
        while not answer.endswith(b"\n"):
            now = time.monotonic()
            if now >= next_check:
                next_check = now + CHECK_SECONDS
                self._update_peak()
                if progress:
                    progress()
            if now >= deadline:
                raise TimeoutError
            if self._ready.poll(1000 * min(CHECK_SECONDS, deadline - now)):
                block = os.read(self._answers.fileno(), BYTES_PER_READ)
                if not block:
                    raise EOFError
                answer += block
            if len(answer) > most:
                raise AnswerTooLong
        self._update_peak()
        return bytes(answer)

    def _update_peak(self) -> None:
        """Update peak from the process's largest address space so far."""
        with suppress(OSError, ValueError):
            status = Path(f"/proc/{self._process.pid}/status").read_text()
            found = re.search(r"VmPeak:\s*(\d+) kB", status)  # missing once it has ended
            self.peak = max(self.peak, 1024 * int(found[1]) if found else 0)

    def end(self, patience: float = 0) -> int:
        """Kill the process unless it ends within `patience` seconds; return its status, or minus its signal."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(patience)
        self._process.kill()
        status = self._process.wait()
        self._requests.close()
        self._answers.close()
        return status
