"""The fields that a saved collection adds to the manifest: what save writes passes, all else is refused."""

from copy import deepcopy

import pytest

from retriever.indexing.manifest import LATER_FIELDS, MAX_QUERIES, check_manifest

EXTRA = {
    "name": "Lamps",
    "settings": {"model_name": "wordllama-256", "chunk_size": 200, "chunk_overlap": 20, "M": 4, "ef_construction": 20},
    "queries": ["how far?", "who lights it?"],
    "n_documents": 3,
    "n_tokens": 90,
    "seconds": {"embedding": 12.0, "graph": 0},
    "failed": {"broken.pdf": "It is broken."},
    "chunked": True,
    "drawn": False,
    "n_cut": 0,
    "n_kept": 0,
    "judged": None,
}


def changed(*keys, value):
    extra = inner = deepcopy(EXTRA)
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = value
    return extra


def test_what_save_writes_passes_and_what_older_versions_wrote():
    check_manifest(EXTRA)
    check_manifest({name: value for name, value in EXTRA.items() if name not in {*LATER_FIELDS, "judged"}})
    check_manifest(changed("settings", "chunk_size", value=None))
    check_manifest(changed("queries", value=["x" * 500_000] * MAX_QUERIES))


@pytest.mark.parametrize("name", sorted(EXTRA.keys() - LATER_FIELDS.keys() - {"judged"}))
def test_every_field_is_needed(name):
    with pytest.raises(KeyError, match=name):
        check_manifest({other: value for other, value in EXTRA.items() if other != name})


FORGED = [
    ("name", ["x"]),
    ("settings", [4]),
    ("queries", {"a": 1}),
    ("queries", [1, 2]),
    ("queries", []),
    ("queries", ["x"] * 1_001),
    ("n_documents", -3),
    ("n_documents", float("nan")),
    ("n_tokens", 10**4000),
    ("n_tokens", 0.5),
    ("n_tokens", True),
    ("n_cut", -1),
    ("n_kept", "some"),
    ("seconds", "long"),
    ("seconds", "graph", "long"),
    ("seconds", "graph", True),
    ("seconds", "graph", -1.0),
    ("seconds", "graph", 10**4000),
    ("seconds", "graph", float("inf")),
    ("seconds", "graph", float("nan")),
    ("failed", [["a", "b"]]),
    ("failed", {"a.pdf": 3}),
    ("notes", {"a.txt": "a guess"}),
    ("notes", {"a.txt": [3]}),
    ("chunked", "no"),
    ("drawn", 0),
    ("settings", "chunk_size", "200"),
    ("settings", "chunk_size", 0),
    ("settings", "chunk_size", 10**30),
    ("settings", "chunk_overlap", None),
    ("settings", "chunk_overlap", -1),
    ("settings", "M", True),
    ("settings", "ef_construction", 0),
    ("measurements", "x"),
    ("measurements_of", "x"),
    ("_lock", "x"),
    ("retriever", 1),
]


@pytest.mark.parametrize("forged", FORGED, ids=lambda forged: "-".join(str(part)[:20] for part in forged))
def test_a_forged_field_is_refused_in_few_words(forged):
    *keys, value = forged
    with pytest.raises(ValueError, match=keys[0] if keys[0] not in EXTRA else r"^it'?s? ") as refused:
        check_manifest(changed(*keys, value=value))
    assert len(str(refused.value)) < 200
