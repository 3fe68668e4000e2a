"""One collection of a Milvus server: rows of an id, a row number, a unit vector and texts, with one index over vectors."""

import re
import reprlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from retriever.errors import ParameterError, StorageError
from retriever.indexes.milvus_connection import MilvusConnection, NotLoaded
from retriever.indexes.milvus_settling import loaded_segments, server_version, settle
from retriever.vectors import Float32

METRIC = "IP"  # of unit vectors the cosine; Milvus' COSINE is not defined for a vector of zeros
ID, ROW, VECTOR = "id", "row", "vector"  # names of fields
ID_BYTES = 64  # of an id that is text, at most
SETTING = "dense_retrieval_lab."  # prefix of the properties in which a collection's settings are kept
MAX_HITS = 16_384  # that Milvus returns for a query, and rows that it returns for a condition
QUERIES_PER_CALL, IDS_PER_CALL = 1_000, 1_000
NUMBERS_PER_CALL = 2_000_000  # of vectors sent, or ids and scores received, in one call; Milvus takes 64 MB
SPARE_HITS = 8  # that exact search asks for beyond k, to see whether ties go on there
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,199}")
Fields = Mapping[str, Any]


@dataclass(frozen=True)
class Design:
    """What a collection consists of; one that is opened again must be equal.

    dimension: of the vectors. index: "HNSW" or "FLAT". parameters: of the index, as Milvus names them. text_ids: whether
    ids are texts, and row numbers stand in a field of their own; else the ids are the row numbers. texts: names of
    further fields -> the most bytes of their texts. settings: short texts that are kept with the collection.
    """

    dimension: int
    index: str
    parameters: Mapping[str, int] = field(default_factory=dict)
    text_ids: bool = False
    texts: Mapping[str, int] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def described(self) -> dict[str, str]:
        """What must be equal, name -> value."""
        fields = sorted([ID, VECTOR, *([ROW] if self.text_ids else []), *self.texts])
        index = {"index": self.index, "metric": METRIC, **{name: str(value) for name, value in self.parameters.items()}}
        return {"dimension": str(self.dimension), "fields": " ".join(fields), **index, **self.settings}


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
        if not NAME.fullmatch(name):
            raise ParameterError(
                f"The collection's name is {reprlib.repr(name)}; it must be letters, digits and underscores, 200 at "
                "most, and not begin with a digit."
            )
        self.connection, self.name, self.design = connection, name, design
        self._loading = threading.Lock()  # held while the collection is not loaded
        self._rows = [ROW] if design.text_ids else []  # fields that every search asks for
        if not self._exists():
            self._make(shards)
        self._check()
        self.load()

    def insert(self, rows: Sequence[Fields]) -> None:
        """Store rows, field -> value, in calls of a bounded size; their ids must be new."""
        size = max(1, NUMBERS_PER_CALL // self.design.dimension)
        for start in range(0, len(rows), size):
            self.connection.call("storing vectors", "insert", self.name, list(rows[start : start + size]))

    def search(
        self, unit: Float32, k: int, *, ef: int | None = None, fields: Sequence[str] = ()
    ) -> Iterator[list[Found]]:
        """Yield the at most k nearest rows of each query, unit (n_queries, dim), nearest first, ties by lower row.

        ef: of an HNSW index; raised to k where it is lower, as Milvus refuses that. None for a FLAT index. fields: names
        of those that are wanted of each row.
        """
        asked = k if ef is not None else min(k + SPARE_HITS, MAX_HITS)
        size = max(1, min(QUERIES_PER_CALL, NUMBERS_PER_CALL // max(asked, unit.shape[1])))
        for start in range(0, len(unit), size):
            part = unit[start : start + size]
            for row, hits in enumerate(self._nearest(part, asked, ef, fields)):
                limit = asked
                while ef is None and len(hits) == limit < MAX_HITS and hits[-1].score == hits[k - 1].score:
                    limit = min(4 * limit, MAX_HITS)  # rows with the k-th score may go on
                    [hits] = self._nearest(part[row : row + 1], limit, ef, fields)
                yield hits[:k]

    def _nearest(self, unit: Float32, k: int, ef: int | None, fields: Sequence[str]) -> Iterator[list[Found]]:
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
            consistency_level="Strong",
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

    def get(self, ids: Sequence[int] | Sequence[str], fields: Sequence[str]) -> dict[Any, Fields]:
        """Return fields of the rows with these ids, id -> field -> value; ids that are not there are left out."""
        found: dict[Any, Fields] = {}
        for start in range(0, len(ids), IDS_PER_CALL):
            listed = ", ".join(
                f'"{one}"' if self.design.text_ids else str(one) for one in ids[start : start + IDS_PER_CALL]
            )
            found |= {row[ID]: row for row in self.query(f"{ID} in [{listed}]", [ID, *fields])}
        return found

    def settle(self) -> None:
        """Wait until all rows are in the index, and searched through it."""
        with self._loading:
            settle(self.connection, self.name, key=ID, vector=VECTOR)

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
        """Return what a call returns; load the collection if the server says that it is not, as after a restart."""
        try:
            return self.connection.call(doing, method, *args, **kwargs)
        except NotLoaded:
            with self._loading:
                self.load()
            return self.connection.call(doing, method, *args, **kwargs)

    def _exists(self) -> bool:
        return bool(self.connection.call("looking for a collection", "has_collection", self.name))

    def _make(self, shards: int) -> None:
        """Make the collection; another process may do so at the same time."""
        from pymilvus import DataType, MilvusClient

        schema = MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
        if self.design.text_ids:
            schema.add_field(ID, DataType.VARCHAR, is_primary=True, max_length=ID_BYTES)
            schema.add_field(ROW, DataType.INT64)
        else:
            schema.add_field(ID, DataType.INT64, is_primary=True)
        for name, most in self.design.texts.items():
            schema.add_field(name, DataType.VARCHAR, max_length=most)
        schema.add_field(VECTOR, DataType.FLOAT_VECTOR, dim=self.design.dimension)
        index = MilvusClient.prepare_index_params()
        parameters = dict(self.design.parameters)
        index.add_index(VECTOR, index_type=self.design.index, metric_type=METRIC, **parameters)
        if parameters:  # milvus-lite 3.2 looks for them here alone, and takes its own M without a word
            [configured] = index
            configured.get_index_configs()["params"] = parameters
        try:
            self.connection.call(
                "making a collection",
                "create_collection",
                self.name,
                schema=schema,
                index_params=index,
                num_shards=shards,
                consistency_level="Strong",
                properties={f"{SETTING}{key}": value for key, value in self.design.settings.items()},
            )
        except StorageError:
            if not self._exists():
                raise

    def _check(self) -> None:
        """Raise StorageError if the collection is of another design."""
        found, wanted = self._described(), self.design.described
        different = [key for key, value in wanted.items() if found.get(key) != value]
        if different:
            said = "; ".join(f"{key}: {found.get(key, 'none')}, wanted {wanted[key]}" for key in different)
            raise StorageError(
                f"The collection {self.name} of the Milvus server at {self.connection.address} is another one ({said}). "
                "Choose another name, or the settings that it was made with; nothing was changed."
            )

    def _described(self) -> dict[str, str]:
        """Return what a design describes, of the collection as the server has it."""
        collection = self.connection.call("describing a collection", "describe_collection", self.name)
        fields = {one["name"]: one for one in collection["fields"]}
        index = self._index()
        index = {**index, **dict(index.get("params") or {})}  # where milvus-lite tells them
        given = {"index": "index_type", "metric": "metric_type"} | {name: name for name in self.design.parameters}
        return {
            "dimension": str(fields.get(VECTOR, {}).get("params", {}).get("dim")),
            "fields": " ".join(sorted(fields)),
            **{name: str(index.get(key)) for name, key in given.items()},
            **settings_of(collection),
        }

    def _index(self) -> Fields:
        """Return what the server says of the index over the vectors."""
        names = self.connection.call("describing an index", "list_indexes", self.name, VECTOR)
        return self.connection.call("describing an index", "describe_index", self.name, names[0]) if names else {}


def settings_of(collection: Fields) -> dict[str, str]:
    """Return the settings that are kept with a collection, as the server describes it."""
    properties = dict(collection.get("properties") or {})
    return {key.removeprefix(SETTING): str(value) for key, value in properties.items() if key.startswith(SETTING)}


def stored_settings(connection: MilvusConnection, name: str) -> dict[str, str] | None:
    """Return the settings that are kept with a collection; None if there is no such collection."""
    if not connection.call("looking for a collection", "has_collection", name):
        return None
    return settings_of(connection.call("describing a collection", "describe_collection", name))


def _by_score(hit: Found) -> tuple[float, int]:
    return -hit.score, hit.row
