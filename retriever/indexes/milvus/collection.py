"""One collection of a Milvus server: rows of an id, a row number, a unit vector and texts, with one index."""

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from retriever.errors import StorageError
from retriever.indexes.milvus.connection import MilvusConnection, NotLoaded
from retriever.indexes.milvus.design import ID, METRIC, ROW, VECTOR, Design, Fields, open_collection
from retriever.indexes.milvus.settling import attempts, loaded_segments, server_version, settle
from retriever.vectors import Float32

MAX_HITS = 16_384  # that Milvus returns for a query, and rows that it returns for a condition
QUERIES_PER_CALL, IDS_PER_CALL = 1_000, 1_000
BYTES_PER_CALL = 16_000_000  # of rows sent; Milvus takes 64 MB
NUMBERS_PER_CALL = 2_000_000  # of queries sent, or of hits received
SPARE_HITS = 8  # that exact search asks for beyond k, to see whether ties go on there


@dataclass(frozen=True)
class MilvusLayout:
    """How a server holds a collection; each segment has a graph of its own, and is searched with the whole ef.

    server: its version. shards: among which rows are divided. segments: the number of rows of each, largest first; None
    if the server does not tell.
    """

    server: str
    shards: int
    segments: tuple[int, ...] | None


@dataclass(frozen=True, slots=True)
class Found:
    """A row that a search found. score: at most 1, higher is nearer. fields: those that were asked for."""

    id: int | str
    row: int
    score: float
    fields: Fields


