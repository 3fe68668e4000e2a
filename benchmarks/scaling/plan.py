"""The plan of an index by its number of vectors: memory, machines, hours. Pure arithmetic, to be changed by a reader.

A *node* is a machine that holds a part of the vectors, a shard, in memory and searches it. Vectors lie in *segments*,
each with a graph of its own, as in Milvus: a search at ef is one search at ef in every segment, of which a node's cores
do several at once. Bytes are counted in powers of ten: a gigabyte (GB) is 10^9 bytes.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

GB = 1e9
SECTOR = 4096  # bytes that a disk index reads at once
DISK_DEGREE = 56  # links of a node of DiskANN, Milvus' default
DISK_MEMORY = 0.125 + 0.125  # of the raw vectors, kept in memory by DiskANN: codes and cache, Milvus' defaults


def raw_bytes(dimension: int) -> float:
    """Return the bytes of a vector of float32."""
    return 4.0 * dimension


def link_bytes(M: int) -> float:
    """Return the expected bytes of a vector's links in hnswlib: 2M on the ground layer, M on each layer above.

    A list of links begins with its length, 4 bytes, and so does what a vector has above the ground. A share of M^-l of
    the vectors reaches layer l, so that a vector has 1 / (M - 1) layers above the ground on average.
    """
    return 4.0 * (2 * M + 1) + 4.0 + 4.0 * (M + 1) / (M - 1)


def disk_bytes(dimension: int) -> float:
    """Return the bytes of a vector with its links in a disk index, which fills whole sectors."""
    node = raw_bytes(dimension) + 4.0 * (DISK_DEGREE + 1)
    return SECTOR / (SECTOR // node) if node <= SECTOR else SECTOR * math.ceil(node / SECTOR)


# Bytes of memory a vector, of a dimension and M; the most exact storage first. SQ8: a byte a number. disk: what DiskANN
# keeps in memory of vectors that lie on a disk. PQ: a byte for eight numbers. All but disk keep a graph beside that.
STORAGES: Mapping[str, Callable[[int, int], float]] = {
    "float32": lambda dimension, M: raw_bytes(dimension) + link_bytes(M),
    "SQ8": lambda dimension, M: dimension + link_bytes(M),
    "disk": lambda dimension, M: DISK_MEMORY * raw_bytes(dimension),
    "PQ": lambda dimension, M: dimension / 8 + link_bytes(M),
}


@dataclass(frozen=True)
class Rates:
    """What was measured, on which the hours rest.

    embedded: model -> texts a second of one core. linked: vectors a second of one core, in a graph of linked_at
    vectors; a vector takes (n / linked_at) ** growth times as long in a graph of n.
    """

    embedded: Mapping[str, float]
    linked: float
    linked_at: int
    growth: float

    def link_seconds(self, n: int) -> float:
        """Return the core seconds that a vector of a graph of n vectors takes."""
        return float((n / self.linked_at) ** self.growth / self.linked)


@dataclass(frozen=True)
class Setting:
    """What is assumed of the vectors and of the machines; change it to what you have.

    node_gb: memory of a node, of which a share of fill holds vectors. segment_gb: raw vectors of a full segment.
    most_nodes: nodes of a replica beyond which vectors are better kept in less memory. day_hours: hours within which
    everything should be embedded, on machines of as many cores as a node's.
    """

    dimension: int = 384
    M: int = 16
    replicas: int = 2
    node_gb: float = 64
    node_cores: int = 16
    fill: float = 0.7
    segment_gb: float = 1.0
    text_bytes: float = 800
    most_nodes: int = 16
    day_hours: float = 24


@dataclass(frozen=True)
class Plan:
    """What so many vectors take.

    memory_gb: of a replica with float32. disk_gb: texts, vectors and links in the object storage that all replicas
    share. nvme_gb: vectors and links of a replica as a disk index keeps them. segments: of a replica. nodes: of a
    replica, by the name of a storage. cores: of all nodes of a replica with float32. storage: the most exact whose
    replica needs at most most_nodes, or else the one of the fewest. nodes_in_all: of all replicas with that storage.
    on_a_core: segments that a core searches one after the other for a query. build_hours: core hours. embedding_hours:
    model -> core hours. machines: model -> machines that embed all within day_hours.
    """

    vectors: int
    memory_gb: float
    disk_gb: float
    nvme_gb: float
    segments: int
    nodes: Mapping[str, int]
    cores: int
    storage: str
    nodes_in_all: int
    on_a_core: int
    build_hours: float
    embedding_hours: Mapping[str, float] = field(default_factory=dict)
    machines: Mapping[str, int] = field(default_factory=dict)

    @property
    def segment_vectors(self) -> int:
        """The vectors of a segment, on average."""
        return math.ceil(self.vectors / self.segments)


def plan(vectors: int, rates: Rates, setting: Setting | None = None) -> Plan:
    """Return the plan for a number of vectors. Raises ValueError for fewer than one vector."""
    if vectors < 1:
        raise ValueError(f"A plan is for at least one vector, not {vectors}.")
    setting = setting or Setting()
    room = setting.node_gb * GB * setting.fill
    each = {name: memory(setting.dimension, setting.M) for name, memory in STORAGES.items()}
    nodes = {name: math.ceil(vectors * size / room) for name, size in each.items()}
    within = [name for name, count in nodes.items() if count <= setting.most_nodes]
    raw = vectors * raw_bytes(setting.dimension)
    links = vectors * link_bytes(setting.M)
    segments = math.ceil(raw / (setting.segment_gb * GB))
    on_a_node = math.ceil(segments / nodes["float32"])
    embedding = {model: vectors / rate / 3600 for model, rate in rates.embedded.items()}
    day = setting.node_cores * setting.day_hours
    storage = within[0] if within else min(nodes, key=nodes.__getitem__)
    return Plan(
        vectors=vectors,
        memory_gb=(raw + links) / GB,
        disk_gb=(raw + links + vectors * setting.text_bytes) / GB,
        nvme_gb=vectors * disk_bytes(setting.dimension) / GB,
        segments=segments,
        nodes=nodes,
        cores=nodes["float32"] * setting.node_cores,
        storage=storage,
        nodes_in_all=nodes[storage] * setting.replicas,
        on_a_core=math.ceil(on_a_node / setting.node_cores),
        build_hours=vectors * rates.link_seconds(math.ceil(vectors / segments)) / 3600,
        embedding_hours=embedding,
        machines={model: math.ceil(hours / day) for model, hours in embedding.items()},
    )
