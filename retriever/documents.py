"""Documents, and the files they are read from."""

import os
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from retriever.errors import DocumentError
from retriever.pieces import Piece
from retriever.readers import READERS

ACCEPTED = tuple(READERS)  # the suffixes of the files that can be read


@dataclass(frozen=True)
class Document:
    """Hold a text that can be searched, and where it came from.

    `metadata` names the file ("source") and, where it applies, the "page" or "row" in it, both counted from 1.
    """

    doc_id: str
    text: str
    title: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)


class Documents(list[Document]):
    """List the documents that were read; `failed` gives the reason for each file that could not be."""

    def __init__(self, documents: Iterable[Document] = (), failed: dict[str, str] | None = None) -> None:
        super().__init__(documents)
        self.failed = dict(failed or {})  # file name -> reason


def load_documents(paths: str | Path | Iterable[str | Path]) -> Documents:
    """Read files, in the order given, and folders, with all that they hold of the accepted formats, sorted.

    One bad file never stops the others: it is put into `.failed` with its reason. A file gives one document, or
    one for each page (PDF) or row (CSV, JSONL). Ids are those that rows give themselves, or `guide.pdf#page=3`,
    `table.csv#row=7`, `notes.txt`; files of one name are told apart by their folders, and equal ids from
    different files by the file's name. Texts are kept as they are but for line ends, which become line feeds, NUL
    characters, which are dropped, and lone surrogates, which become U+FFFD.
    """
    documents = Documents()
    taken: set[str] = set()
    for name, file in _name_files(_find_files([paths] if isinstance(paths, (str, os.PathLike)) else paths)).items():
        try:
            pieces = _read(file)
        except DocumentError as error:
            documents.failed[name] = str(error)
        except OSError as error:
            documents.failed[name] = f"The file cannot be opened: {error.strerror}. Check that it may be read."
        except Exception as error:  # strangers' files: whatever a parser stumbles over must not stop the others
            documents.failed[name] = (
                f"The file cannot be read ({type(error).__name__}: {error}), so it is probably damaged: save it anew."
            )
        else:
            documents.extend(_document(piece, name, taken) for piece in pieces)
    return documents


def _find_files(paths: Iterable[str | Path]) -> list[Path]:
    """List the files to read, each once; a folder without any stands for itself, so that it is reported."""
    found: dict[Path, None] = {}
    for given in paths:
        path = Path(os.path.abspath(given))  # not resolved: a link keeps the name it was given
        inside = (file.relative_to(path) for file in path.rglob("*") if file.is_file()) if path.is_dir() else ()
        seen = [file for file in sorted(inside) if not any(part.startswith((".", "~$")) for part in file.parts)]
        files = [path / file for file in seen if file.suffix.lower() in READERS]
        found.update(dict.fromkeys(files or [path]))
    return list(found)


def _name_files(files: list[Path]) -> dict[str, Path]:
    """Give each file the shortest end of its path that no other file shares: mostly its name."""
    names: dict[Path, str] = {}
    depth = 0
    while len(names) < len(files):
        depth += 1
        ends = {file: "/".join(file.parts[-depth:]) for file in files}
        count = Counter(ends.values())
        names |= {file: end for file, end in ends.items() if count[end] == 1 and file not in names}
    return {names[file]: file for file in files}


def _read(file: Path) -> list[Piece]:
    """Read one file's pieces that hold text, cleaned."""
    accepted = ", ".join(ACCEPTED)
    if file.is_dir():
        raise DocumentError(f"The folder holds no file that can be read: it needs one of {accepted}.")
    if not file.exists():
        raise DocumentError("There is no such file: check its path.")
    reader = READERS.get(file.suffix.lower())
    if reader is None:
        found = f"The extension is {file.suffix}" if file.suffix else "The file has no extension"
        raise DocumentError(f"{found}, but one of {accepted} was expected: convert the file.")
    if not file.is_file():
        raise DocumentError("This is a device or a pipe, but a regular file was expected: copy it to one.")
    data = file.read_bytes()
    if not data.strip():
        raise DocumentError("The file is empty, but a text was expected: check that it was saved or uploaded whole.")
    pieces = [piece for piece in reader(data) if clean(piece.text).strip()]
    if not pieces:
        raise DocumentError("No text was found in the file, only blanks or markup: check its content.")
    return pieces


def clean(text: str) -> str:
    """Make a text fit for every later step: line feeds, no NUL, nothing that UTF-8 cannot hold."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    return re.sub("[\ud800-\udfff]", "\ufffd", text)


def _document(piece: Piece, name: str, taken: set[str]) -> Document:
    """Make a document of a piece, with an id that none before it has."""
    own = clean(piece.given_id) or (f"{name}#{piece.place}" if piece.place else name)
    doc_id = own if own not in taken else f"{name}#{own}"
    while doc_id in taken:
        doc_id += "~"
    taken.add(doc_id)
    title = " ".join(clean(piece.title).split())
    return Document(doc_id, clean(piece.text), title, {"source": name, **piece.metadata})
