"""Numbered lines and rows of text files, so that an error message can name the line.

Files may be packed with gzip. The text is UTF-8, or UTF-16 or UTF-32, with or without a byte order mark.
"""

import csv
import gzip
import io
import json
import re
import zlib
from collections.abc import Container, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from retriever.documents.parts import name_parts
from retriever.errors import CollectionError
from retriever.parameters import MEGABYTE

MAX_UNPACKED_MEGABYTES = 500  # of a file that is packed with gzip
GZIP_MARK = b"\x1f\x8b"
# an apostrophe that stands before what a spreadsheet would take for a formula is no part of the value
MARKED_FORMULA = re.compile(r"^'(?=[\s\"\0\u200b-\u200f\ufeff]*[=+\-@＝＋－＠]|[\t\r])")
FIRST_CELL = re.compile(r"[^\s,;]*")


@dataclass(frozen=True)
class Comments:
    """The comments of a file: lines that begin with #, as trec_eval 10 passes over them, but not with a known id.

    ids: of queries, which may begin with # as well. mark: what begins a comment. numbers: of the lines that were
    comments, as they were found.
    """

    ids: Container[str] = ()
    mark: re.Pattern[str] = re.compile("#")
    numbers: set[int] = field(default_factory=set)

    def has(self, number: int, line: str) -> bool:
        """Return whether a line is a comment, and keep its number if it is."""
        if "#" not in line:
            return False
        text = line.lstrip()
        found = bool(self.mark.match(text)) and not self._begins_with_id(text)
        if found:
            self.numbers.add(number)
        return found

    def _begins_with_id(self, text: str) -> bool:
        first = FIRST_CELL.match(text)
        return bool(first and first[0] in self.ids) or text.partition("\t")[0].strip(" ") in self.ids


def numbered_lines(path: Path, comments: Comments | None = None) -> Iterator[tuple[int, str]]:
    """Yield the number, from 1, and the text of each line that is not blank, nor among the comments if they are given.

    Only line feeds end a line: JSON strings and ids may contain the other characters that Unicode counts as line ends.
    Raises CollectionError if the file does not exist, is damaged, too large or not in Unicode.
    """
    for number, line in enumerate(_read_text(path).split("\n"), 1):
        if line.strip() and not (comments and comments.has(number, line)):
            yield number, line.rstrip("\r")


def numbered_rows(path: Path, separator: str, comments: Comments | None = None) -> Iterator[tuple[int, list[str]]]:
    """Yield the number of the first line, and the cells, of each row that is not blank, as spreadsheets write CSV.

    Cells in quotes may contain separators, line ends and doubled quotes. A comment has nothing in its other cells.
    Raises CollectionError as numbered_lines does and, naming the line, for quotes that do not match.
    """
    begins_row = True

    def lines() -> Iterator[str]:
        nonlocal begins_row
        for number, line in enumerate(_read_text(path).split("\n"), 1):
            blank = begins_row and comments is not None and comments.has(number, line)
            begins_row = False  # until the reader has the cells: a quoted one may go on in the next line
            yield "\n" if blank else f"{line}\n"

    rows, start = csv.reader(lines(), delimiter=separator, skipinitialspace=True, strict=True), 1
    try:
        for cells in rows:
            begins_row = True
            filled = sum(1 for cell in cells if cell.strip())
            if filled and not (comments and filled == 1 and comments.has(start, cells[0])):
                yield start, [MARKED_FORMULA.sub("", cell) for cell in cells]
            start = rows.line_num + 1
    except csv.Error as error:
        raise CollectionError(
            f"{path.name}, line {start} is not CSV ({error}); a cell with quotes in it must be in quotes, and its own "
            "quotes doubled."
        ) from error


def counted_lines(what: str, numbers: Iterable[int]) -> list[str]:
    """Return a note on lines of a file: what they are, how many and which; none if there are none."""
    lines = sorted(numbers)
    return [f"{what}: {len(lines):,} ({name_parts('line', lines)})."] if lines else []


def commented(comments: Comments) -> list[str]:
    """Return a note on the comments of a file; none if there are none."""
    return counted_lines("Comments passed over, which begin with #", comments.numbers)


def _read_text(path: Path) -> str:
    """Return a file's text without byte order marks, also those that joined files have left between lines."""
    try:
        data = path.read_bytes()
        text = _decode(_unpack(data, path.name) if data.startswith(GZIP_MARK) else data)
    except FileNotFoundError as error:
        raise CollectionError(f"{path.name} is missing in {path.parent.name}; see BEIR's layout.") from error
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise CollectionError(f"{path.name} is a damaged gzip file ({error}); pack it anew, or unpack it.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise CollectionError(f"{path.name} cannot be read as UTF-8 or UTF-16; save it as UTF-8 text.") from error
    return text.replace("\n\ufeff", "\n").lstrip("\ufeff")


def _unpack(packed: bytes, name: str) -> bytearray:
    """Return what a gzip file holds. Raises CollectionError for too much, before more is unpacked."""
    unpacked, most = bytearray(), MAX_UNPACKED_MEGABYTES * MEGABYTE
    with gzip.open(io.BytesIO(packed)) as file:
        while block := file.read(MEGABYTE):  # in blocks: Python makes room for as much as is asked for
            unpacked += block
            if len(unpacked) > most:
                raise CollectionError(
                    f"{name} unpacks to more than {MAX_UNPACKED_MEGABYTES} MB; that much is not taken. Use a part."
                )
    return unpacked


def _decode(data: bytes | bytearray) -> str:
    """Return bytes as text, by the byte order mark, else as UTF-8, else as UTF-16 or UTF-32 if ASCII begins it.

    Raises UnicodeDecodeError if it is none of them.
    """
    guessed = json.detect_encoding(bytes(data[:4]))
    if guessed in ("utf-8", "utf-8-sig", "utf-16", "utf-32"):  # the last three by their marks
        return data.decode(guessed)
    with suppress(UnicodeDecodeError):
        text = data.decode(guessed)
        if "\0" not in text:
            return text
    return data.decode()
