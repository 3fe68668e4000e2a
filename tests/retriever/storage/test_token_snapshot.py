"""Saved token vectors whose files are whole, but do not fit together: forged ones have the right hashes too."""

import hashlib
import io
import json

import numpy as np
import pytest

from retriever import LateInteractionRetriever
from retriever.errors import StorageError
from retriever.storage.token_snapshot import read_token_snapshot
from tests.support.encoders import FakeMultiVectorEncoder

TEXTS = ["a lamp at sea", "bread", "a lamp at sea", ""]


@pytest.fixture
def saved(tmp_path):
    retriever = LateInteractionRetriever("toy", encoder=FakeMultiVectorEncoder())
    retriever.index(TEXTS)
    retriever.save(tmp_path)
    return tmp_path


def replace(folder, name, array):
    """Put another array into the place of a saved one, with the hash and the size that the manifest wants."""
    buffer = io.BytesIO()
    np.save(buffer, array)
    data = buffer.getvalue()
    digest = hashlib.sha256(data).hexdigest()
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"][name] = {"name": f"{name}-{digest[:16]}.npy", "sha256": digest, "bytes": len(data)}
    (folder / f"{name}-{digest[:16]}.npy").write_bytes(data)
    (folder / "manifest.json").write_text(json.dumps(manifest))


def test_what_was_saved_is_read_with_the_number_of_each_passages_text(saved):
    snapshot = read_token_snapshot(saved)
    assert snapshot.rows.tolist() == [0, 1, 0, 2]
    assert (len(snapshot.index), snapshot.index.n_tokens) == (3, 5 + 2 + 1)
    assert snapshot.settings == {"max_bytes": 500_000_000, "candidates": 200}


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("token_vectors", np.ones((7, 32), np.float16)),
        ("token_vectors", np.ones((8, 31), np.float16)),
        ("token_vectors", np.full((8, 32), np.nan, np.float16)),
        ("token_vectors", np.ones((8, 32), np.float32)),
        ("token_counts", np.array([5, 3, 0])),
        ("token_counts", np.array([9, -2, 1])),
        ("token_counts", np.array([2**63 - 1, 2**63 - 1, 10])),  # 8, with overflow
        ("token_counts", np.array([5, 3])),
        ("token_counts", np.array([5.0, 2.0, 1.0], np.float32)),
        ("means", np.ones((2, 32), np.float32)),
        ("means", np.full((3, 32), np.inf, np.float32)),
        ("rows", np.array([0, 1, 0, 3])),
        ("rows", np.array([0, 1, 0, -1])),
        ("rows", np.array([0, 1, 0])),
        ("cut", np.array([3])),
        ("cut", np.zeros((1, 1), np.int64)),
    ],
)
def test_parts_that_do_not_fit_together_are_refused(saved, name, array):
    replace(saved, name, array)
    with pytest.raises(StorageError, match="is damaged"):
        LateInteractionRetriever.load(saved, encoder=FakeMultiVectorEncoder())
