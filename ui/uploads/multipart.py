"""A streaming parser of multipart uploads: every file is written as it arrives, within limits."""

import logging
import os
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from retriever.parameters import MEGABYTE
from ui.log import Reason

FILES_FIELD = b"files"  # the name of the parts that are files
MAX_FIELDS = 10  # parts that are no files; the page sends none
MAX_FIELD_BYTES = 1_000  # of such a part
MAX_NAME_BYTES = 200  # of a file's name on the disk
MAX_SUFFIX_LENGTH = 20  # characters of its extension
FORBIDDEN = re.compile(r'[\x00-\x1f\x7f-\x9f<>:"|?*\\/\ud800-\udfff\u200b-\u200f\u2028-\u202e\ufeff]')
NO_LOG = logging.Logger("multipart", logging.CRITICAL)  # the parser's own messages quote what visitors send


class UploadError(Exception):
    """Error raised when an upload cannot be taken: words for the visitor, status, and a word for the log."""

    def __init__(self, words: str, status: int, reason: Reason) -> None:
        """Store the words, the status of the response, and the reason."""
        super().__init__(words)
        self.words, self.status, self.reason = words, status, reason


@dataclass
class Part:
    """A part of an upload: its header, and what has arrived; file: where it is written, None for a field."""

    header_name: bytes = b""
    header_value: bytes = b""
    disposition: bytes = b""
    given_name: str = ""
    file: BinaryIO | None = None
    count: int = 0


class MultipartReceiver:
    """A parser of one upload, which writes its files into a folder; for one thread at a time."""

    def __init__(
        self,
        content_type: str,
        folder: Path,
        *,
        max_files: int,
        max_megabytes: int,
        on_file: Callable[[], None],
        on_bytes: Callable[[str, int], None],
    ) -> None:
        """Create a parser of at most max_files files, of max_megabytes each.

        on_file: called before a file is made; what it raises ends the upload. on_bytes: called with the name that the
        visitor's computer gave a file, and how many bytes of it have arrived. Raises UploadError for another type.
        """
        self.paths: list[Path] = []
        self._folder, self._max_files, self._max_megabytes = folder, max_files, max_megabytes
        self._on_file, self._on_bytes = on_file, on_bytes
        self._part, self._fields, self._whole = Part(), 0, False
        kind, options = parse_options_header(content_type)
        if kind != b"multipart/form-data" or not options.get(b"boundary"):
            raise UploadError("This is no upload of files; nothing was taken.", 400, "malformed upload")
        try:
            self._parser = MultipartParser(
                options[b"boundary"],
                {
                    "on_part_begin": self._begin_part,
                    "on_header_field": self._add_header_name,
                    "on_header_value": self._add_header_value,
                    "on_header_end": self._end_header,
                    "on_headers_finished": self._begin_content,
                    "on_part_data": self._add_content,
                    "on_part_end": self._end_part,
                    "on_end": self._end,
                },
            )
        except FormParserError as error:
            raise _damaged() from error
        self._parser.logger = NO_LOG

    def feed(self, block: bytes) -> None:
        """Write what a block of the upload holds. Raises UploadError, what on_file raises, and OSError."""
        try:
            self._parser.write(block)
        except FormParserError as error:
            raise _damaged() from error

    def finish(self) -> list[Path]:
        """Return the paths of the files. Raises UploadError if the upload breaks off."""
        if not self._whole:
            raise _damaged()
        return self.paths

    def close(self) -> None:
        """Close the file that is being written, if there is one."""
        file, self._part.file = self._part.file, None
        if file:
            with suppress(OSError):  # what was to be written is given up
                file.close()

    def _begin_part(self) -> None:
        self._part = Part()

    def _add_header_name(self, data: bytes, start: int, end: int) -> None:
        self._part.header_name += data[start:end]

    def _add_header_value(self, data: bytes, start: int, end: int) -> None:
        self._part.header_value += data[start:end]

    def _end_header(self) -> None:
        part = self._part
        if part.header_name.lower() == b"content-disposition":
            part.disposition = part.header_value
        part.header_name = part.header_value = b""

    def _begin_content(self) -> None:
        """Make the file that a part is written to, in a folder of its own, as two may have one name."""
        _, options = parse_options_header(self._part.disposition)
        if b"filename" not in options:
            self._fields += 1
            if self._fields > MAX_FIELDS:
                raise UploadError("The upload holds more than files; nothing was taken.", 400, "malformed upload")
            return
        if options.get(b"name") != FILES_FIELD:
            raise _damaged()
        if len(self.paths) == self._max_files:
            raise UploadError(
                f"There are more than {self._max_files} files; nothing was taken. Choose fewer at once.",
                413,
                "too many files",
            )
        self._on_file()
        self._part.given_name = options[b"filename"].decode("utf-8", "replace")
        place = self._folder / str(len(self.paths))
        place.mkdir()
        self.paths.append(place / safe_name(self._part.given_name))
        self._part.file = self.paths[-1].open("xb")

    def _add_content(self, data: bytes, start: int, end: int) -> None:
        part = self._part
        part.count += end - start
        if part.file is None:
            if part.count > MAX_FIELD_BYTES:
                raise UploadError("The upload holds more than files; nothing was taken.", 400, "malformed upload")
            return
        if part.count > self._max_megabytes * MEGABYTE:
            raise UploadError(f"A file is larger than {self._max_megabytes} MB; nothing was taken.", 413, "large body")
        part.file.write(memoryview(data)[start:end])
        self._on_bytes(part.given_name, end - start)

    def _end_part(self) -> None:
        if self._part.file:
            self._part.file.close()
            self._part.file = None

    def _end(self) -> None:
        self._whole = True


def safe_name(given: str) -> str:
    """Return the name that a file has on the disk: the last part of a path, of ordinary characters, not too long.

    Raises UploadError if nothing is left of it.
    """
    name = FORBIDDEN.sub("", re.split(r"[/\\]", given)[-1]).strip()
    stem, suffix = os.path.splitext(name)
    suffix = suffix[:MAX_SUFFIX_LENGTH]
    room = MAX_NAME_BYTES - len(suffix.encode())
    stem = stem.encode()[:room].decode("utf-8", "ignore")
    if not stem.strip(". "):
        raise UploadError("A file's name cannot be used; nothing was taken. Rename the file.", 400, "malformed upload")
    return stem + suffix


def _damaged() -> UploadError:
    return UploadError("The upload is damaged or breaks off; nothing was taken. Try again.", 400, "malformed upload")
