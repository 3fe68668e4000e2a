"""The pack of vectors: written and read back, the same files for the same input, and damage is always detected."""

import json
import zlib

import numpy as np
import pytest

from retriever.errors import StorageError, VectorError
from retriever.storage import vector_pack
from retriever.storage.vector_pack import STEP, read_vector_pack, write_vector_pack
from retriever.vectors import normalize
from tests.support.small import sentences

FIRST, SECOND = "0123-bfloat16", "0123-float32"
TEXTS = sentences(50)
RNG = np.random.default_rng(0)
VECTORS = normalize(RNG.normal(size=(50, 12)).astype(np.float32))
CLOSE = normalize(VECTORS + RNG.normal(scale=1e-3, size=VECTORS.shape).astype(np.float32))


@pytest.fixture
def folder(tmp_path):
    """A pack of two fingerprints."""
    write_vector_pack(tmp_path / "pack", TEXTS, {FIRST: VECTORS, SECOND: CLOSE})
    return tmp_path / "pack"


def change_manifest(folder, change):
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    change(manifest)
    path.write_text(json.dumps(manifest))


def replace_file(folder, name, data):
    """Replace a file as a forger would, with its size and hash in the manifest."""
    (folder / name).write_bytes(data)
    digest = vector_pack.hashlib.sha256(data).hexdigest()
    change_manifest(folder, lambda manifest: manifest["files"].update({name: {"bytes": len(data), "sha256": digest}}))


def test_the_first_vectors_are_read_back_bit_for_bit_and_the_second_to_a_few_millionths(folder):
    first, second = (read_vector_pack(folder, name).vectors_of(["nowhere", *TEXTS]) for name in (FIRST, SECOND))
    assert list(first) == list(second) == TEXTS
    assert np.stack(list(first.values())).tobytes() == VECTORS.tobytes()
    np.testing.assert_allclose(np.stack(list(second.values())), CLOSE, rtol=0, atol=STEP)
    assert not np.array_equal(VECTORS, CLOSE)


def test_the_same_vectors_make_the_same_files_in_any_order_of_the_texts(folder, tmp_path):
    write_vector_pack(tmp_path / "other", TEXTS[::-1], {FIRST: VECTORS[::-1], SECOND: CLOSE[::-1]})
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert files == {path.name: path.read_bytes() for path in (tmp_path / "other").iterdir()}
    assert len(files) == 4


def test_of_another_fingerprint_or_in_an_empty_folder_there_are_none(folder, tmp_path):
    assert read_vector_pack(folder, "4567-float32") is None
    assert read_vector_pack(tmp_path, FIRST) is None


def test_vectors_of_other_weights_are_no_second_precision(tmp_path):
    with pytest.raises(VectorError, match="wanted those of the same weights"):
        write_vector_pack(tmp_path, TEXTS, {FIRST: VECTORS, SECOND: VECTORS[::-1]})


@pytest.mark.parametrize("name", ["manifest.json", "keys.bin", "vectors-1.bin", "vectors-2.bin"])
def test_damage_is_detected(folder, name):
    path = folder / name
    whole = path.read_bytes()
    for damaged in (b"", whole[:-2], whole + b"x", bytes([whole[0] ^ 1]) + whole[1:], None):
        path.unlink(missing_ok=True)
        path.mkdir() if damaged is None else path.write_bytes(damaged)
        with pytest.raises(StorageError, match="vector pack in pack is damaged"):
            read_vector_pack(folder, SECOND)
    path.rmdir()
    if name != "manifest.json":
        with pytest.raises(StorageError, match="damaged"):
            read_vector_pack(folder, SECOND)


@pytest.mark.parametrize(
    "change",
    [
        lambda manifest: manifest.update(shape=[50, 13]),
        lambda manifest: manifest.update(shape=[49, 12]),
        lambda manifest: manifest.update(shape=[0, 12]),
        lambda manifest: manifest.update(shape=[-50, -12]),
        lambda manifest: manifest.update(shape=[10**9, 384]),
        lambda manifest: manifest.update(shape=[True, True]),
        lambda manifest: manifest.update(shape="many"),
        lambda manifest: manifest.update(format="another"),
        lambda manifest: manifest.update(format_version=2),
        lambda manifest: manifest.update(files=[]),
        lambda manifest: manifest["files"].pop("vectors-1.bin"),
        lambda manifest: manifest.update(fingerprints={SECOND: 1}),
        lambda manifest: manifest.pop("fingerprints"),
    ],
)
def test_a_forged_manifest_is_refused(folder, change):
    change_manifest(folder, change)
    with pytest.raises(StorageError, match="damaged"):
        read_vector_pack(folder, SECOND)


def packed(array):
    return vector_pack._packed(np.ascontiguousarray(array))


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("keys.bin", b"k" * 16 * 50),
        ("keys.bin", b"k" * 16 * 49),
        ("vectors-1.bin", b"no such thing"),
        ("vectors-1.bin", packed(VECTORS[:-1])),
        ("vectors-1.bin", packed(np.concatenate([VECTORS, VECTORS[:1]]))),
        ("vectors-1.bin", packed(np.full_like(VECTORS, np.nan))),
        ("vectors-1.bin", zlib.compress(bytes(10**6))),
        ("vectors-1.bin", packed(VECTORS)[:-4]),
    ],
    ids=["equal keys", "too few keys", "no zlib", "too few", "too many", "NaN", "a bomb", "cut"],
)
def test_a_forged_file_is_refused(folder, name, data):
    replace_file(folder, name, data)
    with pytest.raises(StorageError, match="damaged"):
        read_vector_pack(folder, SECOND)
