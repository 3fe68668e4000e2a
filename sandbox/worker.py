"""The worker process of a ReadingProcess: it restricts itself, then does one task for each request.

Requests and answers are lines of JSON. The file is run by its path, without the package's root, which would load numpy
and hnswlib. Only the tasks in TASKS can be requested.
"""

import json
import os
import sys
import types
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

PROJECT_FOLDER = Path(__file__).resolve().parents[1]  # of the packages that the tasks import from
OUT_OF_MEMORY = 77  # exit status of a worker that was refused memory


def read_content(path: str, max_pages: int | None, text_columns: list[str], title_column: str) -> list[Any]:
    """Return the fields of a file's content, its sections as lists of theirs; the columns are those of a table."""
    from retriever.documents.document import TableColumns
    from retriever.documents.loading import read_file

    columns = TableColumns(tuple(text_columns), title_column)
    content = read_file(Path(path), max_pages=max_pages, columns=columns)
    sections = [[one.text, one.title, one.metadata, one.place, one.given_id] for one in content.sections]
    return [sections, dict(content.unread), list(content.notes)]


def column_names(path: str, most: int) -> list[str]:
    """Return the names of a table's first columns."""
    from retriever.documents.loading import read_column_names

    return read_column_names(Path(path))[:most]


def archive_parts(path: str) -> list[tuple[str, list[str]]]:
    """Return the collections in a zip archive in BEIR layout, each with its splits."""
    from retriever.datasets.beir_archive import archive_parts

    return list(archive_parts(path).items())


def try_beir(path: str, folder: str, max_bytes: int, collection: str = "", split: str = "") -> None:
    """Unpack and read a part of a zip archive in BEIR layout."""
    from retriever.datasets.beir import read_beir
    from retriever.datasets.beir_archive import unpack_beir

    part = unpack_beir(path, folder, max_bytes=max_bytes, collection=collection, split=split)
    read_beir(folder, part.split)


def try_saved(path: str, folder: str, max_bytes: int) -> None:
    """Unpack and read the zip archive of a saved collection, without its graph."""
    from retriever.errors import StorageError
    from retriever.storage.archive import unpack_saved
    from retriever.storage.snapshot import read_snapshot

    unpack_saved(path, folder, max_bytes=max_bytes)
    model = read_snapshot(folder, with_graph=False).model_name
    if Path(model).is_absolute():  # of this machine, it is none of a visitor's
        raise StorageError(f"Its model is the folder {model[:80]!r} of some machine; save it with a named model.")


def try_qrels(path: str) -> None:
    """Read a file of qrels."""
    from retriever.evaluation.trec import read_qrels

    read_qrels(path)


def try_queries(path: str) -> None:
    """Read a file of queries."""
    from retriever.datasets.query_files import read_query_file

    read_query_file(Path(path))


TASKS: Mapping[str, Callable[..., Any]] = types.MappingProxyType(
    {
        "read": read_content,
        "columns": column_names,
        "parts": archive_parts,
        "beir": try_beir,
        "saved": try_saved,
        "qrels": try_qrels,
        "queries": try_queries,
    }
)


def main() -> None:
    """Answer requests until the pipe is closed, also by the parent's end; exit with OUT_OF_MEMORY on a MemoryError."""
    try:
        _serve()
    except MemoryError:
        os._exit(OUT_OF_MEMORY)


def _serve() -> None:
    """Apply the restrictions in the first line, answer what is missing, then answer each further line."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what a library prints must not become an answer
    first = json.loads(sys.stdin.buffer.readline())
    sys.path[:] = first["path"]
    for name in ("retriever", "sandbox"):
        package = types.ModuleType(name)
        package.__path__ = [str(PROJECT_FOLDER / name)]
        sys.modules[name] = package

    from sandbox.restrictions import Restrictions, apply_restrictions

    _send(answers, {"missing": apply_restrictions(Restrictions(**first["restrictions"]))})
    for line in sys.stdin.buffer:
        _send(answers, _answer(json.loads(line)))


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    """Do a task and return its answer; a RetrieverError is an answer, any other error ends the worker."""
    from retriever.errors import RetrieverError

    try:
        return {"done": TASKS[request.pop("task")](**request)}
    except RetrieverError as error:
        return {"error": type(error).__name__, "message": str(error)}


def _send(answers: Any, answer: Mapping[str, Any]) -> None:  # noqa: ANN401 - an open file
    """Write an answer as a line of JSON."""
    answers.write(json.dumps(answer, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n")
    answers.flush()


if __name__ == "__main__":
    main()
