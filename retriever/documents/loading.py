"""Loading of documents from files and folders."""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from retriever.documents.document import Document, FileContent, Section, TableColumns
from retriever.documents.readers.csv_tables import csv_columns, read_csv, read_tsv, tsv_columns
from retriever.documents.readers.docx.reader import read_docx
from retriever.documents.readers.html.reader import read_html
from retriever.documents.readers.json_lines import jsonl_columns, read_jsonl
from retriever.documents.readers.markdown import read_md
from retriever.documents.readers.pdf.reader import read_pdf
from retriever.documents.readers.plain_text import read_txt
from retriever.documents.titles import real_title
from retriever.errors import DocumentError
from retriever.unicode import clean_text

READERS: dict[str, Callable[[bytes], FileContent]] = {
    ".txt": read_txt,
    ".md": read_md,
    ".html": read_html,
    ".pdf": read_pdf,
    ".docx": read_docx,
    ".csv": read_csv,
    ".tsv": read_tsv,
    ".jsonl": read_jsonl,
}
TABLE_READERS: dict[str, Callable[[bytes, TableColumns | None], FileContent]] = {  # which can be told columns to read
    ".csv": read_csv,
    ".tsv": read_tsv,
    ".jsonl": read_jsonl,
}
HEADER_READERS: dict[str, Callable[[bytes], list[str]]] = {
    ".csv": csv_columns,
    ".tsv": tsv_columns,
    ".jsonl": jsonl_columns,
}
FORMATS = tuple(READERS)  # the usual extensions, one of each format
ALSO = {  # other extensions of the same formats
    ".markdown": ".md",
    ".htm": ".html",
    ".xhtml": ".html",
    ".docm": ".docx",  # with macros, which are not run
    ".dotx": ".docx",  # a template
    ".dotm": ".docx",
    ".ndjson": ".jsonl",
    ".json": ".jsonl",
}
for also, usual in ALSO.items():
    READERS[also] = READERS[usual]
    if usual in TABLE_READERS:
        TABLE_READERS[also], HEADER_READERS[also] = TABLE_READERS[usual], HEADER_READERS[usual]
ACCEPTED_SUFFIXES = tuple(READERS)  # of the files that can be read


class LoadedDocuments(list[Document]):
    """Documents that were read, as a list, with what was not read and what was guessed.

    failed: file, or file and part of it ("scan.pdf, pages 2 and 3") -> why it could not be read, and what to do.
    notes: file -> sentences on what was guessed, chosen or left out while it was read.
    """

    def __init__(self, documents: Iterable[Document] = (), failed: Mapping[str, str] | None = None) -> None:
        super().__init__(documents)
        self.failed = dict(failed or {})
        self.notes: dict[str, tuple[str, ...]] = {}


def load_documents(
    paths: str | Path | Iterable[str | Path],
    *,
    columns: TableColumns | None = None,
    read: Callable[[Path], FileContent] | None = None,
) -> LoadedDocuments:
    """Read files, in the order given, and folders: all their files of the accepted formats, sorted.

    A bad file never stops the others: it is added to `.failed` with the reason, as are the parts of a file that cannot
    be read; what was guessed stands in `.notes`. A file becomes one document, or
    one for each page (PDF) or row (CSV, TSV, JSONL). Ids are those given in the rows, or `guide.pdf#page=3`,
    `table.csv#row=7`, `notes.txt`; files of the same name are distinguished by their folders, and equal ids from
    different files by the file's name. Texts are unchanged except for line ends, which become line feeds, NUL
    characters, which are dropped, and lone surrogates, which become U+FFFD. columns: of tables, that are read; None
    takes the usual ones. read: the function that reads one file into sections and raises DocumentError for one that
    cannot be read; by default read_file with these columns, in this process.
    """
    read = read or partial(read_file, columns=columns)
    documents = LoadedDocuments()
    used_ids: dict[str, int] = {}
    for given, file in _name_files(_find_files([paths] if isinstance(paths, (str, os.PathLike)) else paths)).items():
        name = clean_text(given)
        try:
            content = read(file)
        except DocumentError as error:
            documents.failed[name] = str(error)
        except MemoryError:
            documents.failed[name] = "Reading the file needs more memory than there is: split it."
        else:
            documents.extend(_make_document(section, name, used_ids) for section in content.sections)
            documents.failed |= {f"{name}, {part}": reason for part, reason in content.unread.items()}
            if content.notes:
                documents.notes[name] = tuple(content.notes)
    return documents


