"""What a collection of a Milvus server consists of: making one, and checking one that is there already."""

import re
import reprlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from retriever.errors import ParameterError, StorageError
from retriever.indexes.milvus.connection import MilvusConnection

METRIC = "IP"  # of unit vectors the cosine; Milvus' COSINE is not defined for a vector of zeros
ID, ROW, VECTOR = "id", "row", "vector"  # names of fields
ID_BYTES = 64  # of an id that is text, at most
SETTING = "dense_retrieval_lab."  # prefix of the properties in which a collection's settings are kept
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,199}")
Fields = Mapping[str, Any]


@dataclass(frozen=True)
class Design:
    """What a collection consists of; one that is opened again must be equal.

    dimension: of the vectors. index: "HNSW" or "FLAT". parameters: of the index, as Milvus names them. text_ids:
    whether ids are texts, and row numbers stand in a field of their own; else the ids are the row numbers. texts: names
    of further fields -> the most bytes of their texts. settings: short texts that are kept with the collection.
    """

    dimension: int
    index: str
    parameters: Mapping[str, int] = field(default_factory=dict)
    text_ids: bool = False
    texts: Mapping[str, int] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def of_rows(self) -> dict[str, str]:
        """What the rows must be, name -> value."""
        fields = sorted([ID, VECTOR, *([ROW] if self.text_ids else []), *self.texts])
        return {"dimension": str(self.dimension), "fields": " ".join(fields), **self.settings}

    @property
    def of_index(self) -> dict[str, str]:
        """What the index must be, name -> value."""
        parameters = {name: str(value) for name, value in self.parameters.items()}
        return {"index_type": self.index, "metric_type": METRIC, **parameters}


def open_collection(connection: MilvusConnection, name: str, design: Design, *, shards: int) -> None:
    """Make a collection, with that many shards, or check the one that is there.

    Raises ParameterError for a name that Milvus does not take, StorageError for a collection of another design.
    """
    if not exists(connection, name):
        _make(connection, name, design, shards)
    described = connection.call("describing a collection", "describe_collection", name)
    _check(connection, name, _of_rows(described), design.of_rows)
    index = _index(connection, name)
    if not index:  # made just now, or by a process that ended in between
        _make_index(connection, name, design)
        index = _index(connection, name)
    _check(connection, name, index, design.of_index)


def exists(connection: MilvusConnection, name: str) -> bool:
    """Return whether the server has a collection of this name. Raises ParameterError if there can be none."""
    if not NAME.fullmatch(name):
        raise ParameterError(
            f"The collection's name is {reprlib.repr(name)}; it must be letters, digits and underscores, 200 at most, "
            "and not begin with a digit."
        )
    return bool(connection.call("looking for a collection", "has_collection", name))


def stored_settings(connection: MilvusConnection, name: str) -> dict[str, str]:
    """Return the settings that are kept with a collection; none if there is no such collection."""
    if not exists(connection, name):
        return {}
    return _settings(connection.call("describing a collection", "describe_collection", name))


def _make(connection: MilvusConnection, name: str, design: Design, shards: int) -> None:
    """Make a collection without its index; another process may do so at the same time."""
    from pymilvus import DataType, MilvusClient

    schema = MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
    if design.text_ids:
        schema.add_field(ID, DataType.VARCHAR, is_primary=True, max_length=ID_BYTES)
        schema.add_field(ROW, DataType.INT64)
    else:
        schema.add_field(ID, DataType.INT64, is_primary=True)
    for text, most in design.texts.items():
        schema.add_field(text, DataType.VARCHAR, max_length=most)
    schema.add_field(VECTOR, DataType.FLOAT_VECTOR, dim=design.dimension)
    try:
        connection.call(
            "making a collection",
            "create_collection",
            name,
            schema=schema,
            num_shards=shards,
            consistency_level="Strong",
            properties={f"{SETTING}{key}": value for key, value in design.settings.items()},
        )
    except StorageError:
        if not exists(connection, name):
            raise


def _make_index(connection: MilvusConnection, name: str, design: Design) -> None:
    """Have the server build the index over all vectors there are and will be; it does so in the background."""
    from pymilvus import MilvusClient

    parameters = dict(design.parameters)
    index = MilvusClient.prepare_index_params()
    index.add_index(VECTOR, index_type=design.index, metric_type=METRIC, **parameters)
    if parameters:  # milvus-lite 3.2 looks for them here alone, and takes its own M without a word
        [configured] = index
        configured.get_index_configs()["params"] = parameters
    connection.call("making an index", "create_index", name, index, sync=False)


def _check(connection: MilvusConnection, name: str, found: Fields, wanted: Mapping[str, str]) -> None:
    """Raise StorageError if what was found differs from what is wanted."""
    different = [key for key, value in wanted.items() if str(found.get(key)) != value]
    if different:
        said = "; ".join(f"{key}: {found.get(key, 'none')}, wanted {wanted[key]}" for key in different)
        raise StorageError(
            f"The collection {name} of the Milvus server at {connection.address} is another one ({said}). Choose "
            "another name, or the settings that it was made with; nothing was changed."
        )


def _of_rows(collection: Fields) -> dict[str, str]:
    """Return what a design says of rows, of a collection as the server describes it."""
    fields = {one["name"]: one for one in collection["fields"]}
    dimension = fields.get(VECTOR, {}).get("params", {}).get("dim")
    return {"dimension": str(dimension), "fields": " ".join(sorted(fields)), **_settings(collection)}


def _settings(collection: Fields) -> dict[str, str]:
    """Return the settings that are kept with a collection, as the server describes it."""
    properties = dict(collection.get("properties") or {})
    return {key.removeprefix(SETTING): str(value) for key, value in properties.items() if key.startswith(SETTING)}


def _index(connection: MilvusConnection, name: str) -> Fields:
    """Return what the server says of the index over the vectors; nothing if there is none."""
    names = connection.call("describing an index", "list_indexes", name, VECTOR)
    if not names:
        return {}
    described = dict(connection.call("describing an index", "describe_index", name, names[0]))
    return {**described, **dict(described.get("params") or {})}  # milvus-lite tells its parameters there
