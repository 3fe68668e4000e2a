"""A run record as a Python script and as a notebook, which measure again and compare with what was recorded."""

import re
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from retriever.run_record import RunRecord
from ui.take_home.facts import Facts
from ui.take_home.numbers import (
    Numbers,
    build_lab_numbers,
    build_numbers,
    comparison_numbers,
    copies_numbers,
    ef_below_k_numbers,
    graph_again_numbers,
    measurement_numbers,
    milvus_numbers,
    search_numbers,
    shard_lab_numbers,
    size_lab_numbers,
    walk_numbers,
)
from ui.take_home.python_source import Code, render_source

CELL = re.compile(r"^# %%(?: \[(markdown)\])?\n", re.MULTILINE)  # begins a cell, as editors and Jupytext know it
REPEATS = 5  # searches of one question, of which the median is taken
IMPORT_LINE = 88  # characters of a line of imports

NAMED = {"dataclasses": "from dataclasses import replace", "pathlib": "from pathlib import Path"}


@dataclass(frozen=True)
class Kind:
    """A kind of result. template: of its script. names: that it imports of the library, beside those of its data.

    modules: of Python that it imports. numbers: returns what of a record is measured again.
    """

    template: str
    names: str
    numbers: Callable[[Facts], tuple[Numbers, Numbers]]
    modules: str = ""


KINDS: Mapping[str, Kind] = {
    "search": Kind("search.py.jinja", "knn_recall measure", search_numbers, "time"),
    "measurement": Kind("measurement.py.jinja", "ef_curve measure", measurement_numbers),
    "milvus measurement": Kind(
        "milvus_measurement.py.jinja", "MilvusIndex knn_recall", milvus_numbers, "contextlib os secrets time statistics"
    ),
    "build lab": Kind("build_lab.py.jinja", "sample_vectors sweep_graph_settings", build_lab_numbers),
    "size lab": Kind("size_lab.py.jinja", "sweep_sizes", size_lab_numbers),
    "shard lab": Kind("shard_lab.py.jinja", "sweep_shards", shard_lab_numbers),
    "walk": Kind("walk.py.jinja", "HNSWGraph explain_misses", walk_numbers),
    "build": Kind("build.py.jinja", "", build_numbers),
    "ef below k": Kind("ef_below_k.py.jinja", "knn_recall", ef_below_k_numbers),
    "copies": Kind("copies.py.jinja", "ExactIndex HNSWIndex knn_recall", copies_numbers, "numpy"),
    "graph again": Kind(
        "graph_again.py.jinja", "ExactIndex HNSWGraph HNSWIndex measure sample_vectors", graph_again_numbers
    ),
    "comparison": Kind("comparison.py.jinja", "compare_retrievers judged_searches measure_costs", comparison_numbers),
}
ORIGINS = {  # of the documents -> the names that reading them needs of the library, and modules of Python
    "sample": ("IndexSettings index_collection load_sample", ""),
    "text": ("Collection Document IndexSettings index_collection", ""),
    "files": ("Collection IndexSettings index_collection load_documents", "hashlib pathlib"),
    "archive": ("IndexSettings index_collection read_beir_archive", "hashlib pathlib"),
    "saved": ("IndexedCollection", "hashlib pathlib tempfile zipfile"),
}


@dataclass(frozen=True)
class TakeHome:
    """The script of a run record, and the notebook of the same cells. Raises ValueError if why_not says why."""

    run: RunRecord

    @cached_property
    def name(self) -> str:
        """The name of the files without an extension: the kind of result and the day."""
        return f"{self.run.kind.replace(' ', '-')}-{self.run.time[:10]}"

    @cached_property
    def script(self) -> str:
        """The script, in cells that begin with `# %%`."""
        if reason := why_not(self.run):
            raise ValueError(reason)
        facts, kind = Facts.of(self.run), KINDS[self.run.kind]
        numbers, seconds = kind.numbers(facts)
        record = {
            "time": facts.time,
            "numbers": {**_data_numbers(facts), **numbers},
            "seconds": seconds,
            "versions": facts.versions,
            "machine": dict(facts.machine),
            "graph_reproducible": facts.index["graph_reproducible"],
        }
        source = {"imports": _imports(facts, kind), "pins": _pip_lines(facts)}
        return render_source(kind.template, facts=facts, record=record, repeats=REPEATS, **source)

    @cached_property
    def cells(self) -> list[tuple[str, str]]:
        """The cells of the script: "markdown" or "code", and what each holds."""
        parts = CELL.split(self.script)[1:]  # kind and content, in turns
        cells = []
        for kind, content in zip(parts[::2], parts[1::2], strict=True):
            if kind:
                lines = (line.removeprefix("#").removeprefix(" ") for line in content.strip("\n").split("\n"))
                cells.append(("markdown", "\n".join(lines)))
            else:
                cells.append(("code", content.strip("\n")))
        return cells

    @cached_property
    def notebook(self) -> str:
        """The notebook, as JSON in Jupyter's format 4."""
        import nbformat  # takes a moment, and nothing else needs it

        format_4: Any = nbformat.v4  # which has no types
        from_dict: Any = nbformat.from_dict
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        content = {
            "nbformat": format_4.nbformat,
            "nbformat_minor": format_4.nbformat_minor,
            "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}},
            "cells": [_cell(number, kind, source) for number, (kind, source) in enumerate(self.cells, 1)],
        }  # its functions for parts validate each, which takes longer than all else of a record
        return str(format_4.writes(from_dict(content))) + "\n"