def _find_files(paths: Iterable[str | Path]) -> list[Path]:
    """Return the files to read, each once; a folder without any is returned itself, so that it is reported."""
    found: dict[Path, None] = {}
    for given in paths:
        path = Path(os.path.abspath(given))  # not resolved: a link keeps its own name
        is_folder = os.path.isdir(path)  # unlike Path.is_dir, False for a name that is too long
        relative = (file.relative_to(path) for file in path.rglob("*") if file.is_file()) if is_folder else ()
        visible = [file for file in sorted(relative) if not any(part.startswith((".", "~$")) for part in file.parts)]
        files = [path / file for file in visible if file.suffix.lower() in READERS]
        found.update(dict.fromkeys(files or [path]))
    return list(found)


def _name_files(files: list[Path]) -> dict[str, Path]:
    """Return files by name: the shortest end of the path that no other file shares, mostly the file name."""
    names: dict[Path, str] = {}
    depth = 0
    while len(names) < len(files):
        depth += 1
        ends = {file: "/".join(file.parts[-depth:]) for file in files}
        count = Counter(ends.values())
        names |= {file: end for file, end in ends.items() if count[end] == 1 and file not in names}
    return {names[file]: file for file in files}


def read_file(file: Path, *, max_pages: int | None = None, columns: TableColumns | None = None) -> FileContent:
    """Return the sections of one file that contain text, and what was not read or guessed.

    columns: of a table, that are read. Raises DocumentError for every bad file, and for a PDF of more than max_pages
    pages; ColumnError for a table without a column that was chosen. A lack of memory is raised as MemoryError, because
    it says little about the file.
    """
    with _bad_file_errors():
        data, suffix = _read_bytes(file), file.suffix.lower()
        if suffix == ".pdf":
            content = read_pdf(data, max_pages)
        else:
            content = (
                TABLE_READERS[suffix](data, columns) if columns and suffix in TABLE_READERS else READERS[suffix](data)
            )
        sections = [section for section in content.sections if section.text.replace("\0", "").strip()]
        if not sections:
            raise DocumentError("No text was found in the file, only blanks or markup: check its content.")
        return replace(content, sections=sections)


def read_column_names(file: Path) -> list[str]:
    """Return the names of a table's columns. Raises what read_file raises, and DocumentError if it is no table."""
    with _bad_file_errors():
        if file.suffix.lower() not in HEADER_READERS:
            raise DocumentError(f"Only tables have columns ({', '.join(HEADER_READERS)}): choose one.")
        return [clean_text(name) for name in HEADER_READERS[file.suffix.lower()](_read_bytes(file))]


@contextmanager
def _bad_file_errors() -> Iterator[None]:
    """Raise whatever a parser raises as an error that says what is wrong with the file."""
    try:
        yield
    except (DocumentError, MemoryError):
        raise
    except OSError as error:
        raise DocumentError(f"The file cannot be opened: {error.strerror}. Check that it may be read.") from error
    except Exception as error:  # untrusted files: no error of a parser may stop the others
        found = f"{type(error).__name__}: {error}"[:120]
        raise DocumentError(f"The file cannot be read ({found}), so it is probably damaged: save it anew.") from error


def _read_bytes(file: Path) -> bytes:
    """Return the content of a file of an accepted format. Raises DocumentError if there is none."""
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
    return data


def _make_document(section: Section, name: str, used_ids: dict[str, int]) -> Document:
    """Return a section as a document, with an id that no earlier document has."""
    wanted_id = clean_text(section.given_id) or (f"{name}#{section.place}" if section.place else name)
    title = " ".join(clean_text(section.title).split())
    if "row" not in section.metadata:  # of which the table says the title itself
        title = real_title(title, name)
    return Document(
        _unique_id(wanted_id, name, used_ids), clean_text(section.text), title, {"source": name, **section.metadata}
    )


def _unique_id(wanted_id: str, name: str, used_ids: dict[str, int]) -> str:
    """Return an unused id and mark it as used: the wanted one, else with the file's name, else numbered as well.

    used_ids: id -> the last number appended to it; kept, so that many colliding ids are not all tried every time.
    """
    base = doc_id = wanted_id if wanted_id not in used_ids else f"{name}#{wanted_id}"
    while doc_id in used_ids:
        used_ids[base] += 1
        doc_id = f"{base}~{used_ids[base]}"
    used_ids[doc_id] = 1
    return doc_id
