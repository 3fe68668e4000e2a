"""Embedding by several workers with Ray Data: from files of texts, through one model a worker, into a Milvus server.

Lines are read here and not by ray.data.read_json or read_text: the first gives all lines the same keys, with null where
a line has none, so that metadata and ids change; the second ends a line at every character that Unicode counts as one.
"""

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import PIPE, Popen
from time import perf_counter
from typing import Any

import numpy as np

from retriever.datasets.json_lines import json_lines, required_field
from retriever.documents.document import Passage
from retriever.encoders.base import embed_documents
from retriever.errors import CollectionError, RetrieverError
from retriever.evaluation.numbered_lines import numbered_lines
from retriever.parameters import check_count
from retriever.retrievers.milvus import MilvusRetriever
from retriever.retrievers.milvus_passages import passage_of, record_of
from retriever.unicode import clean_text

INSTALL = 'pip install ".[milvus,ray]"'
JSON_NAMES = (".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz")
TEXT_NAMES = (".txt", ".txt.gz")
BLOCK_BYTES = 256 * 1024  # of texts, that go to a worker together: done again if it dies, and shared out evenly
READER_CPUS, WORKER_CPUS = 0.1, 0.9  # of each CPU; with a whole one a worker, no reader would ever start
MAX_WORKERS = 10_000
# Read by Ray when it is imported: it would report its use to its makers, listen on all interfaces, and want a token
# that it does not send to a cluster whose address it is given.
SETTINGS = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_AUTH_MODE": "token"}

Batch = Mapping[str, Any]  # column -> array, as Ray Data hands it over


@dataclass(frozen=True)
class EmbeddingSummary:
    """What a run did.

    texts: read. embedded: by this run. new: stored by it, of which a text that comes twice is one. stored: passages in
    the collection in the end. workers: processes that embedded, more than were asked for if some were lost.
    """

    texts: int
    embedded: int
    new: int
    stored: int
    workers: int
    seconds: float


def embed_files(
    paths: str | Path | Sequence[str | Path],
    uri: str,
    collection: str,
    *,
    model_name: str = "all-MiniLM-L6-v2",
    workers: int = 2,
    token: str = "",
    timeout: float = 30.0,
    gpus_per_worker: float = 0.0,
    progress: Callable[[int], None] | None = None,
) -> EmbeddingSummary:
    """Embed the texts of files on a Ray cluster, and store them in a collection of a MilvusRetriever.

    paths: files or folders that every worker can read, as of files_of. uri, collection, token, timeout: of
    MilvusRetriever, whose other settings are the usual ones. progress: called with the number of texts done. The
    cluster is the one that ray.init has connected to, else one of this machine's, which ends with the work.

    Ids are made of the content: what is stored already is not embedded, so that to run this again goes on from where
    it was interrupted, and a block that is done again because its worker died is stored once. Only this process writes.

    Raises CollectionError for files that cannot be read, RetrieverError if Ray is missing, and what MilvusRetriever
    raises.
    """
    workers = check_count("workers", workers, 1, MAX_WORKERS)
    files = files_of(paths)
    began = perf_counter()
    retriever = MilvusRetriever(uri, collection, model_name, token=token, timeout=timeout)
    seen = embedded = new = 0
    processes: set[int] = set()
    options = {"uri": uri, "collection": collection, "token": token, "timeout": timeout}
    with _cluster(workers):
        for row in _embedded(files, options, workers, gpus_per_worker):
            lines = row["lines"]
            vectors = np.frombuffer(row["vectors"], np.float32).reshape(len(lines), retriever.dimension)
            new += retriever.add_embedded([passage_of(line) for line in lines], vectors) if len(lines) else 0
            seen, embedded = seen + int(row["texts"]), embedded + len(lines)
            processes.add(int(row["process"]))
            if progress:
                progress(seen)
    retriever.settle()
    return EmbeddingSummary(seen, embedded, new, len(retriever.passages), len(processes), perf_counter() - began)


def files_of(paths: str | Path | Sequence[str | Path]) -> list[Path]:
    """Return files of texts: those given, and of a folder all that are JSON lines or plain lines by their names.

    Raises CollectionError for a path that is not there, or a folder without one.
    """
    found: list[Path] = []
    for path in map(Path, [paths] if isinstance(paths, str | Path) else paths):
        if not path.exists():
            raise CollectionError(f"There is no file or folder {path}; give files that every worker can read.")
        names = JSON_NAMES + TEXT_NAMES
        inside = sorted(one for one in path.rglob("*") if one.name.endswith(names)) if path.is_dir() else [path]
        if not inside:
            raise CollectionError(f"The folder {path} holds no file that ends with {', '.join(names)}.")
        found += [one.resolve() for one in inside]
    return found


def read_passages(path: Path) -> Iterator[Passage]:
    """Yield the texts of a file with their metadata.

    Of JSON lines, which its name tells, each is an object with `text`; its `metadata` and all other keys are metadata.
    Of any other file each line is a text. Lines without one are left out. Raises CollectionError, naming the line.
    """
    if not path.name.endswith(JSON_NAMES):
        for _, line in numbered_lines(path):
            yield Passage(text := clean_text(line.strip()), text)
        return
    for number, row in json_lines(path):
        if text := required_field(row, "text", path, number).strip():
            more = row.get("metadata")
            metadata = {key: value for key, value in row.items() if key not in ("text", "metadata")}
            metadata |= more if isinstance(more, dict) else {} if more is None else {"metadata": more}
            yield Passage(text, text, metadata=metadata)