def _cell(number: int, kind: str, source: str) -> dict[str, Any]:
    """Return a cell of a notebook; kind: "markdown" or "code"."""
    cell = {"id": f"cell-{number}", "cell_type": kind, "metadata": {}, "source": source}
    return cell if kind == "markdown" else {**cell, "execution_count": None, "outputs": []}


def why_not(run: RunRecord) -> str:
    """Return why no script is made of a run record, as sentences; empty if one is."""
    facts = Facts.of(run)
    if facts.kind not in KINDS:
        return "No script is made of a result of this kind."
    if facts.origin["kind"] not in ORIGINS:
        return "The record does not say where the documents come from, so no script can read them."
    if "characters" in facts.origin:
        return (
            "A pasted text this long does not stand in the record, so no script can read it: upload it as a file, and "
            "a script reads that."
        )
    names = [file["name"] for file in facts.origin["files"]]
    if len(set(names)) < len(names):
        return "Two of the files have the same name, so no script can tell them apart: rename one, and build again."
    if facts.kind == "comparison" and "judged_by" in facts.data and not _has_judgments(facts):
        return "Judgments this long do not stand in the record, so no script can be scored by them."
    return ""


def _has_judgments(facts: Facts) -> bool:
    """Return whether a comparison of what is loaded can be scored: by the collection's judgments, or the record's."""
    return facts.data["judged_by"] == "the collection itself" or "judgments" in facts.data


def _data_numbers(facts: Facts) -> Numbers:
    """Return what says that the data and the model are the recorded ones."""
    numbers: Numbers = {"texts (SHA-256)": facts.data["texts_sha256"], "vectors": facts.data["vectors"]}
    if not facts.data.get("chunked_with"):
        numbers["weights of the model"] = facts.index["model_fingerprint"].partition("-")[0]
    return numbers


def _imports(facts: Facts, kind: Kind) -> Code:
    """Return the import statements: modules of Python, then the names of the library."""
    names, modules = ORIGINS[facts.origin["kind"]]
    wanted = {*kind.names.split(), *names.split(), "compare_with_record"}
    if facts.beside:
        wanted.add("BM25Retriever" if facts.beside == "BM25" else "LateInteractionRetriever")
    if "judgments" in facts.data:
        wanted.add("JudgedQueries")
    if facts.origin["text_columns"] or facts.origin["title_column"]:
        wanted.add("TableColumns")
    if facts.kind == "measurement" and facts.counted:
        wanted.add("HNSWGraph")
    ordered = sorted(wanted, key=lambda name: (0 if name.isupper() else 1 if name[0].isupper() else 2, name))
    library = f"from retriever import {', '.join(ordered)}"
    if len(library) > IMPORT_LINE:
        library = "from retriever import (\n" + "".join(f"    {name},\n" for name in ordered) + ")"
    needed = {*kind.modules.split(), *modules.split()}
    if facts.kind == "comparison" and "judgments" not in facts.data:
        needed.add("dataclasses")
    numpy = ["import numpy as np"] if "numpy" in needed else []
    lines = sorted(NAMED.get(module, f"import {module}") for module in needed - {"numpy"})
    of_python = sorted(lines, key=lambda line: not line.startswith("import"))  # modules first, then names of others
    return Code("\n".join([*of_python, *([""] if of_python else []), *numpy, library]))


def _pip_lines(facts: Facts) -> Code:
    """Return the command that installs the library with the recorded versions, as lines of a comment."""
    docs = facts.origin["name"].startswith("python_docs")  # they need the packages that they are read from
    words = ["pip install", '".[app]"' if docs else ".", *facts.pins]
    lines = textwrap.wrap(" ".join(words), 100, break_long_words=False, break_on_hyphens=False)
    return Code("#     " + " \\\n#         ".join(lines))
