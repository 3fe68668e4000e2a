"""Checks of the fields that a saved collection adds to the manifest, which is untrusted."""

from collections.abc import Mapping
from typing import Any

MAX_COUNT = 2**53  # of a count or of seconds; larger numbers are invalid and cannot be shown
MAX_QUERIES = 1_000  # each measurement searches them all while others wait; ten times what indexing pins
FIELD_TYPES = {
    "name": str,
    "settings": dict,
    "queries": list,
    "n_documents": int,
    "n_tokens": int,
    "seconds": dict,
    "failed": dict,
    "chunked": bool,
    "drawn": bool,
    "n_cut": int,
    "n_kept": int,
    "n_packed": int,
    "notes": dict,
}
LATER_FIELDS: Mapping[str, Any] = {
    "n_cut": 0,
    "n_kept": 0,
    "n_packed": 0,
    "notes": {},
}  # fields that older versions did not save


def check_manifest(extra: Mapping[str, Any]) -> None:
    """Raise ValueError unless each field has the type and the range that save writes, KeyError if one is missing."""
    parts = {**LATER_FIELDS, **extra}
    if unknown := parts.keys() - FIELD_TYPES.keys() - {"judged"}:
        raise ValueError(f"it has a field {min(unknown)!r}, which no save writes")
    for name, kind in FIELD_TYPES.items():
        if type(parts[name]) is not kind:  # no subclasses: True is not a count
            raise ValueError(f"its {name} is {type(parts[name]).__name__}, not {kind.__name__}")
    if not all(isinstance(text, str) for text in [*parts["queries"], *parts["failed"].values()]):
        raise ValueError("its queries are not texts")
    if not all(type(said) is list and all(isinstance(one, str) for one in said) for said in parts["notes"].values()):
        raise ValueError("its notes are not texts")
    if not 0 < len(parts["queries"]) <= MAX_QUERIES:
        raise ValueError(f"it has {len(parts['queries']):,} queries, not 1 to {MAX_QUERIES:,}")
    seconds = list(parts["seconds"].values())
    if not all(type(number) in (int, float) for number in seconds):
        raise ValueError("its seconds are not numbers")
    counts = [parts[name] for name in ("n_documents", "n_tokens", "n_cut", "n_kept", "n_packed")]
    if not all(0 <= number <= MAX_COUNT for number in [*counts, *seconds]):  # also refuses NaN
        raise ValueError("its counts are out of range")
    _check_settings(parts["settings"])


def _check_settings(settings: Mapping[str, Any]) -> None:
    """Raise ValueError unless the settings are whole numbers in range; chunk_size may be None."""
    least = {"chunk_size": 1, "chunk_overlap": 0, "M": 1, "ef_construction": 1}
    for name, low in least.items():
        value = settings[name]
        if not (type(value) is int and low <= value <= MAX_COUNT or name == "chunk_size" and value is None):
            raise ValueError(f"its {name} is no such number")
