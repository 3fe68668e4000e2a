"""Which labs use a Milvus server: each lab writes a row of its own again and again, and drops what dead labs left.

A lab that was killed writes no more. Whether another one's row stands still is seen by this lab's own clock, so that
the clocks of two machines need not agree. Only collections whose names are made here are ever dropped, and only those
of a lab whose lease was seen to stand still; a lab that was thought dead though it lives makes its collections again.
"""

import math
import re
import secrets
import threading
import time
from collections.abc import Callable, Collection
from typing import Any, Protocol

from retriever.errors import StorageError
from retriever.indexes.milvus.connection import NoAnswer
from ui.log import log_failure

BEAT_SECONDS = 20.0  # seconds between two renewals of a lease
DEAD_SECONDS = 120.0  # seconds for which a lease that is not renewed is respected
UNSEEN_SECONDS = 60.0  # seconds between two looks at the leases after which what was seen before counts no more
RUN = r"[0-9a-f]{12}"  # names one run of a lab
COPY = r"[0-9a-f]{32}"  # names one copy
NAME = re.compile(rf"lab_({RUN})_(lease|one_\d+|{COPY})")  # of every collection that a lab makes
ROW = 0  # the id of a lease's only row


class Server(Protocol):
    """A connection to a Milvus server, whose every error is a StorageError."""

    def call(self, doing: str, method: str, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - those of MilvusClient
        """Return what a method of pymilvus' MilvusClient returns; doing: for the message of an error."""
        ...


class Lease:
    """The lease of one run of a lab on a Milvus server, and the names of its collections."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Name a new run; nothing is written yet. clock: returns seconds."""
        self.run, self._clock, self._beats = secrets.token_hex(6), clock, 0
        self._renewing = threading.Lock()
        self._seen: dict[str, tuple[Any, float]] = {}  # other run -> what its row said, and since when
        self._looked = -math.inf  # when the rows were looked at last

    def new_name(self) -> str:
        """Return the name of a new collection, which nobody can guess."""
        return f"lab_{self.run}_{secrets.token_hex(16)}"

    def lone_name(self, dimension: int) -> str:
        """Return the name of the collection of one vector of a dimension."""
        return f"lab_{self.run}_one_{dimension}"

    def renew(self, server: Server) -> None:
        """Write this run's row anew; make its collection if there is none. Raises StorageError."""
        lease = _lease_of(self.run)
        with self._renewing:
            if not server.call("looking for a collection", "has_collection", lease):
                server.call("making a collection", "create_collection", lease, dimension=2)
            self._beats += 1
            row = {"id": ROW, "vector": [1.0, 0.0], "beat": self._beats}
            server.call("writing a row", "upsert", lease, [row])

    def drop_leftovers(self, server: Server) -> int:
        """Drop the collections of runs whose leases have stood still for DEAD_SECONDS, and return how many there were.

        A lease stands still only as long as it is looked at: of a time in which this lab or the server stood still,
        nothing is known of the others. One that cannot be read is left, with all of its run. Raises StorageError.
        """
        runs, now = _names_by_run(server), self._clock()
        runs.pop(self.run, None)
        leased = {run: names for run, names in runs.items() if _lease_of(run) in names}
        known, self._seen = self._seen if now - self._looked <= UNSEEN_SECONDS else {}, {}
        dropped = 0
        for run, names in leased.items():
            try:
                beat = _beat_of(run, server)
                said, since = known.get(run, (beat, now))
                self._seen[run] = (said, since) if said == beat else (beat, now)
                if now - self._seen[run][1] >= DEAD_SECONDS:
                    dropped += _drop(names, server)
            except NoAnswer:
                raise
            except StorageError as error:
                log_failure("milvus", error, doing="drop leftovers")
        self._looked = now
        return dropped

    def strays(self, server: Server, needed: Collection[str]) -> set[str]:
        """Return the names of this run's copies on the server that are not needed. Raises StorageError."""
        names = set(_names_by_run(server).get(self.run, ()))
        return {name for name in names - set(needed) if re.fullmatch(COPY, name.rpartition("_")[2])}

    def end(self, server: Server) -> int:
        """Drop all collections of this run, and return how many there were. Raises StorageError."""
        return _drop(_names_by_run(server).get(self.run, []), server)


def _lease_of(run: str) -> str:
    return f"lab_{run}_lease"


def _names_by_run(server: Server) -> dict[str, list[str]]:
    """Return the names of all collections that labs have made, by the run."""
    runs: dict[str, list[str]] = {}
    for name in server.call("listing collections", "list_collections"):
        if made := NAME.fullmatch(name):
            runs.setdefault(made[1], []).append(name)
    return runs


def _beat_of(run: str, server: Server) -> object:
    """Return what a run has written into its row; None if it has written nothing."""
    lease = _lease_of(run)
    server.call("loading a collection", "load_collection", lease)  # a server that was started again has it on disk only
    rows = server.call("reading a row", "get", lease, ids=[ROW], output_fields=["beat"])
    return rows[0].get("beat") if rows else None


def _drop(names: list[str], server: Server) -> int:
    """Drop collections, the lease last: without it nobody could tell that the others are leftovers."""
    for name in sorted(names, key=lambda name: name.endswith("_lease")):
        server.call("dropping a collection", "drop_collection", name)
    return len(names)
