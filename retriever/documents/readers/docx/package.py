"""The parts of a Word file, which is a ZIP archive, and the relationships that lead from one part to others."""

import io
import posixpath
import zipfile
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote

from retriever.documents.readers.docx.xml import attribute, children, parse_xml
from retriever.errors import DocumentError

if TYPE_CHECKING:
    from lxml.etree import _Element

MAX_UNPACKED = 500_000_000  # bytes; a small malicious file can unpack to gigabytes
MAX_MEMBERS = 10_000  # files in the archive; an ordinary one has twenty, plus its images


class Relation(NamedTuple):
    """Where a relationship leads. kind: the last word of its type; part: a name, "" if it leads out of the file."""

    kind: str
    part: str


class Package:
    """The parts of a Word file by name. A part is unpacked only when it is asked for.

    Names are compared without regard to case, and backslashes are slashes: some programs write them so.
    """

    def __init__(self, data: bytes) -> None:
        """Open the archive. Raises BadZipFile, and DocumentError if it is too large."""
        self._archive = zipfile.ZipFile(io.BytesIO(data))
        members = self._archive.infolist()
        unpacked = sum(member.file_size for member in members)
        if unpacked > MAX_UNPACKED:
            raise DocumentError(f"The Word document unpacks to {unpacked:,} bytes, at most {MAX_UNPACKED:,} are read.")
        if len(members) > MAX_MEMBERS:
            raise DocumentError(f"The Word document has {len(members):,} parts, at most {MAX_MEMBERS:,} are read.")
        self._members = {_key(member.filename): member for member in members}

    def __contains__(self, part: str) -> bool:
        return _key(part) in self._members

    def read(self, part: str) -> bytes:
        """Return a part's bytes. Raises KeyError, BadZipFile and what else unpacking raises."""
        return self._archive.read(self._members[_key(part)])

    def tree(self, part: str) -> "_Element":
        """Return the root of a part that is XML."""
        return parse_xml(self.read(part))

    def relations(self, source: str = "") -> Mapping[str, Relation]:
        """Return the relationships of a part by their ids; of the file itself if none is named.

        One that leads nowhere is returned as any other, because most of them are never followed.
        """
        folder, _, name = source.rpartition("/")
        part = posixpath.join(folder, "_rels", f"{name}.rels")
        found = {}
        if part in self:
            for _, relation in children(self.tree(part)):
                kind = attribute(relation, "Type").rpartition("/")[2]
                outside = attribute(relation, "TargetMode") == "External"
                target = "" if outside else _resolve(folder, attribute(relation, "Target"))
                found[attribute(relation, "Id")] = Relation(kind, target)
        return found


def _resolve(folder: str, target: str) -> str:
    """Return the name of the part that a relationship of a part in a folder leads to; "" for a mere bookmark."""
    path = unquote(target.partition("#")[0]).replace("\\", "/")
    return posixpath.normpath(posixpath.join("/", folder, path)).strip("/") if path else ""


def _key(name: str) -> str:
    """Return a part's name as it is compared."""
    return name.replace("\\", "/").strip("/").lower()
