"""The child of a ReadingProcess: it confines itself, then reads one file for each line that comes in.

Lines of JSON go both ways. It is run by this file's path, without the package's root, which would load numpy and
hnswlib. What it knows to do is the table of tasks below; names from elsewhere mean nothing to it.
"""

import json
import os
import sys
import types
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]  # of the packages that the tasks import from
OUT_OF_MEMORY = 77  # the exit status of a child that was refused memory


def read_sections(path: str, max_pages: int | None) -> list[list[Any]]:
    """Read a file's pieces, each as the list of its fields."""
    from retriever.documents.loading import read_file

    pieces = read_file(Path(path), max_pages=max_pages)
    return [[piece.text, piece.title, piece.metadata, piece.place, piece.given_id] for piece in pieces]


def try_beir(path: str, folder: str, max_bytes: int) -> None:
    """Unpack and read a zip in BEIR layout."""
    from retriever.datasets.beir import read_beir
    from retriever.datasets.beir_archive import unpack_beir

    unpack_beir(path, folder, max_bytes=max_bytes)
    read_beir(folder)


def try_saved(path: str, folder: str, max_bytes: int) -> None:
    """Unpack and read a saved collection, without its graph."""
    from retriever.storage.archive import unpack_saved
    from retriever.storage.snapshot import read_snapshot

    unpack_saved(path, folder, max_bytes=max_bytes)
    read_snapshot(folder, with_graph=False)


def try_qrels(path: str) -> None:
    """Read a file of judgments."""
    from retriever.evaluation.trec import read_qrels

    read_qrels(path)


def try_queries(path: str) -> None:
    """Read a file of queries."""
    from retriever.datasets.beir import read_queries

    read_queries(Path(path))


TASKS: Mapping[str, Callable[..., Any]] = types.MappingProxyType(
    {"read": read_sections, "beir": try_beir, "saved": try_saved, "qrels": try_qrels, "queries": try_queries}
)


def main() -> None:
    """Answer requests until there are no more, which is also when the parent is gone; exit where memory ends."""
    try:
        _serve()
    except MemoryError:
        os._exit(OUT_OF_MEMORY)


def _serve() -> None:
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what a library prints is no answer
    first = json.loads(sys.stdin.buffer.readline())
    sys.path[:] = first["path"]
    for name in ("retriever", "sandbox"):
        package = types.ModuleType(name)
        package.__path__ = [str(ROOT / name)]
        sys.modules[name] = package

    from sandbox.restrictions import Restrictions, apply_restrictions

    _send(answers, {"missing": apply_restrictions(Restrictions(**first["restrictions"]))})
    for line in sys.stdin.buffer:
        _send(answers, _answer(json.loads(line)))


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    """Do a task; an error of this package is an answer, any other ends the child."""
    from retriever.errors import RetrieverError

    try:
        return {"done": TASKS[request.pop("task")](**request)}
    except RetrieverError as error:
        return {"error": type(error).__name__, "message": str(error)}


def _send(answers: Any, answer: Mapping[str, Any]) -> None:  # noqa: ANN401 - an open file
    answers.write(json.dumps(answer, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n")
    answers.flush()


if __name__ == "__main__":
    main()
