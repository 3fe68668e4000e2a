"""The embedded Milvus server in a process of its own, which may be killed and started again on the same folder."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

PATIENCE = 60  # seconds until it answers
PAUSE = 0.1
PASSIVE = {"OMP_WAIT_POLICY": "passive"}  # its threads do not spin while they wait for one another, as clients work too


class MilvusServer:
    """A running milvus-lite server on a free port of this machine; it must be closed.

    folder: where it keeps its collections, in a folder of their own, and its log.
    """

    def __init__(self, folder: Path) -> None:
        """Start it."""
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            self.port = found.getsockname()[1]
        self.uri, self._folder = f"http://127.0.0.1:{self.port}", folder
        self.start()

    def __enter__(self) -> "MilvusServer":
        """Use it in a with block."""
        return self

    def __exit__(self, *error: object) -> None:
        """End it."""
        self._process.terminate()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()

    def start(self) -> float:
        """Start the server on the folder that it had, and return the seconds until it answers."""
        began = time.perf_counter()
        command = [str(Path(sys.executable).with_name("milvus-lite")), "server"]
        command += ["--data-dir", str(self._folder / "data"), "--host", "127.0.0.1", "--port", str(self.port)]
        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, env=os.environ | PASSIVE)
        while time.perf_counter() < began + PATIENCE and self._process.poll() is None:
            try:
                with socket.create_connection(("127.0.0.1", self.port), PAUSE):
                    return time.perf_counter() - began
            except OSError:
                time.sleep(PAUSE)
        raise RuntimeError(f"The embedded Milvus server does not answer; see {self._folder / 'server.log'}.")

    def kill(self) -> None:
        """Kill the server at once, as a machine without power does: it saves nothing."""
        self._process.kill()
        self._process.wait(PATIENCE)

    def megabytes(self) -> dict[str, int]:
        """Return the memory that the server holds and the most that it has held."""
        return megabytes(self._process.pid)

    def disk_megabytes(self) -> int:
        """Return the size of its files."""
        return sum(path.stat().st_size for path in self._folder.rglob("*") if path.is_file()) >> 20


def megabytes(process: int | str = "self") -> dict[str, int]:
    """Return the memory that a process holds and the most that it has held, by the kernel's count."""
    names = {"VmRSS": "now", "VmHWM": "most"}
    lines = Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines()
    return {names[line.split(":")[0]]: int(line.split()[1]) >> 10 for line in lines if line.split(":")[0] in names}
