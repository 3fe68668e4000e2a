"""Numbered lines and rows of text files, so that an error message can name the line.

Files may be packed with gzip. The text is UTF-8, or UTF-16 or UTF-32, with or without a byte order mark.
"""

import codecs
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
from typing import Any, BinaryIO

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

    Only line feeds end a line, or carriage returns in a file without: JSON strings and ids may contain the other
    characters that Unicode counts as line ends.
    Raises CollectionError if the file does not exist, is damaged, too large or not in Unicode.
    """
    for number, line in enumerate(_lines(path), 1):
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
        for number, line in enumerate(_lines(path), 1):
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


def _lines(path: Path) -> Iterator[str]:
    """Yield a file's lines without line feeds and byte order marks, also those between joined files, as it is read."""
    try:
        with open(path, "rb") as file:
            packed = file.peek(len(GZIP_MARK)).startswith(GZIP_MARK)
            data = io.BufferedReader(_Unpacked(file, path.name)) if packed else file
            start = data.peek(4)
            end = "\r" if b"\r" in start and b"\n" not in start else "\n"  # of lines; old Macs wrote a carriage return
            with io.TextIOWrapper(data, _encoding(start), newline=end) as lines:
                for line in lines:
                    yield line.removesuffix(end).lstrip("\ufeff")
    except FileNotFoundError as error:
        raise CollectionError(f"{path.name} is missing in {path.parent.name}; see BEIR's layout.") from error
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise CollectionError(f"{path.name} is a damaged gzip file ({error}); pack it anew, or unpack it.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise CollectionError(f"{path.name} cannot be read as UTF-8 or UTF-16; save it as UTF-8 text.") from error


class _Unpacked(io.RawIOBase):
    """What a gzip file holds. Reading it raises CollectionError for too much, before more is unpacked."""

    def __init__(self, packed: BinaryIO, name: str) -> None:
        self._file, self._name = gzip.GzipFile(fileobj=packed), name

    def readable(self) -> bool:
        """Return True: it is read by a buffer."""
        return True

    def readinto(self, room: Any) -> int:  # noqa: ANN401 - any buffer of bytes
        """Fill room with what is unpacked next, and return the number of bytes."""
        size = self._file.readinto(room)
        if self._file.tell() > MAX_UNPACKED_MEGABYTES * MEGABYTE:
            raise CollectionError(
                f"{self._name} unpacks to more than {MAX_UNPACKED_MEGABYTES} MB; that much is not taken. Use a part."
            )
        return size


def _encoding(start: bytes) -> str:
    """Return the encoding of a file that begins so: by the byte order mark, else by its ASCII as UTF-16, -32 or -8."""
    guessed = json.detect_encoding(start)
    if guessed in ("utf-8-sig", "utf-16", "utf-32"):
        return guessed  # by their marks
    with suppress(UnicodeDecodeError):
        if "\0" not in codecs.getincrementaldecoder(guessed)().decode(start):
            return guessed
    return "utf-8"
