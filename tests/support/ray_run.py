"""Embedding of files with two Ray workers in a process of its own, which may lose a worker or die half-way.

Arguments: the folder of files, the server's address, the collection, and what is killed: nothing, worker or driver.
Prints what the run did, as JSON.
"""

import json
import os
import signal
import sys
import time
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from retriever.indexing import ray_embedding

FOLDER = "RAY_RUN_FOLDER"  # name of a variable: where a run notes that something is stored, and that a worker died
MARK = "RAY_RUN_OF_A_TEST"  # name of a variable that every process of the run has


def processes(mark):
    """Return the ids of all processes of a run."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            environment = (path / "environ").read_bytes()
        except OSError:
            continue
        if f"{MARK}={mark}\0".encode() in environment:
            found.append(int(path.name))
    return found


class Mortal(ray_embedding.Embedder):
    """An embedder that dies with its second block, embedded but not handed over, if it is the first to get so far.

    By then one row at least is stored, so that a block which is done again meets passages that are there.
    """

    def __call__(self, batch):
        self.blocks = getattr(self, "blocks", 0) + 1
        rows = super().__call__(batch)
        folder = Path(os.environ[FOLDER])
        if self.blocks == 2:
            while not (folder / "stored").exists():
                time.sleep(0.05)
            with suppress(FileExistsError):
                (folder / "died").touch(exist_ok=False)
                os.kill(os.getpid(), signal.SIGKILL)
        return rows


def main(folder, uri, collection, killed):
    if killed == "worker":
        ray_embedding.Embedder = Mortal

    def progress(texts):
        (Path(os.environ[FOLDER]) / "stored").touch()
        if killed == "driver" and texts >= 1_000:
            os.kill(os.getpid(), signal.SIGKILL)

    summary = ray_embedding.embed_files(
        folder, uri, collection, model_name="wordllama-256", workers=2, progress=progress
    )
    sys.stdout.write(json.dumps(asdict(summary)))


if __name__ == "__main__":
    main(*sys.argv[1:])
