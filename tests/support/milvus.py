"""The embedded Milvus server, started as a user starts it, for tests that need one.

Where MILVUS_TEST_URI is set, the tests run over that server instead, and drop only the collections that they made.
"""

import os
import socket
import subprocess
import sys
import time
import uuid
from contextlib import closing, contextmanager
from pathlib import Path

PATIENCE = 60  # seconds until a test gives up: the machine may be busy


class MilvusServer:
    """A milvus-lite server in a process of its own, whose data stand in a folder."""

    def __init__(self, folder, port=None):
        """Start a server over a folder; port: None for a free one."""
        self.folder, self.port = Path(folder), port or free_port()
        self.uri = f"http://127.0.0.1:{self.port}"
        self.start()

    def start(self):
        """Start the server, at the port it had, and wait until it answers."""
        program = Path(sys.executable).with_name("milvus-lite")
        command = [program, "server", "--data-dir", self.folder, "--host", "127.0.0.1", "--port", self.port]
        with open(f"{self.folder}.log", "a") as log:
            self.process = subprocess.Popen([str(word) for word in command], stdout=log, stderr=log)
        end = time.monotonic() + PATIENCE
        while True:
            assert self.process.poll() is None and time.monotonic() < end, Path(log.name).read_text()
            try:
                with closing(socket.create_connection(("127.0.0.1", self.port), 1)):
                    return
            except OSError:
                time.sleep(0.05)

    def stop(self, *, kill=False):
        """Stop the server, or kill it without notice."""
        (self.process.kill if kill else self.process.terminate)()
        self.process.wait(PATIENCE)


def free_port():
    """Return a port of this machine where nothing listens."""
    with closing(socket.socket()) as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@contextmanager
def milvus_uri(folder):
    """Yield the address of a server for tests: that of MILVUS_TEST_URI, or one that is started over a folder."""
    if given := os.environ.get("MILVUS_TEST_URI"):
        yield given
        return
    server = MilvusServer(folder)
    try:
        yield server.uri
    finally:
        server.stop()


def fresh_name():
    """Return a name of a collection that no server has."""
    return f"test_{uuid.uuid4().hex}"
