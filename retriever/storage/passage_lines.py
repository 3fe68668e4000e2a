"""The lines of a saved retriever's passages: one JSON object a passage, checked when it is read."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO, TextIOWrapper
from typing import Any

from retriever.documents.document import Passage
from retriever.errors import StorageError
from retriever.json_text import read_json, write_json

ESCAPED_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")  # JSON's escape of half a surrogate pair; two are a whole one
PLACE = ("passage_id", "doc_id", "title", "source")  # keys of a line, each left out where it is empty


def write_passages(passages: Sequence[Passage]) -> bytes:
    """Return passages as lines of JSON, NaN in their metadata as null.

    Raises StorageError, naming the row, if one cannot be written.
    """
    lines = []
    for row, passage in enumerate(passages):
        try:
            lines.append(write_json(_line(passage)).encode("utf-8", "strict"))
        except (TypeError, ValueError, RecursionError) as error:
            raise StorageError(f"The text or metadata in row {row} cannot be written as JSON ({error}).") from error
    return b"".join(line + b"\n" for line in lines)


def read_passages(data: bytes, version: int) -> Iterator[Passage]:
    """Yield the passages in the lines of a save of a format version, line by line to spare memory.

    Raises ValueError, TypeError or LookupError for a line that write_passages does not write.
    """
    parse = _passage_of_version_1 if version == 1 else _passage
    for line in TextIOWrapper(BytesIO(data), "utf-8", newline="\n"):
        parsed = parse_json(line)
        if not isinstance(parsed["metadata"], dict):
            raise ValueError("its metadata are no objects")
        passage = parse(parsed)
        texts = (passage.text, passage.encoded_text, *(getattr(passage, name) for name in PLACE))
        if not all(isinstance(text, str) for text in texts):
            raise ValueError("a text or a title is no text")
        yield passage


def parse_json(text: str) -> Any:  # noqa: ANN401 - whatever JSON holds
    """Return a JSON text's value. Raises ValueError if it is invalid or has half a surrogate pair, as no save has."""
    value = read_json(text)
    if ESCAPED_SURROGATE.search(text):
        json.dumps(value, ensure_ascii=False).encode()  # UnicodeEncodeError is a ValueError
    return value


def _line(passage: Passage) -> dict[str, Any]:
    """Return a passage as the object of a line: "text" is what was embedded, "shown" what is shown if that differs."""
    line: dict[str, Any] = {"text": passage.encoded_text, "metadata": dict(passage.metadata)}
    if passage.text != passage.encoded_text:
        line["shown"] = passage.text
    line |= {name: getattr(passage, name) for name in PLACE if getattr(passage, name)}
    return line if passage.span is None else {**line, "span": passage.span}


def _passage(line: Mapping[str, Any]) -> Passage:
    """Return the passage of a line."""
    place = {name: line.get(name, "") for name in PLACE}
    span = line.get("span")
    if span is not None:
        start, end = span
        if not (type(start) is type(end) is int and 0 <= start <= end):
            raise ValueError("a passage has no such place")
        span = (start, end)
    return Passage(line.get("shown", line["text"]), line["text"], span=span, metadata=line["metadata"], **place)


def _passage_of_version_1(line: Mapping[str, Any]) -> Passage:
    """Return the passage of a line of version 1, where the place stood in the metadata of a collection's passages."""
    text, metadata = line["text"], dict(line["metadata"])
    if not (isinstance(metadata.get("doc_id"), str) and isinstance(metadata.get("title"), str)):
        return Passage(text, text, metadata=metadata)  # of a retriever that was given texts, not documents
    doc_id, title, source = metadata.pop("doc_id"), metadata.pop("title"), str(metadata.get("source") or "")
    if isinstance(metadata.get("chunk_id"), str) and type(metadata.get("start")) is type(metadata.get("end")) is int:
        chunk_id, span = metadata.pop("chunk_id"), (metadata.pop("start"), metadata.pop("end"))
        return Passage(text, text, chunk_id, doc_id, title, source, span, metadata)
    return Passage(text.removeprefix(f"{title} "), text, doc_id, doc_id, title, source, None, metadata)
