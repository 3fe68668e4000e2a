"""Waiting until a Milvus server searches through its indexes; until they are built it compares vectors one by one.

That is exact, so what is measured before says nothing of the index. A single server or a cluster tells how far it is.
milvus-lite calls an index finished at once, and builds it after it has answered, in one thread; so it is asked for what
it does only after that thread: dropping an index, here one of the ids that is made for it, while nothing is loaded.
"""

import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from typing import Any

from retriever.errors import StorageError
from retriever.indexes.milvus.connection import MilvusConnection

LITE = "milvus_lite"  # what its version begins with
LONGEST_BUILD = 86_400.0  # seconds, a day
LONGEST_HANDOVER = 300.0  # seconds from a finished index to searches through it
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 2.0  # seconds between two questions
ATTEMPTS = 10  # at having milvus-lite wait
SEALED = 3  # the state of a segment that takes no more rows


def attempts(seconds: float) -> Iterator[int]:
    """Yield 0, 1, 2 and so on, with a growing pause before each but the first, until that many seconds are over."""
    end, pause = time.monotonic() + seconds, FIRST_PAUSE
    yield 0
    for number in count(1):
        if time.monotonic() > end:
            return
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE)
        yield number


def server_version(connection: MilvusConnection) -> str:
    """Return the version of the server."""
    return str(connection.call("asking for the version", "get_server_version"))


def settle(
    connection: MilvusConnection,
    name: str,
    *,
    key: str,
    vector: str,
    waiting: Callable[[], None] | None = None,
    longest: float | None = None,
) -> None:
    """Wait until all rows of a collection are searched through its index. key, vector: names of fields.

    waiting: called now and then; an exception it raises ends the waiting, not the server's work. longest: seconds after
    which that is given up with a StorageError; None for those of the connection at each call.
    """
    left = partial(_left, longest and time.monotonic() + longest)
    connection.call("writing segments", "flush", name, timeout=left())
    if server_version(connection).startswith(LITE):
        _settle_lite(connection, name, key, left)
        return
    [index] = connection.call("describing an index", "list_indexes", name, vector)
    _wait(partial(_indexed, connection, name, index), left() or LONGEST_BUILD, f"has not indexed {name}", waiting)
    connection.call("loading a collection", "refresh_load", name, timeout=left())
    handover = min(LONGEST_HANDOVER, left() or LONGEST_HANDOVER)
    _wait(partial(_handed_over, connection, name), handover, f"does not search {name} by its index", waiting)


def loaded_segments(connection: MilvusConnection, name: str) -> list[Any] | None:
    """Return what the server says of the segments it searches; None for milvus-lite, which says nothing."""
    if server_version(connection).startswith(LITE):
        return None
    return list(connection.call("asking for segments", "list_loaded_segments", name))


def _settle_lite(connection: MilvusConnection, name: str, key: str, left: Callable[[], float | None]) -> None:
    """Wait until milvus-lite has merged its segments, and load their indexes: those that are missing are built then.

    Somebody who searches meanwhile loads the collection, and then the index of the ids is not dropped: try again.
    """
    for attempt in range(ATTEMPTS):
        connection.call("releasing a collection", "release_collection", name, timeout=left())
        _index_ids(connection, name, key, left())
        try:  # by the only name it has
            connection.call("waiting for the index", "drop_index", name, f"{key}_idx", timeout=left())
            break
        except StorageError:
            if attempt == ATTEMPTS - 1:
                raise
    connection.call("loading a collection", "load_collection", name, timeout=left())


def _index_ids(connection: MilvusConnection, name: str, key: str, timeout: float | None) -> None:
    """Have an index of the ids, if there is none; it is built when the collection is loaded."""
    from pymilvus import MilvusClient

    if not connection.call("describing an index", "list_indexes", name, key):
        of_ids = MilvusClient.prepare_index_params()
        of_ids.add_index(key, index_type="INVERTED")
        connection.call("waiting for the index", "create_index", name, of_ids, sync=False, timeout=timeout)


def _indexed(connection: MilvusConnection, name: str, index: str) -> bool:
    """Return whether an index holds all rows. Raises StorageError if the server could not build it."""
    described = connection.call("describing an index", "describe_index", name, index)
    if described["state"] == "Failed":
        raise StorageError(f"The Milvus server at {connection.address} could not index {name}; its log says why.")
    return described["state"] == "Finished" and not int(described["pending_index_rows"])


def _handed_over(connection: MilvusConnection, name: str) -> bool:
    """Return whether only closed segments are searched; rows of an open one are compared one by one."""
    return all(int(segment.state) == SEALED for segment in loaded_segments(connection, name) or ())


def _left(end: float | None) -> float | None:
    """Return the seconds until a time of the clock, at least a moment, as a call must have one; None without an end."""
    return None if end is None else max(FIRST_PAUSE, end - time.monotonic())


def _wait(done: Callable[[], bool], seconds: float, failed: str, waiting: Callable[[], None] | None) -> None:
    """Wait until something holds. Raises StorageError if it does not within that time."""
    for _ in attempts(seconds):
        if done():
            return
        if waiting:
            waiting()
    raise StorageError(f"The Milvus server {failed} after {seconds:,.0f} seconds; see its log.")
