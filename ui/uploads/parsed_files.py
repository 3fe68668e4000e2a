"""Parsed files: the content of a visitor's uploads; the files themselves are deleted as soon as they are read."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Generic, TypeVar

from retriever.errors import Cancelled, DocumentError
from ui.uploads.folder import discard_uploads

Parsed = TypeVar("Parsed")
MAX_DIGESTS = 200  # of one visitor's uploaded files that are remembered


class ParsedFiles(Generic[Parsed]):
    """The content of one visitor's last parsed files, from which another build can be made without the files."""

    def __init__(self) -> None:
        """Create an empty store."""
        self._digests: dict[str, str] = {}
        self._last: tuple[list[str], Parsed] | None = None  # digests of the files, their content

    def digest(self, path: str) -> str:
        """Return a hash of a file's content, even after its deletion. Raises DocumentError if it was never hashed."""
        try:
            with Path(path).open("rb") as file:
                self._digests[path] = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            if path not in self._digests:
                raise missing_file_error(path) from error
        while len(self._digests) > MAX_DIGESTS:
            del self._digests[next(iter(self._digests))]
        return self._digests[path]

    def seen(self, path: str) -> bool:
        """Return whether this visitor's file was hashed before."""
        return path in self._digests

    def known(self, paths: Sequence[str]) -> bool:
        """Return whether these files are the last parsed ones. Raises DocumentError if one is gone and unknown."""
        return self._last is not None and self._last[0] == [self.digest(path) for path in paths]

    def get_or_parse(self, paths: Sequence[str], read: Callable[[], Parsed]) -> Parsed:
        """Return the content of these files, parsed unless they are the last parsed ones; delete the files."""
        digests = [self.digest(path) for path in paths]
        if self._last is None or self._last[0] != digests:
            try:
                self._last = digests, read()
            except Cancelled:
                raise  # the files stay, as they were not read
            except BaseException:
                discard_uploads(paths)  # a file that cannot be read now never can be
                raise
        discard_uploads(paths)
        return self._last[1]


def missing_file_error(path: str) -> DocumentError:
    """Return the error for a file that was already deleted."""
    return DocumentError(
        f"{Path(path).name} is no longer here: uploaded files are deleted once they are read, and after some minutes "
        "if nobody reads them. Choose it again."
    )
