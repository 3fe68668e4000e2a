"""Documents, and the files they are read from."""

import os
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

from retriever.documents.document import Document, Section
from retriever.documents.readers.docx import read_docx
from retriever.documents.readers.html import read_html
from retriever.documents.readers.markdown import read_md
from retriever.documents.readers.pdf import read_pdf
from retriever.documents.readers.plain_text import read_txt
from retriever.documents.tabular import read_csv, read_jsonl
from retriever.errors import DocumentError
from retriever.unicode import clean_text

READERS: dict[str, Callable[[bytes], list[Section]]] = {
    ".txt": read_txt,
    ".md": read_md,
    ".html": read_html,
    ".htm": read_html,
    ".pdf": read_pdf,
    ".docx": read_docx,
    ".csv": read_csv,
    ".jsonl": read_jsonl,
}
ACCEPTED_SUFFIXES = tuple(READERS)  # the suffixes of the files that can be read


class LoadedDocuments(list[Document]):
    """List the documents that were read; `failed` gives the reason for each file that could not be."""

    def __init__(self, documents: Iterable[Document] = (), failed: dict[str, str] | None = None) -> None:
        super().__init__(documents)
        self.failed = dict(failed or {})  # file name -> reason


def load_documents(
    paths: str | Path | Iterable[str | Path], *, read: Callable[[Path], list[Section]] | None = None
) -> LoadedDocuments:
    """Read files, in the order given, and folders, with all that they hold of the accepted formats, sorted.

    One bad file never stops the others: it is put into `.failed` with its reason. A file gives one document, or
    one for each page (PDF) or row (CSV, JSONL). Ids are those that rows give themselves, or `guide.pdf#page=3`,
    `table.csv#row=7`, `notes.txt`; files of one name are told apart by their folders, and equal ids from
    different files by the file's name. Texts are kept as they are but for line ends, which become line feeds, NUL
    characters, which are dropped, and lone surrogates, which become U+FFFD. read: what reads one file into pieces and
    raises DocumentError for one that cannot be read; read_file in this process, unless another is given.
    """
    documents = LoadedDocuments()
    taken: dict[str, int] = {}
    for given, file in _name_files(_find_files([paths] if isinstance(paths, (str, os.PathLike)) else paths)).items():
        name = clean_text(given)
        try:
            pieces = (read or read_file)(file)
        except DocumentError as error:
            documents.failed[name] = str(error)
        except MemoryError:
            documents.failed[name] = "Reading the file needs more memory than there is: split it."
        else:
            documents.extend(_make_document(piece, name, taken) for piece in pieces)
    return documents


def _find_files(paths: Iterable[str | Path]) -> list[Path]:
    """List the files to read, each once; a folder without any stands for itself, so that it is reported."""
    found: dict[Path, None] = {}
    for given in paths:
        path = Path(os.path.abspath(given))  # not resolved: a link keeps the name it was given
        folder = os.path.isdir(path)  # unlike Path.is_dir, False for a name that is too long
        inside = (file.relative_to(path) for file in path.rglob("*") if file.is_file()) if folder else ()
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


def read_file(file: Path, *, max_pages: int | None = None) -> list[Section]:
    """Read one file's pieces that hold text, at most max_pages of a PDF. Raises DocumentError for every bad file.

    Only a lack of memory is raised as MemoryError: that says little about the file.
    """
    try:
        return _read_by_suffix(file, max_pages)
    except (DocumentError, MemoryError):
        raise
    except OSError as error:
        raise DocumentError(f"The file cannot be opened: {error.strerror}. Check that it may be read.") from error
    except Exception as error:  # strangers' files: whatever a parser stumbles over must not stop the others
        found = f"{type(error).__name__}: {error}"[:120]
        raise DocumentError(f"The file cannot be read ({found}), so it is probably damaged: save it anew.") from error


def _read_by_suffix(file: Path, max_pages: int | None) -> list[Section]:
    accepted = ", ".join(ACCEPTED_SUFFIXES)
    if file.is_dir():
        raise DocumentError(f"The folder holds no file that can be read: it needs one of {accepted}.")
    if not file.exists():
        raise DocumentError("There is no such file: check its path.")
    suffix = file.suffix.lower()
    if suffix not in READERS:
        found = f"The extension is {file.suffix[:20]}" if suffix else "The file has no extension"
        raise DocumentError(f"{found}, but one of {accepted} was expected: convert the file.")
    if not file.is_file():
        raise DocumentError("This is a device or a pipe, but a regular file was expected: copy it to one.")
    data = file.read_bytes()
    if not data.strip():
        raise DocumentError("The file is empty, but a text was expected: check that it was saved or uploaded whole.")
    pieces = read_pdf(data, max_pages) if suffix == ".pdf" else READERS[suffix](data)
    pieces = [piece for piece in pieces if clean_text(piece.text).strip()]
    if not pieces:
        raise DocumentError("No text was found in the file, only blanks or markup: check its content.")
    return pieces


def _make_document(piece: Section, name: str, taken: dict[str, int]) -> Document:
    """Make a document of a piece, with an id that none before it has."""
    own = clean_text(piece.given_id) or (f"{name}#{piece.place}" if piece.place else name)
    title = " ".join(clean_text(piece.title).split())
    return Document(_unique_id(own, name, taken), clean_text(piece.text), title, {"source": name, **piece.metadata})


def _unique_id(own: str, name: str, taken: dict[str, int]) -> str:
    """Return an id not taken yet, and take it: its own, else with the file's name, else numbered as well.

    taken: id -> the last number tried after it; kept, so that ids made to collide are not all tried every time.
    """
    base = doc_id = own if own not in taken else f"{name}#{own}"
    while doc_id in taken:
        taken[base] += 1
        doc_id = f"{base}~{taken[base]}"
    taken[doc_id] = 1
    return doc_id
