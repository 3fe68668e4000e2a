"""Embedding of files with two Ray workers in a process of its own, which may lose a worker or die half-way.

Arguments: the folder of files, the server's address, the collection, and what is killed: nothing, worker or driver.
Prints what the run did, as JSON.
"""

import json
import os
import signal
import sys
from dataclasses import asdict
from pathlib import Path

MARK = "RAY_RUN_OF_A_TEST"  # name of a variable that every process of the run has


def processes(mark, title=b""):
    """Return the ids of all processes of a run whose command line begins with a title; itself is none of them."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            environment, line = (path / "environ").read_bytes(), (path / "cmdline").read_bytes()
        except OSError:
            continue
        if f"{MARK}={mark}\0".encode() in environment and line.startswith(title) and int(path.name) != os.getpid():
            found.append(int(path.name))
    return found


def main(folder, uri, collection, killed):
    from retriever.indexing.ray_embedding import embed_files

    mark, done = os.environ[MARK], []

    def progress(texts):
        done.append(texts)
        if killed == "driver" and texts >= 1_000:
            os.kill(os.getpid(), signal.SIGKILL)
        if killed == "worker" and len(done) == 1:
            os.kill(processes(mark, b"ray::MapWorker(MapBatches(Embedder))")[0], signal.SIGKILL)

    summary = embed_files(folder, uri, collection, model_name="wordllama-256", workers=2, progress=progress)
    sys.stdout.write(json.dumps(asdict(summary)))


if __name__ == "__main__":
    main(*sys.argv[1:])