class Embedder:
    """The work of one process: it holds a connection and a model, and embeds those texts that are not stored.

    It returns one row for each block that it is given. Ray does a dead worker's block again and leaves out as many
    rows as it has got already; but by then some texts are stored, so that several rows of other sizes would be cut
    into other pieces, of which Ray would leave out some that it never got.
    """

    def __init__(self, uri: str, collection: str, token: str, timeout: float) -> None:
        """Connect to the collection, which says what its model is."""
        self._retriever = MilvusRetriever.load(uri, collection, token=token, timeout=timeout)

    def __call__(self, batch: Batch) -> dict[str, list[Any]]:
        """Return one row: how many texts there were, the new ones as stored lines, and their vectors as bytes."""
        lines = dict.fromkeys(map(str, batch["line"]))
        passages = [passage_of(line) for line in lines]
        stored = self._retriever.are_stored(passages)
        new = [passage for passage, known in zip(passages, stored, strict=True) if not known]
        texts = [passage.encoded_text for passage in new]
        vectors = embed_documents(self._retriever.encoder, texts, self._retriever.dimension) if new else b""
        return {
            "texts": [len(batch["line"])],
            "lines": [[record_of(passage).line for passage in new]],
            "vectors": [bytes(vectors)],
            "process": [os.getpid()],
        }


def _lines_of_files(batch: Any) -> Iterator[dict[str, list[str]]]:  # noqa: ANN401 - as Ray types it
    """Yield the texts of files as stored lines, some hundred at a time, so that a large file never stands in memory."""
    for path in batch["item"]:
        lines: list[str] = []
        size = 0
        for passage in read_passages(Path(path)):
            lines.append(record_of(passage).line)
            size += len(lines[-1])
            if size >= BLOCK_BYTES:
                yield {"line": lines}
                lines, size = [], 0
        if lines:
            yield {"line": lines}


def _embedded(files: Sequence[Path], options: Mapping[str, Any], workers: int, gpus: float) -> Iterator[dict[str, Any]]:
    """Yield the rows that the workers return, in any order. What a worker raised of this package is raised here."""
    import ray.data
    from ray.exceptions import RayError

    context = ray.data.DataContext.get_current().copy()
    context.target_max_block_size, context.enable_progress_bars = BLOCK_BYTES, False
    with ray.data.DataContext.current(context):
        paths = ray.data.from_items([str(path) for path in files], override_num_blocks=len(files))
        lines = paths.map_batches(_lines_of_files, batch_size=1, num_cpus=READER_CPUS)
        rows = lines.map_batches(
            Embedder,
            fn_constructor_kwargs=dict(options),
            compute=ray.data.ActorPoolStrategy(size=workers),
            batch_size=None,  # one block, one row: see Embedder
            num_cpus=WORKER_CPUS,
            num_gpus=gpus,
        )
        try:
            yield from rows.iter_rows()
        except RayError as error:
            raise _own_error(error) from error


def _own_error(error: BaseException) -> BaseException:
    """Return the error of this package that a worker ended with, or the error itself."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, RetrieverError):
            return cause
        cause = getattr(cause, "cause", None) or cause.__cause__
    return error


@contextmanager
def _cluster(workers: int) -> Iterator[None]:
    """Use the Ray cluster that is connected, or start one on this machine and end it.

    Raises RetrieverError if Ray is not installed or does not start.
    """
    if "ray" not in sys.modules:
        os.environ.update(SETTINGS | dict(os.environ))
    try:
        import ray
    except ImportError as error:
        raise RetrieverError(f"Ray, which shares it out, is not installed; in a checkout run: {INSTALL}") from error
    if ray.is_initialized():
        yield
        return
    if "RAY_AUTH_MODE" not in os.environ:
        raise RetrieverError("Ray was imported before embed_files could set it up; call ray.init() before embed_files.")
    with _head(workers) as address:
        try:
            ray.init(address, log_to_driver=False)
            yield
        finally:
            ray.shutdown()


@contextmanager
def _head(cpus: int) -> Iterator[str]:
    """Start a Ray cluster of so many CPUs on this machine, yield its address and end it: see ray_head."""
    # without this folder in its path, whose modules hide others; in a session of its own, which Ctrl-C does not reach
    command = [sys.executable, "-P", str(Path(__file__).with_name("ray_head.py")), str(cpus)]
    with Popen(command, stdin=PIPE, stdout=PIPE, text=True, start_new_session=True) as head:  # closes the input at last
        assert head.stdout
        said = json.loads(head.stdout.readline() or '{"error": "it ended"}')
        if "error" in said:
            raise RetrieverError(
                f"Ray did not start on this machine ({said['error']}). It gives up after 30 s: run this again when the "
                'machine has less to do, or start Ray by hand (ray start --head) and connect with ray.init("auto").'
            )
        yield said["address"]
