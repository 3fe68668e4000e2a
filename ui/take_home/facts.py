"""What a run record says, as a script needs it: read from its JSON, so that a loaded record does as well."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from retriever.run_record import RunRecord

PLACES = ("first", "second", "third", "fourth")  # of the retrievers of a comparison
PYTHON_DOCS = frozenset({"networkx", "plotly", "scikit-learn", "sympy"})  # packages that only these samples need
PIN = re.compile(r"[\w.-]+==[\w.!-]+", re.ASCII)
NO_ORIGIN: Mapping[str, Any] = MappingProxyType(
    {"kind": "", "name": "", "files": [], "text_columns": [], "title_column": "", "part": "", "split": ""}
)
GRAPH_KEY = re.compile(r"M=(\d+) ef_construction=(\d+)")
SHARDS_KEY = "shards="  # before a number of shards


@dataclass(frozen=True)
class Facts:
    """The parts of a run record, as JSON has them."""

    kind: str
    time: str
    settings: Mapping[str, Any]
    data: Mapping[str, Any]
    observed: Mapping[str, Any]
    all_versions: Mapping[str, str]
    machine: Mapping[str, Any]

    @classmethod
    def of(cls, run: RunRecord) -> "Facts":
        """Return the facts of a run record."""
        read = json.loads(run.to_json())
        parts = (read[name] for name in ("settings", "data", "observed", "versions", "machine"))
        return cls(read["kind"], read["time"], *parts)

    @property
    def k(self) -> int:
        """How many passages, or documents, are found."""
        return int(self.settings["k"])

    @property
    def origin(self) -> Mapping[str, Any]:
        """Where the documents come from; of an empty kind if the record does not say it."""
        return {**NO_ORIGIN, **self.data.get("origin", {})}

    @property
    def index(self) -> Mapping[str, Any]:
        """The settings of the index that is built first: of a comparison the one whose passages are searched."""
        if self.kind != "comparison":
            return self.settings
        sides = [self.settings[place] for place in PLACES if place in self.settings]
        dense = [side for side in sides if "retriever" not in side]
        index: Mapping[str, Any] = dense[0] if dense else self.settings["passages_of"]
        return index

    @property
    def index_settings(self) -> dict[str, Any]:
        """The arguments of IndexSettings, without those that the record leaves out because they are varied."""
        index = self.index
        named = {"model_name": self.data.get("chunked_with") or index["model"]}
        if isinstance(index["chunk_size_tokens"], int):
            named |= {"chunk_size": index["chunk_size_tokens"], "chunk_overlap": index["chunk_overlap_tokens"]}
        return named | {name: index[name] for name in ("M", "ef_construction") if name in index}

    @property
    def versions(self) -> dict[str, str]:
        """The versions of what the script needs: of the library, and of what the Python docs are read from."""
        docs = self.origin["name"].startswith("python_docs")
        unused = {"gradio"} | (set() if docs else PYTHON_DOCS)
        unused |= set() if self.kind == "milvus measurement" else {"pymilvus"}
        return {name: version for name, version in self.all_versions.items() if name not in unused}

    @property
    def pins(self) -> list[str]:
        """The packages with their versions, as pip takes them; a local part such as +cpu is in no registry."""
        pins = [f"{name}=={version.partition('+')[0]}" for name, version in self.versions.items() if name != "python"]
        return [pin for pin in pins if PIN.fullmatch(pin)]

    @property
    def beside(self) -> str:
        """The retriever that answered beside both searches; empty if none did."""
        return str(self.settings.get("beside", {}).get("retriever", ""))

    @property
    def steps(self) -> dict[int, Mapping[str, Any]]:
        """What was measured at each ef: on the curve, and where the slider stood."""
        return self._steps("hnsw")

    @property
    def milvus_steps(self) -> dict[int, Mapping[str, Any]]:
        """What was measured in Milvus at each ef: on the curve, and where the slider stood."""
        return self._steps("milvus")

    def _steps(self, engine: str) -> dict[int, Mapping[str, Any]]:
        now = self.observed[engine]
        curve = {step["ef"]: step for step in self.observed.get("curve", [])}
        return {**curve, now["ef"]: now}

    @property
    def counted(self) -> list[int]:
        """Each ef at which distances were counted."""
        return [ef for ef, step in sorted(self.steps.items()) if "mean_distances" in step]

    @property
    def files(self) -> dict[str, str]:
        """The uploaded files: name -> SHA-256."""
        return {file["name"]: file["sha256"] for file in self.origin["files"]}

    @property
    def sides(self) -> dict[str, str]:
        """The names of the compared retrievers: place -> name."""
        sides = {place: self.settings[place] for place in PLACES if place in self.settings}
        return {place: side.get("retriever") or side["model"] for place, side in sides.items()}

    @property
    def seeds(self) -> dict[str, int]:
        """The seeds of graphs that were built again: name -> seed."""
        usual, other = self.settings["seed"], self.settings.get("other_seed", self.settings["seed"])
        return {name: other if name == f"seed_{other}" else usual for name in self.observed}

    @property
    def varied(self) -> tuple[list[int], list[int]]:
        """The values of M, and those of ef_construction, that graphs were built with."""
        Ms, ef_constructions = zip(*self.graphs, strict=True)
        return list(dict.fromkeys(Ms)), list(dict.fromkeys(ef_constructions))

    @property
    def shard_counts(self) -> list[int]:
        """The numbers of shards that a collection was split over."""
        return [int(name.removeprefix(SHARDS_KEY)) for name in self.observed]

    @property
    def graphs(self) -> dict[tuple[int, int], Mapping[str, Any]]:
        """What was measured of each graph: M and ef_construction -> its numbers."""
        found = {GRAPH_KEY.fullmatch(key): result for key, result in self.observed.items()}
        return {(int(key[1]), int(key[2])): result for key, result in found.items() if key}