class VectorCollection:
    """A collection of a Milvus server, made where it is missing."""

    def __init__(self, connection: MilvusConnection, name: str, design: Design, *, shards: int = 1) -> None:
        """Open the collection, or make it with that many shards.

        Raises ParameterError for a name that Milvus does not take, StorageError for a collection of another design.
        """
        open_collection(connection, name, design, shards=shards)
        self.connection, self.name, self.design = connection, name, design
        self._unsettled = False  # whether this object has stored rows that may not be seen everywhere yet
        self._loading = threading.Lock()  # held while the collection is not loaded
        self._rows = [ROW] if design.text_ids else []  # fields that every search asks for
        self.load()

    def insert(self, rows: Sequence[Fields]) -> None:
        """Store rows, field -> value, in calls of a bounded size; their ids must be new."""
        self._unsettled = True
        waiting: list[Fields] = []
        n_bytes = 0
        for row in rows:
            waiting.append(row)
            n_bytes += 4 * self.design.dimension + sum(4 * len(row[name]) for name in self.design.texts)
            if n_bytes >= BYTES_PER_CALL or row is rows[-1]:
                self.connection.call("storing vectors", "insert", self.name, waiting)
                waiting, n_bytes = [], 0

    def search(
        self,
        unit: Float32,
        k: int,
        *,
        ef: int | None = None,
        fields: Sequence[str] = (),
        timeout: float | None = None,
    ) -> Iterator[list[Found]]:
        """Yield the at most k nearest rows of each query, unit (n_queries, dim), nearest first, ties by lower row.

        ef: of an HNSW index; raised to k where it is lower, as Milvus refuses that. None for a FLAT index. fields:
        names of those that are wanted of each row. timeout: seconds, None for those of the connection. Rows that
        another process has stored in the last seconds may be missing until it has settled: to wait for all of them
        would cost each search up to a fifth of a second.
        """
        asked = k if ef is not None else min(k + SPARE_HITS, MAX_HITS)
        size = max(1, min(QUERIES_PER_CALL, NUMBERS_PER_CALL // max(asked, unit.shape[1])))
        for start in range(0, len(unit), size):
            part = unit[start : start + size]
            for row, hits in enumerate(self._nearest(part, asked, ef, fields, timeout)):
                limit = asked
                while ef is None and len(hits) == limit < MAX_HITS and hits[-1].score == hits[k - 1].score:
                    limit = min(4 * limit, MAX_HITS)  # rows with the k-th score may go on
                    [hits] = self._nearest(part[row : row + 1], limit, ef, fields, timeout)
                yield hits[:k]

    def _nearest(
        self, unit: Float32, k: int, ef: int | None, fields: Sequence[str], timeout: float | None
    ) -> Iterator[list[Found]]:
        """Yield what one call of Milvus finds for each query, sorted by score and row."""
        answers = self._call_loaded(
            "searching",
            "search",
            self.name,
            list(unit),
            anns_field=VECTOR,
            limit=k,
            search_params={"metric_type": METRIC, "params": {} if ef is None else {"ef": max(ef, k)}},
            output_fields=[*self._rows, *fields],
            consistency_level="Strong" if self._unsettled else "Bounded",
            timeout=timeout or self.connection.timeout,
        )
        for answer in answers:
            hits = [
                Found(hit[ID], hit["entity"].get(ROW, hit[ID]), min(float(hit["distance"]), 1.0), hit["entity"])
                for hit in answer
            ]
            yield sorted(hits, key=_by_score)

    def count(self) -> int:
        """Return the number of rows, those just inserted included."""
        [row] = self.query("", ["count(*)"])
        return int(row["count(*)"])

    def query(self, condition: str, fields: Sequence[str]) -> list[dict[str, Any]]:
        """Return fields of the rows that meet a condition in Milvus' words, in any order; MAX_HITS of them at most."""
        limit = {"limit": MAX_HITS} if condition else {}
        return list(
            self._call_loaded(
                "reading", "query", self.name, condition, list(fields), consistency_level="Strong", **limit
            )
        )

    def read_rows(self, rows: range, fields: Sequence[str]) -> list[Fields]:
        """Return fields of these rows, in their order; they are waited for as by get."""
        key = ROW if self.design.text_ids else ID
        limits = f"{key} >= {rows.start} and {key} < {rows.stop}"
        found = self._read(limits if rows.step == 1 else f"{key} in {list(rows)}", key, rows, fields)
        return [found[row] for row in rows]

    def get(self, ids: Sequence[int | str], fields: Sequence[str], *, all_there: bool = False) -> dict[Any, Fields]:
        """Return fields of the rows with these ids, id -> field -> value; ids that are not there are left out.

        all_there: they are known to be, so those that milvus-lite does not see for a moment, as the newest while it
        writes segments, are waited for, as long as the connection's timeout. Raises StorageError if any is missing
        then.
        """
        found: dict[Any, Fields] = {}
        for start in range(0, len(ids), IDS_PER_CALL):
            part = ids[start : start + IDS_PER_CALL]
            listed = ", ".join(json.dumps(one) if self.design.text_ids else str(one) for one in part)
            found |= self._read(f"{ID} in [{listed}]", ID, part if all_there else (), fields)
        return found

    def _read(self, condition: str, key: str, wanted: Sequence[int | str], fields: Sequence[str]) -> dict[Any, Fields]:
        """Return fields of the rows that meet a condition, by a field that tells them apart; see get for wanted."""
        n_missing = 0
        for _ in attempts(self.connection.timeout):
            found: dict[Any, Fields] = {row[key]: row for row in self.query(condition, [key, *fields])}
            n_missing = sum(one not in found for one in wanted)
            if not n_missing:
                return found
        raise StorageError(
            f"{n_missing:,} of {len(wanted):,} rows of {self.name} are missing: another program may have deleted them. "
            "Index the same texts again under a new name."
        )

    def settle(self, waiting: Callable[[], None] | None = None, longest: float | None = None) -> None:
        """Wait until all rows are in the index, and searched through it; waiting, longest: see settling.

        Without longest for as long as the server works.
        """
        with self._loading, nullcontext() if longest else self.connection.patient():
            settle(self.connection, self.name, key=ID, vector=VECTOR, waiting=waiting, longest=longest)
        self._unsettled = False

    def layout(self) -> MilvusLayout:
        """Return how the server holds the collection."""
        described = self.connection.call("describing a collection", "describe_collection", self.name)
        segments = loaded_segments(self.connection, self.name)
        rows = None if segments is None else tuple(sorted((int(one.num_rows) for one in segments), reverse=True))
        return MilvusLayout(server_version(self.connection), int(described["num_shards"]), rows)

    def load(self) -> None:
        """Have the server hold the collection ready for searches."""
        self.connection.call("loading a collection", "load_collection", self.name)

    def drop(self) -> None:
        """Delete the collection with all that it holds; one that is not there is no error."""
        self.connection.call("dropping a collection", "drop_collection", self.name)

    def _call_loaded(self, doing: str, method: str, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as of call
        """Return what a call returns; load the collection if the server says that it is not, as after a restart.

        Who waits for milvus-lite releases it for a moment, so it may take more than once.
        """
        for attempt in attempts(self.connection.timeout):
            if attempt:
                with self._loading:
                    self.load()
            try:
                return self.connection.call(doing, method, *args, **kwargs)
            except NotLoaded as error:
                refused = error
        raise refused


def _by_score(hit: Found) -> tuple[float, int]:
    return -hit.score, hit.row
