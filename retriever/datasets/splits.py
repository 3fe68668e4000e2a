"""Splits of judgments: the files of BEIR's folder qrels, of which one is read."""

from collections.abc import Iterable

from retriever.documents.parts import listed
from retriever.errors import PartError

SPLITS = ("test", "dev", "validation", "valid", "val", "train")  # the first that is there is read


def split_name(file_name: str) -> str:
    """Return the split whose judgments a file of the folder qrels holds, or "" if that is none."""
    name, dot, suffix = file_name.removesuffix(".gz").rpartition(".")
    return name if dot and suffix == "tsv" and not name.startswith(".") else ""


def ordered_splits(names: Iterable[str]) -> list[str]:
    """Return the names of splits, in the order in which they are looked for."""
    return sorted(names, key=lambda name: (SPLITS.index(name) if name in SPLITS else len(SPLITS), name))


def choose_split(names: Iterable[str], wanted: str, where: str) -> str:
    """Return the split that is wanted, else the first of SPLITS, else the only one. Raises PartError for none."""
    splits = ordered_splits(names)
    chosen = wanted or next((name for name in splits if name in SPLITS or len(splits) == 1), "")
    if chosen not in splits:
        found = f"{where} holds no judgments of the split {wanted!r}" if wanted else f"{where} holds several splits"
        raise PartError(f"{found}; choose one of: {listed(splits)}.")
    return chosen


def split_sentence(chosen: str, names: Iterable[str]) -> str:
    """Return which split's judgments are read, and which others there are."""
    others = [name for name in ordered_splits(names) if name != chosen]
    more = f"; there are others: {listed(others)}" if others else ""
    return f"The judgments of the split {chosen!r} are read{more}."
