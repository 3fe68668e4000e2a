"""A child process that answers lines of JSON with lines of JSON, and can be stopped at any moment."""

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

CHECK_SECONDS = 0.1  # seconds between two looks at whether somebody cancelled
BYTES_A_READ = 1 << 16  # bytes read at once
KEPT_VARIABLES = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")  # of the environment: without them some Pythons do not start
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


class AnswerTooLong(Exception):
    """Say that an answer has more bytes than were allowed."""


class JsonProcess:
    """Run a Python file in a process of its own, with no environment but what a bare interpreter needs.

    It belongs to the thread that makes it: on Linux a child may be set to die with that thread.
    """

    def __init__(self, script: Path) -> None:
        """Start it. Raises OSError if the system refuses."""
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-B", "-X", "utf8", str(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**{name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}, **ONE_THREAD},
            bufsize=0,
            start_new_session=True,  # Ctrl-C in the terminal is for the parent
        )
        requests, answers = self._process.stdin, self._process.stdout
        assert requests and answers  # pipes were asked for
        self._requests, self._answers = requests, answers
        self._ready = select.poll()
        self._ready.register(answers, select.POLLIN)
        self.peak = 0  # the most bytes of address space it was seen to have, where the system tells

    def ask(
        self, request: Mapping[str, Any], *, seconds: float, most: int, progress: Callable[[], None] | None = None
    ) -> bytes:
        """Send a request and return the line that answers it, of at most so many bytes.

        progress: called every POLL seconds. Raises TimeoutError after so many seconds, TooLong, EOFError if the child
        ends, and what progress raises; it is of no use after any of these but to be ended.
        """
        end, look, answer = time.monotonic() + seconds, 0.0, bytearray()
        with suppress(BrokenPipeError):  # it has ended, which reading will tell
            self._requests.write(json.dumps(request).encode() + b"\n")
        while not answer.endswith(b"\n"):
            now = time.monotonic()
            if now >= look:
                look = now + CHECK_SECONDS
                self._note_memory()
                if progress:
                    progress()
            if now >= end:
                raise TimeoutError
            if self._ready.poll(1000 * min(CHECK_SECONDS, end - now)):
                block = os.read(self._answers.fileno(), BYTES_A_READ)
                if not block:
                    raise EOFError
                answer += block
            if len(answer) > most:
                raise AnswerTooLong
        self._note_memory()
        return bytes(answer)

    def _note_memory(self) -> None:
        """Note how large the child has become."""
        with suppress(OSError, ValueError):
            status = Path(f"/proc/{self._process.pid}/status").read_text()
            found = re.search(r"VmPeak:\s*(\d+) kB", status)  # gone once it has ended
            self.peak = max(self.peak, 1024 * int(found[1]) if found else 0)

    def end(self, patience: float = 0) -> int:
        """Kill it, unless it ends within so many seconds; return its status, or minus the signal it died of."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(patience)
        self._process.kill()
        status = self._process.wait()
        self._requests.close()
        self._answers.close()
        return status
