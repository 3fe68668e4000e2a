"""The disk budget: what files on their way to and from visitors take on the disk, counted in memory.

Room is reserved before a byte is written and given back when the files are gone, so that many uploads at once never
take more than there is, and nobody has to look through the folder. Independent of Gradio and of the file system.
"""

import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from itertools import islice

from retriever.errors import StorageError
from retriever.parameters import MEGABYTE
from retriever.turns import Owner
from ui.log import Reason
from ui.settings import limits

MIN_FILE_BYTES = 65_536  # what a file counts at least: an empty one takes an inode, a folder and time to delete too
WAIT_WORDS = "nothing of this was stored. Files are deleted once they are read, or after ten minutes: try again then."


class RoomRefused(StorageError):
    """Error raised when there is no room on the disk for what a visitor brings; reason: a word for the log."""

    def __init__(self, words: str, reason: Reason) -> None:
        """Store the words for the visitor and the word for the log."""
        super().__init__(words)
        self.reason = reason


@dataclass
class Holding:
    """What one folder takes: its owner, the bytes that count, since when, and the bytes of each file once it is whole.

    arriving: whether it is an upload that has not ended, which has time limits of its own. session: who is to read it,
    empty as long as nobody has named one of its files.
    """

    owner: Owner
    count: int
    since: float
    arriving: bool
    session: str = ""
    files: dict[str, int] = field(default_factory=dict)


class DiskBudget:
    """An index of the folders of uploads and downloads by name, which bounds what they take; safe for threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Create an empty index; clock: returns seconds."""
        self._clock = clock
        self._lock = threading.Lock()
        self._holdings: dict[str, Holding] = {}  # the oldest first
        self._taken: Counter[str | Owner] = Counter()  # bytes of an address, and of a visitor
        self._held = 0

    def __contains__(self, name: str) -> bool:
        """Return whether a folder of this name is counted."""
        return name in self._holdings

    @property
    def held(self) -> int:
        """The bytes of all folders together, those reserved for what has yet to come included."""
        return self._held

    def facts(self) -> dict[str, float]:
        """Return what the operator wants to know: megabytes held, their limit, and uploads under way."""
        with self._lock:
            under_way = sum(holding.arriving for holding in self._holdings.values())
        return {
            "megabytes": round(self._held / MEGABYTE, 1),
            "limit_megabytes": limits().disk_megabytes,
            "under_way": under_way,
        }

    def reserve(self, name: str, count: int, owner: Owner, *, arriving: bool = False) -> None:
        """Count a new folder with so many bytes. Raises RoomRefused if that is too much for the lab or its owner."""
        with self._lock:
            if arriving:
                self._check_number(owner)
            holding = Holding(owner, 0, self._clock(), arriving, session="" if arriving else owner.visitor)
            self._check_room(holding, count)
            self._holdings[name] = holding
            self._add(holding, count)

    def add_file(self, name: str) -> None:
        """Count one more file in a folder, however small. Raises RoomRefused if there is no room for it."""
        with self._lock:
            holding = self._holdings[name]
            self._check_room(holding, MIN_FILE_BYTES)
            self._add(holding, MIN_FILE_BYTES)

    def settle(self, name: str, files: Mapping[str, int]) -> None:
        """Count a folder by its files, which are whole now: path -> bytes. Its time begins anew."""
        with self._lock:
            holding = self._holdings[name]
            holding.files = {path: max(count, MIN_FILE_BYTES) for path, count in files.items()}
            self._add(holding, sum(holding.files.values()) - holding.count)
            holding.arriving, holding.since = False, self._clock()

    def claim(self, name: str, session: str) -> None:
        """Record that a session has named a file of a folder, and is to read it; others are ignored."""
        with self._lock:
            if holding := self._holdings.get(name):
                holding.session = session

    def release_file(self, name: str, path: str) -> None:
        """Give back what one file of a folder took, as it is deleted; the last one's folder is not counted any more."""
        with self._lock:
            holding = self._holdings.get(name)
            if holding is None or path not in holding.files:
                return
            self._add(holding, -holding.files.pop(path))
            if not holding.files:
                del self._holdings[name]

    def release(self, name: str) -> None:
        """Give back what a folder took, as it is deleted; a name that is not counted is ignored."""
        with self._lock:
            if holding := self._holdings.pop(name, None):
                self._add(holding, -holding.count)

    def give_up(self, name: str) -> None:
        """Count a folder on that should have been deleted, so that the next sweep tries again."""
        with self._lock:
            if holding := self._holdings.get(name):
                holding.arriving, holding.since = False, -math.inf

    def older_than(self, seconds: float, sessions: Collection[str] | None = None) -> list[str]:
        """Return the names of the folders that have been whole for longer than so many seconds.

        sessions: those that are there, if only folders are wanted that none of them is to read.
        """
        oldest = self._clock() - seconds
        with self._lock:
            found = [(name, kept) for name, kept in self._holdings.items() if not kept.arriving and kept.since < oldest]
        return [name for name, kept in found if sessions is None or kept.session not in sessions]

    def whole_files(self, most: int | None = None) -> list[tuple[str, str]]:
        """Return the name of the folder and the path of each file that is whole, at most so many, the oldest first."""
        with self._lock:
            found = ((name, path) for name, holding in self._holdings.items() for path in holding.files)
            return list(islice(found, most))

    def _add(self, holding: Holding, count: int) -> None:
        """Count so many bytes more in a folder, or less."""
        holding.count += count
        self._held += count
        for key in (holding.owner.address, holding.owner):
            self._taken[key] += count
            if not self._taken[key]:
                del self._taken[key]

    def _check_number(self, owner: Owner) -> None:
        """Raise RoomRefused if too many uploads are under way: as many as visitors, half of them from one address."""
        most = max(2, limits().sessions)
        arriving = [holding.owner.address for holding in self._holdings.values() if holding.arriving]
        if len(arriving) >= most:
            raise RoomRefused(
                f"{len(arriving)} uploads are under way in the lab; nothing of this one was taken. Try again in a "
                "minute.",
                "too many uploads",
            )
        if owner.address and arriving.count(owner.address) >= max(2, most // 2):
            raise RoomRefused(
                f"{max(2, most // 2)} uploads are under way from your network, as many as one may have; nothing of "
                "this one was taken. Try again when one has ended.",
                "too many uploads",
            )

    def _check_room(self, holding: Holding, count: int) -> None:
        """Raise RoomRefused if so many bytes more exceed the disk, or the share of an address or of a visitor.

        One folder may take more than a share if its owner has nothing else: the limits of an upload bound it.
        """
        disk, owner = limits().disk_megabytes * MEGABYTE, holding.owner
        if self._held + count > disk:
            raise RoomRefused(
                f"The lab's disk is full of files on their way to and from visitors; {WAIT_WORDS}", "disk full"
            )
        shares: list[tuple[str, str, str | Owner, int]] = []
        if owner.address:
            shares.append(("Files from your network", "network", owner.address, disk // 2))
        if owner.visitor:
            shares.append(("Your files", "visitor", owner, min(disk // 4, 2 * limits().upload_megabytes * MEGABYTE)))
        for whose, word, key, share in shares:
            taken = self._taken[key]
            if taken > holding.count and taken + count > share:
                raise RoomRefused(
                    f"{whose} take {taken / MEGABYTE:,.1f} MB of the lab's disk, and one {word} may have "
                    f"{share / MEGABYTE:,.0f} MB; {WAIT_WORDS}",
                    "visitor's share",
                )


DISK_BUDGET = DiskBudget()  # one per process, as there is one disk
