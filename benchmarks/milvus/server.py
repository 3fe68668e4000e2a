"""The embedded Milvus server in a process of its own, which may be killed and started again on the same folder."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

PATIENCE = 60  # seconds until it answers
PAUSE = 0.05
PASSIVE = {"OMP_WAIT_POLICY": "passive"}  # its threads do not spin while they wait for one another, as clients work too


class MilvusServer:
    """A running milvus-lite server on a port of this machine. Its collections stand in a folder, its log is beside it.

    It must be stopped, and may be started again on the same port and folder.
    """

    def __init__(self, folder: Path) -> None:
        """Start it over a folder, which is made if it is missing, on a free port."""
        self.folder, self.log, self.port = folder, folder.with_suffix(".log"), free_port()
        self.uri = f"http://127.0.0.1:{self.port}"
        self.start()

    def __enter__(self) -> "MilvusServer":
        """Use it in a with block."""
        return self

    def __exit__(self, *error: object) -> None:
        """End it."""
        self.stop()

    def start(self) -> float:
        """Start the server on the port that it had, and return the seconds until it answers."""
        began = time.perf_counter()
        command = [str(Path(sys.executable).with_name("milvus-lite")), "server"]
        command += ["--data-dir", str(self.folder), "--host", "127.0.0.1", "--port", str(self.port)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=os.environ | PASSIVE)
        while time.perf_counter() < began + PATIENCE and self.process.poll() is None:
            try:
                with socket.create_connection(("127.0.0.1", self.port), 1):
                    return time.perf_counter() - began
            except OSError:
                time.sleep(PAUSE)
        raise RuntimeError(f"The embedded Milvus server does not answer: {self.log.read_text(encoding='utf-8')}")

    def stop(self, *, kill: bool = False) -> None:
        """End the server; kill: at once, as a machine without power does, so that it saves nothing."""
        (self.process.kill if kill else self.process.terminate)()
        self.process.wait(PATIENCE)

    def megabytes(self) -> dict[str, int]:
        """Return the memory that the server holds and the most that it has held."""
        return megabytes(self.process.pid)

    def disk_megabytes(self) -> int:
        """Return the size of its files."""
        return sum(path.stat().st_size for path in self.folder.rglob("*") if path.is_file()) >> 20


def free_port() -> int:
    """Return a port of this machine where nothing listens."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def megabytes(process: int | str = "self") -> dict[str, int]:
    """Return the memory that a process holds and the most that it has held, by the kernel's count."""
    names = {"VmRSS": "now", "VmHWM": "most"}
    lines = Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines()
    return {names[line.split(":")[0]]: int(line.split()[1]) >> 10 for line in lines if line.split(":")[0] in names}
