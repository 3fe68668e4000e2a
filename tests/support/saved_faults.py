"""Small saved folders, and faults that damage them: by accident, or by a forger who makes the checksums match.

A fault is a function of a folder, a random generator and its number; it returns a description of what it did.
"""

import hashlib
import io
import json
import os
import pickle
import random
import shutil
import struct

import numpy as np

from retriever.encoders.catalogue import MODELS
from retriever.encoders.loading import packaged_fingerprint
from retriever.evaluation.judged_queries import JudgedQueries
from retriever.indexing.collection import IndexedCollection, IndexSettings
from retriever.retrievers.dense import DenseRetriever
from retriever.vectors import normalize
from tests.support.encoders import FakeEncoder
from tests.support.forged_graphs import ELSEWHERE, HARMLESS, START, UNSOUND, forged
from tests.support.small import sentences

STATIC, MINILM = "wordllama-256", "all-MiniLM-L6-v2"
M, EF = 4, 20
MANIFEST = "manifest.json"


# --- saved folders


class Named(FakeEncoder):
    """A fake encoder with the dimension and the fingerprint of a packaged model, so that no model is loaded."""

    def __init__(self, name):
        self.dimension, self.fingerprint = MODELS[name].dimension, packaged_fingerprint(MODELS[name])


def collection(model_name, n=60, seed=1):
    """Index n texts with judged queries under the name of a packaged model."""
    encoder = Named(model_name)
    retriever = DenseRetriever(model_name, M=M, ef_construction=EF, encoder=encoder)
    texts = [*sentences(n - 2, seed), "日本語 😀 \u2028 e\u0301", f"line\nfeed \\ud800 {seed}"]
    places = [{"doc_id": f"d{row}", "title": f"Text {row}", "source": "t.txt"} for row in range(n)]
    chunks = [{"start": 0, "end": len(text), "chunk_id": f"d{row}#1"} for row, text in enumerate(texts)]
    retriever.index(texts, [place | chunk for place, chunk in zip(places, chunks, strict=True)])
    queries = {f"q{row}": text for row, text in enumerate(sentences(6, seed + 100))}
    qrels = {query_id: {f"d{row}": 1, f"d{row + 7}": 2} for row, query_id in enumerate(queries)}
    return IndexedCollection(
        f"Small {seed}",
        retriever,
        IndexSettings(model_name, 200, 20, M, EF),
        list(queries.values()),
        normalize(encoder.encode_query(list(queries.values()))),
        n_documents=n,
        n_tokens=9 * n,
        seconds={"reading": 0.25, "embedding": 12.0, "graph": 0.0005},
        failed={"broken.pdf": "It is broken."},
        judged=JudgedQueries(queries, qrels, 1, {"q0": "fact"}),
    )


def make_saves(base):
    """Save the collections to damage, and others to mix them with, each into a folder."""
    collection(STATIC, seed=1).save(base / "static")
    collection(MINILM, n=50, seed=2).save(base / "minilm")
    collection(STATIC, seed=3).save(base / "twin")  # of the same shape as the first
    collection(STATIC, seed=4).retriever.save(base / "plain")


# --- changing a folder


def read_manifest(folder):
    return json.loads((folder / MANIFEST).read_text())


def write_manifest(folder, manifest):
    (folder / MANIFEST).write_text(json.dumps(manifest))


def path_of(folder, part):
    return folder / read_manifest(folder)["files"][part]["name"]


def forge(folder, part, data):
    """Replace the content of a part as save would: with a fitting name, size and SHA-256."""
    manifest = read_manifest(folder)
    (folder / manifest["files"][part]["name"]).unlink(missing_ok=True)
    digest = hashlib.sha256(data).hexdigest()
    name = f"{part}-{digest[:16]}.{manifest['files'][part]['name'].rsplit('.')[-1]}"
    (folder / name).write_bytes(data)
    manifest["files"][part] = {"name": name, "sha256": digest, "bytes": len(data)}
    write_manifest(folder, manifest)


def pick(options, number):
    """Return one of the options; consecutive numbers give all of them, in a mixed order."""
    return list(options)[number * 37 % len(options)]


def files(folder):
    return sorted(path for path in folder.iterdir() if path.is_file())


def content(folder, part):
    return path_of(folder, part).read_bytes()


def parts(folder, without=()):
    return [part for part in read_manifest(folder)["files"] if part not in without]


# --- accidental faults


def truncated(data, rng):
    length = rng.choice([0, 1, len(data) // 2, len(data) - 1, rng.randrange(len(data))])
    return data[:length], f"cut to {length} bytes"


def flipped(data, rng):
    changed = bytearray(data)
    places = [rng.randrange(len(data)) for _ in range(rng.choice([1, 1, 1, 3, 20]))]
    for place in places:
        changed[place] ^= 1 << rng.randrange(8)
    return bytes(changed), f"bits flipped at {places}"


def overwritten(data, rng):
    start = rng.randrange(len(data))
    length = min(rng.choice([1, 4, 16, 512, 4096]), len(data) - start)
    fill = rng.choice([bytes(length), b"\xff" * length, rng.randbytes(length)])
    return data[:start] + fill + data[start + length :], f"{length} bytes overwritten at {start} with {fill[:4]}"


def grown(data, rng):
    more = rng.choice([b"\0", b"\n", bytes(4096), data, rng.randbytes(100), b"{}\n"])
    return data + more, f"{len(more)} bytes added"


def shuffled(data, rng):
    size = rng.choice([4, 64, 512])
    blocks = [data[start : start + size] for start in range(0, len(data), size)]
    rng.shuffle(blocks)
    return b"".join(blocks), f"blocks of {size} shuffled"


CHANGES = (truncated, flipped, overwritten, grown, shuffled)


def changed_by(change):
    """Return a fault: a change of one file's bytes, without the manifest."""

    def fault(folder, rng, number):
        path = rng.choice(files(folder))
        data, what = change(path.read_bytes(), rng)
        path.write_bytes(data)
        return f"{path.name} {what}"

    return fault


def swapped(folder, rng, number):
    one, other = rng.sample(files(folder), 2)
    both = one.read_bytes(), other.read_bytes()
    other.write_bytes(both[0])
    one.write_bytes(both[1])
    return f"{one.name} and {other.name} swapped"


def of_another_save(folder, rng, number):
    other = another(folder, rng)
    ways = ("one file", "the manifest", "all but the manifest", "the manifest and one file")
    way = pick(ways, number)
    common = rng.choice([part for part in parts(folder) if part in read_manifest(other)["files"]])
    if way in ("one file", "the manifest and one file"):
        shutil.copy(path_of(other, common), path_of(folder, common))
    if way == "all but the manifest":
        for part in parts(other):
            shutil.copy(path_of(other, part), folder / path_of(other, part).name)
            if part in parts(folder):
                shutil.copy(path_of(other, part), path_of(folder, part))
    if "the manifest" in way and way != "all but the manifest":
        shutil.copy(other / MANIFEST, folder / MANIFEST)
    return f"{way} of {other.name}"


def another(folder, rng):
    """Return the folder of another save, beside the damaged one."""
    return folder.parent / rng.choice(["minilm", "twin", "plain", "static"])


def deleted(folder, rng, number):
    gone = rng.sample(files(folder), rng.choice([1, 1, 2]))
    for path in gone:
        path.unlink()
    return f"{[path.name for path in gone]} deleted"


def duplicated(folder, rng, number):
    path = rng.choice(files(folder))
    names = [f"copy of {path.name}", f".{path.name}", f"a_{path.name}", "graph-0123456789abcdef.bin"]
    name = pick(names, number)
    shutil.copy(path, folder / name)
    return f"{path.name} copied to {name}"


def replaced(folder, rng, number):
    """Replace a file by something that is not a regular file."""
    path = rng.choice(files(folder))
    aside = folder.parent / f"aside-{folder.name}"
    shutil.copy(path, aside)
    path.unlink()
    ways = {
        "a folder": path.mkdir,
        "a pipe": lambda: os.mkfifo(path),
        "a link to nothing": lambda: path.symlink_to("nothing"),
        "a link to itself": lambda: path.symlink_to(path),
        "a link to its folder": lambda: path.symlink_to(folder),
        "a link to endless zeros": lambda: path.symlink_to("/dev/zero"),
        "a link to its content": lambda: path.symlink_to(aside),
        "a link to another file": lambda: path.symlink_to(rng.choice(files(folder))),
        "a hole of 64 TB": lambda: hole(path),
    }
    way = pick(ways, number)
    ways[way]()
    return f"{path.name} replaced by {way}"


def hole(path):
    with path.open("wb") as file:
        try:
            os.truncate(file.fileno(), 1 << 46)
        except OSError:  # the file system does not support such a large file
            os.truncate(file.fileno(), 1 << 40)


# --- faults whose checksums match


def forged_by(change):
    """Return a fault: a change of one file's bytes, with matching checksums."""

    def fault(folder, rng, number):
        part = rng.choice(parts(folder))
        data, what = change(content(folder, part), rng)
        forge(folder, part, data)
        return f"{part} {what}, checksum matching"

    return fault


def forged_of_another_save(folder, rng, number):
    other = another(folder, rng)
    part = rng.choice([part for part in parts(folder) if part in read_manifest(other)["files"]])
    forge(folder, part, content(other, part))
    return f"{part} of {other.name}, checksum matching"


def exchanged_entries(folder, rng, number):
    manifest = read_manifest(folder)
    one, other = rng.sample(list(manifest["files"]), 2)
    entries = manifest["files"]
    entries[one], entries[other] = entries[other], entries[one]
    write_manifest(folder, manifest)
    return f"the entries of {one} and {other} exchanged"


class Evil:
    """An object that creates a folder when it is unpickled."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder.parent / "it-ran"),)


def npy(array, **options):
    buffer = io.BytesIO()
    np.save(buffer, array, **options)
    return buffer.getvalue()


def objects(folder, shape):
    array = np.empty(shape, dtype=object)
    array[:] = Evil(folder)
    return npy(array, allow_pickle=True)


def npz(array):
    buffer = io.BytesIO()
    np.savez(buffer, array)
    return buffer.getvalue()


ARRAYS = {
    "an evil pickle": lambda folder, v: pickle.dumps(Evil(folder)),
    "evil objects": lambda folder, v: objects(folder, v.shape),
    "NaN": lambda folder, v: npy(np.where(np.arange(v.shape[1]) == 3, np.nan, v).astype(np.float32)),
    "infinity": lambda folder, v: npy(np.where(np.arange(v.shape[1]) == 0, -np.inf, v).astype(np.float32)),
    "huge numbers": lambda folder, v: npy(v * np.float32(3e38)),
    "tiny numbers": lambda folder, v: npy(v * np.float32(1e-44)),
    "zeros": lambda folder, v: npy(v * 0),
    "one row over and over": lambda folder, v: npy(np.repeat(v[:1], len(v), axis=0)),
    "float64": lambda folder, v: npy(v.astype(np.float64)),
    "float16": lambda folder, v: npy(v.astype(np.float16)),
    "int32": lambda folder, v: npy((v * 100).astype(np.int32)),
    "bool": lambda folder, v: npy(v > 0),
    "complex": lambda folder, v: npy(v.astype(np.complex64)),
    "the other byte order": lambda folder, v: npy(v.astype(">f4")),
    "column-major": lambda folder, v: npy(np.asfortranarray(v)),
    "text": lambda folder, v: npy(v.astype("U20")),
    "fields": lambda folder, v: npy(np.zeros(v.shape, [("a", "<f4"), ("b", "<i2")])),
    "dates": lambda folder, v: npy(np.zeros(v.shape, "M8[s]")),
    "a dimension less": lambda folder, v: npy(v[:, :-1]),
    "a dimension more": lambda folder, v: npy(np.pad(v, ((0, 0), (0, 1)))),
    "another model's dimensions": lambda folder, v: npy(np.ones((len(v), 384), np.float32)),
    "a row less": lambda folder, v: npy(v[:-1]),
    "a row more": lambda folder, v: npy(np.pad(v, ((0, 1), (0, 0)))),
    "no rows": lambda folder, v: npy(v[:0]),
    "no columns": lambda folder, v: npy(v[:, :0]),
    "one axis": lambda folder, v: npy(v.ravel()),
    "three axes": lambda folder, v: npy(v[None]),
    "no axis": lambda folder, v: npy(np.float32(1)),
    "an npz": lambda folder, v: npz(v),
    "text without a header": lambda folder, v: b"1.0 2.0 3.0\n",
    "nothing": lambda folder, v: b"",
    "a header that gives another length": lambda folder, v: npy(v)[:8] + b"\x77" + npy(v)[9:],
    "a number too many": lambda folder, v: npy(v) + bytes(4),
    "a number too few": lambda folder, v: npy(v)[:-4],
}


def forged_array(folder, rng, number):
    part = ("vectors", "query_vectors")[number % 2] if "query_vectors" in parts(folder) else "vectors"
    name = pick(ARRAYS, number // 2)
    array = np.load(path_of(folder, part))
    data = ARRAYS[name](folder, array)
    forge(folder, part, data)
    if part == "vectors" and rng.random() < 0.5:  # the manifest agrees
        manifest = read_manifest(folder)
        shape = {"a dimension less": (60, 255), "a dimension more": (60, 257), "no columns": (60, 0)}.get(name)
        manifest["shape"] = list(shape or array.shape)
        write_manifest(folder, manifest)
    return f"{part} hold {name}"


HEADERS = [
    "{'descr': '|O', 'fortran_order': False, 'shape': (60, 256), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (9999999999, 9999999999), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000, 256), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 256), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (60, -256), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (-60, -256), }",
    "{'descr': '<f4', 'fortran_order': True, 'shape': (256, 60), }",
    "{'descr': '<f4', 'fortran_order': True, 'shape': (60, 256), }",
    "{'descr': '<f4', 'fortran_order': 7, 'shape': (60, 256), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': [60, 256], }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (60.0, 256.0), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (True, 15360), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (" + "1, " * 60 + "15360), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (9" + "9" * 5000 + ",), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (" + "9" * 200 + "x, 1), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (" + "1, " * 3000 + "x), }",
    "{'descr': '<f0', 'fortran_order': False, 'shape': (60, 256), }",
    "{'descr': '<V0', 'fortran_order': False, 'shape': (60, 256), }",
    "{'descr': '|S0', 'fortran_order': False, 'shape': (9999999999, 256), }",
    "{'descr': ('<f4', (60, 256)), 'fortran_order': False, 'shape': (), }",
    "{'descr': [('a', '<f4', (999999, 999999))], 'fortran_order': False, 'shape': (1,), }",
    "{'descr': 'numpy.ndarray', 'fortran_order': False, 'shape': (60, 256), }",
    "{'descr': __import__('os').mkdir('it-ran'), 'fortran_order': False, 'shape': (60, 256), }",
    "{'fortran_order': False, 'shape': (60, 256), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (60, 256), 'more': 1}",
    "(" * 4000 + ")" * 4000,
    "[" * 9000,
    "{" * 9000,
    "-" * 9000 + "1",
    "~" * 9000 + "1",
    "not " * 2000 + "1",
    "1" + "+1" * 4500,
    "1j" + "+1" * 4500,
    "'a'" + ".a" * 4500,
    "lambda:" * 1400,
    "{1:" * 3000,
    "a" * 9000,
    "\0" * 100,
    "9" * 9000,
    "'\\N{",
    "",
]


def forged_header(folder, rng, number):
    part = rng.choice(["vectors", "query_vectors"]) if "query_vectors" in parts(folder) else "vectors"
    text = pick(HEADERS, number)
    version = rng.choice([1, 1, 1, 2, 3])
    header = text.encode() + b"\n"
    length = struct.pack("<H" if version == 1 else "<I", len(header))
    data = content(folder, part)
    start = 10 + struct.unpack_from("<H", data, 8)[0]
    forge(folder, part, b"\x93NUMPY" + bytes([version, 0]) + length + header + data[start:])
    return f"{part} have the header {text[:70]!r} (version {version})"


def line(text="a text", metadata=None, **more):
    return json.dumps({"text": text, "metadata": metadata if metadata is not None else {}, **more}).encode()


UNFIT_LINES = [
    b"",
    b"null",
    b"[]",
    b'"text"',
    b"{}",
    b"3",
    b"NaN",
    b'{"metadata": {}}',
    b'{"text": "a"}',
    b'{"text": null, "metadata": {}}',
    b'{"text": 3, "metadata": {}}',
    b'{"text": ["a"], "metadata": {}}',
    b'{"text": "a", "metadata": []}',
    b'{"text": "a", "metadata": null}',
    b'{"text": "a", "metadata": "b"}',
    b'{"text": "a", "metadata": {}} {"text": "b", "metadata": {}}',
    b'{"text": "a", "metadata": {}',
    b'{"text": "lone \\ud800", "metadata": {}}',
    b'{"text": "a", "metadata": {"doc_id": "\\udfff"}}',
    b'{"text": "a", "metadata": {"\\uDBFF": 1}}',
    b'{"text": "\xff", "metadata": {}}',
    b'{"text": "\xed\xa0\x80", "metadata": {}}',
    b'{"text": "a", "metadata": {"n": ' + b"9" * 5000 + b"}}",
    b'{"text": "a", "metadata": {"n": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}",
    b'{"a":' * 100_000,
    b"[" * 1_000_000,
]
FIT_LINES = [  # unusual, but to be accepted unchanged
    b'{"text": "a", "text": "b", "metadata": {}, "metadata": {"doc_id": "d1"}}',
    b'{"text": "a pair \\ud83d\\ude00 and \\\\ud800", "metadata": {}}',
    b'{"text": "\\u0000\\u0001", "metadata": {}}',
    b'{"text": "a", "metadata": {"n": 1e999}}',
    b'{"text": "a", "metadata": {"n": -Infinity}}',
    b'{"text": "a", "metadata": {"n": ' + b"9" * 4000 + b"}}",
    b'{"text": "a", "metadata": {"n": ' + b"[" * 500 + b"]" * 500 + b"}}",
    line("a", unknown=1, __class__="x"),
    line("x" * 1_000_000),
    line("x " * 300_000, {"doc_id": "y" * 100_000}),
    line("<script>alert(1)</script>", {"title": "<img src=x onerror=alert(1)>", "doc_id": "d1"}),
    line("", {}),
    line("a", {"doc_id": 3}),
    line("a", {"doc_id": ["d1"]}),
    line("a", {"doc_id": None, "title": None, "source": None}),
    line("a", {"title": {"a": 1}, "source": [1]}),
    line("a", {"start": 0}),
    line("a", {"end": 3}),
    line("a", {"start": "zero", "end": None}),
    line("a", {"start": -5, "end": 10**30}),
    line("a", {"page": [1], "row": {"a": 1}}),
    line("a", {"doc_id": "d1", "start": 3, "end": 1}),
    line("a", {"__class__": "os.system", "py/object": "os.system"}),
]
LINES = [*UNFIT_LINES, *FIT_LINES]


def forged_line(folder, rng, number):
    rows = content(folder, "passages").split(b"\n")
    place = rng.randrange(len(rows) - 1)
    rows[place] = pick(LINES, number)
    forge(folder, "passages", b"\n".join(rows))
    return f"line {place} is {rows[place][:70]!r}"


def forged_lines(folder, rng, number):
    rows = content(folder, "passages").split(b"\n")[:-1]
    ways = {
        "one less": lambda: rows[:-1],
        "one more": lambda: [*rows, rows[0]],
        "none": lambda: [],
        "empty ones between": lambda: [row for pair in zip(rows, [b""] * len(rows), strict=True) for row in pair],
        "blank ones between": lambda: [row for pair in zip(rows, [b" "] * len(rows), strict=True) for row in pair],
        "carriage returns": lambda: [row + b"\r" for row in rows],
        "all alike": lambda: [rows[0]] * len(rows),
        "in another order": lambda: rng.sample(rows, len(rows)),
        "a mark of byte order": lambda: [b"\xef\xbb\xbf" + rows[0], *rows[1:]],
        "UTF-16": lambda: [row.decode().encode("utf-16") for row in rows],
        "all on one line": lambda: [b"".join(rows)],
    }
    way = pick(ways, number)
    forge(folder, "passages", b"".join(row + b"\n" for row in ways[way]()))
    return f"lines: {way}"


JUNK = [
    None, True, False, 0, 1, -1, 7, 2**31, 2**63, 2**64, 10**30, -(10**30), 1.5, 1e308, float("nan"), float("inf"),
    "", "x", "16", "../x", "/etc/passwd", "a\0b", "\ud800", "x" * 100_000, "<script>alert(1)</script>",
    [], [1], ["x"], [None], [[]], {}, {"a": 1}, {"": {}}, [[["deep"]]],
]  # fmt: skip
NESTED = json.loads("[" * 300 + "]" * 300)


def places_in(value, path=()):
    """Yield the path of every value within a nested one."""
    yield path
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places_in(inner, (*path, key))


def forged_value(folder, rng, number):
    """Replace one value of the manifest by junk, or remove it; consecutive numbers cover every value."""
    manifest = read_manifest(folder)
    places = [path for path in places_in(manifest) if path and path[0] != "versions" or path == ("versions",)]
    path = places[number * 7 % len(places)]
    inner = manifest
    for key in path[:-1]:
        inner = inner[key]
    junk = rng.choice([*JUNK, NESTED, "absent", "moved"])
    if junk == "absent":
        del inner[path[-1]]
    elif junk == "moved":
        inner[path[-1]] = rng.choice(list(manifest.values()))
    else:
        inner[path[-1]] = junk
    write_manifest(folder, manifest)
    return f"the manifest's {path} is {str(junk)[:40]!r}"


def put(*keys, value):
    """Return a change of a manifest that sets the value of a key."""

    def change(manifest):
        inner = manifest
        for key in keys[:-1]:
            inner = inner.setdefault(key, {})
        inner[keys[-1]] = value

    return change


def graph_settings(**changed):
    """Return a change of the graph's settings in both places of a manifest that contain them."""

    def change(manifest):
        manifest["settings"] |= changed
        if "settings" in manifest["extra"]:
            manifest["extra"]["settings"] |= {key: value for key, value in changed.items() if key != "seed"}

    return change


def of_model(name, **changed):
    def change(manifest):
        manifest |= {"model": name, **changed}
        if "settings" in manifest["extra"]:
            manifest["extra"]["settings"]["model_name"] = name

    return change


def many_entries(manifest):
    """Make one file the content of 20,000 arrays: read separately they would take a gigabyte of memory."""
    manifest["files"] |= {f"a{number}": manifest["files"]["vectors"] for number in range(20_000)}


def judged(**changed):
    def change(manifest):
        manifest["extra"].setdefault("judged", {}).update(changed)

    return change


MANIFESTS = {
    "M of 10^30": graph_settings(M=10**30),
    "M of 257": graph_settings(M=257),
    "M of 256": graph_settings(M=256),
    "M of 1": graph_settings(M=1),
    "M of -4": graph_settings(M=-4),
    "M a text": graph_settings(M="4"),
    "M an endless text": graph_settings(M="4" * 100_000),
    "M a fraction": graph_settings(M=4.0),
    "M true": graph_settings(M=True),
    "M NaN": graph_settings(M=float("nan")),
    "M infinite": graph_settings(M=float("inf")),
    "M a list": graph_settings(M=[4]),
    "ef_construction of 0": graph_settings(ef_construction=0),
    "ef_construction of 100,000": graph_settings(ef_construction=100_000),
    "ef_construction of 2^63": graph_settings(ef_construction=2**63),
    "seed of -1": graph_settings(seed=-1),
    "seed of 2^32": graph_settings(seed=2**32),
    "seed a text of digits": graph_settings(seed="42"),
    "an unknown model": of_model("no-such-model"),
    "a model that is a path": of_model("../../etc"),
    "a model with a NUL": of_model("wordllama-256\0"),
    "a model of another dimension": of_model(MINILM),
    "a model of another dimension and its fingerprint": of_model(
        MINILM, fingerprint=packaged_fingerprint(MODELS[MINILM])
    ),
    "another model of the same dimension": of_model("BAAI/bge-small-en-v1.5"),
    "a model that is a list": of_model(["wordllama-256"]),
    "another model's fingerprint": put("fingerprint", value=packaged_fingerprint(MODELS[MINILM])),
    "a fingerprint that is a list": put("fingerprint", value=[1]),
    "the next format": put("format_version", value=3),
    "a format as text": put("format_version", value="1"),
    "a shape of text": put("shape", value=["60", "256"]),
    "a negative shape": put("shape", value=[-60, -256]),
    "an endless shape": put("shape", value=[60, 256] * 10_000),
    "a size that is wrong": put("files", "vectors", "bytes", value=1),
    "a size that is negative": put("files", "vectors", "bytes", value=-1),
    "a size that is a text": put("files", "vectors", "bytes", value="61568"),
    "a checksum that is a list": put("files", "vectors", "sha256", value=[1]),
    "a checksum without end": put("files", "vectors", "sha256", value="0" * 100_000),
    "a name that leads out": put("files", "vectors", "name", value="../twin/manifest.json"),
    "a name that is a path": put("files", "vectors", "name", value="/etc/passwd"),
    "a name with a NUL": put("files", "vectors", "name", value="vectors-0123456789abcdef.npy\0"),
    "a name without end": put("files", "vectors", "name", value="a" * 5000 + "-0123456789abcdef.npy"),
    "a name of a file that is not there": put("files", "vectors", "name", value="vectors-0123456789abcdef.npy"),
    "one file under many names": many_entries,
    "a part too many": put("files", "more", value={"name": "more-0123456789abcdef.npy", "sha256": "", "bytes": 0}),
    "unknown keys": lambda manifest: manifest.update(other=1, __class__="os", **{"": [], "py/object": "os.system"}),
    "unknown keys in extra": put("extra", "other", value=1),
    "an unknown key without end in extra": put("extra", "x" * 100_000, value=1),
    "inner parts in extra": lambda manifest: manifest["extra"].update(_lock="x", _curves={"5": "x"}, _truth=3),
    "extra as pairs": lambda manifest: manifest.update(extra=list(manifest["extra"].items())),
    "no documents": put("extra", "n_documents", value=0),
    "fewer than no documents": put("extra", "n_documents", value=-3),
    "NaN documents": put("extra", "n_documents", value=float("nan")),
    "endless documents": put("extra", "n_documents", value=float("inf")),
    "10^4000 tokens": put("extra", "n_tokens", value=10**4000),
    "half a token": put("extra", "n_tokens", value=0.5),
    "true tokens": put("extra", "n_tokens", value=True),
    "fewer than no cut passages": put("extra", "n_cut", value=-1),
    "seconds without end": put("extra", "seconds", "graph", value=10**4000),
    "infinite seconds": put("extra", "seconds", "graph", value=float("inf")),
    "NaN seconds": put("extra", "seconds", "graph", value=float("nan")),
    "negative seconds": put("extra", "seconds", "graph", value=-1.0),
    "true seconds": put("extra", "seconds", "graph", value=True),
    "seconds a text": put("extra", "seconds", value="long"),
    "failed as pairs": put("extra", "failed", value=[["a", "b"]]),
    "a name without end ": put("extra", "name", value="x" * 1_000_000),
    "a name that is a list": put("extra", "name", value=["x"]),
    "chunked as text": put("extra", "chunked", value="no"),
    "drawn as list": put("extra", "drawn", value=[]),
    "queries as text": put("extra", "queries", value="abcdef"),
    "queries as mapping": put("extra", "queries", value={"a": 1, "b": 2, "c": 3, "d": 4, "e": 5, "f": 6}),
    "queries of numbers": put("extra", "queries", value=[1, 2, 3, 4, 5, 6]),
    "queries of lists": put("extra", "queries", value=[["a"]] * 6),
    "a million queries": put("extra", "queries", value=["x"] * 1_000_000),
    "queries without end": put("extra", "queries", value=["x" * 500_000] * 6),
    "queries with surrogates": put("extra", "queries", value=["\ud800"] * 6),
    "settings as list": put("extra", "settings", value=["wordllama-256", 200, 20, 4, 20]),
    "unknown settings": put("extra", "settings", "other", value=1),
    "a chunk size as text": put("extra", "settings", "chunk_size", value="200"),
    "a chunk size of 10^30": put("extra", "settings", "chunk_size", value=10**30),
    "a chunk size below 0": put("extra", "settings", "chunk_size", value=-200),
    "no chunk size": put("extra", "settings", "chunk_size", value=None),
    "no chunk overlap": put("extra", "settings", "chunk_overlap", value=None),
    "a chunk overlap that is a list": put("extra", "settings", "chunk_overlap", value=[0]),
    "judged as list": put("extra", "judged", value=[1, 2]),
    "judged as text": put("extra", "judged", value="yes"),
    "judged true": put("extra", "judged", value=True),
    "judged 0": put("extra", "judged", value=0),
    "judged of nothing": put("extra", "judged", value={}),
    "judged queries as list": judged(queries=["how far?"]),
    "judged queries of lists": judged(queries={"q0": ["how far?"]}),
    "judged queries of nothing": judged(queries={}),
    "judged queries with surrogates": judged(queries={"q0": "\udc80"}),
    "judged qrels as list": judged(qrels=["d0"]),
    "judged qrels of lists": judged(qrels={"q0": ["d0"]}),
    "judged qrels of numbers": judged(qrels={"q0": 1}),
    "judged qrels of nothing": judged(qrels={"q0": {}}),
    "judged qrels partly of nothing": judged(qrels={"q0": {}, "q1": {"d1": 1}}),
    "judged documents of another collection": judged(qrels={"q0": {"elsewhere": 1}}),
    "judged queries of another collection": judged(qrels={"elsewhere": {"d0": 1}}),
    "judged ids with NUL": judged(
        qrels={"q0": {"d0": 1, "a\0b": 2, "": 1}, "a\0": {"d0": 1}}, queries={"q0": "a", "a\0": "b"}
    ),
    "judged ids with surrogates": judged(qrels={"q0": {"d0": 1, "\ud800": 2}}),
    "a grade of 10^9": judged(qrels={"q0": {"d0": 10**9}}),
    "a grade of -10^9": judged(qrels={"q0": {"d0": -(10**9)}}),
    "a grade of -3": judged(qrels={"q0": {"d0": -3, "d1": 1}}),
    "a grade as text": judged(qrels={"q0": {"d0": "1"}}),
    "a grade that is true": judged(qrels={"q0": {"d0": True}}),
    "a grade that is NaN": judged(qrels={"q0": {"d0": float("nan")}}),
    "a level of 0": judged(relevance_level=0),
    "a level of 10^30": judged(relevance_level=10**30),
    "a level that is true": judged(relevance_level=True),
    "kinds as list": judged(kinds=["fact"]),
    "kinds of numbers": judged(kinds={"q0": 1}),
    "no kinds": judged(kinds=None),
    "unknown parts of judged": judged(other=1),
}  # fmt: skip


def forged_manifest(folder, rng, number):
    """Make one of the changes in MANIFESTS."""
    name = pick(MANIFESTS, number)
    manifest = read_manifest(folder)
    MANIFESTS[name](manifest)
    write_manifest(folder, manifest)
    return f"a manifest with {name}"


MANIFEST_BYTES = {
    "nothing": lambda data: b"",
    "null": lambda data: b"null",
    "a list": lambda data: b"[" + data + b"]",
    "two": lambda data: data + data,
    "deep": lambda data: b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "deep lists": lambda data: b"[" * 2_000_000,
    "UTF-16": lambda data: data.decode().encode("utf-16"),
    "a mark of byte order": lambda data: b"\xef\xbb\xbf" + data,
    "no UTF-8": lambda data: data.replace(b"Small", b"\xff\xfe"),
    "a key twice": lambda data: data.replace(b'"model"', b'"model": "x", "model"', 1),
    "the files twice": lambda data: data.replace(b'"files"', b'"files": {}, "files"', 1),
    "files after files": lambda data: data.rstrip()[:-1] + b', "files": {}}',
    "a number without end": lambda data: data.replace(b'"format_version": 1', b'"format_version": 1' + b"0" * 6000),
    "the version as 1.0": lambda data: data.replace(b'"format_version": 1', b'"format_version": 1.0'),
    "an evil pickle": lambda data: b"\x80\x04cposix\nsystem\n(S'touch it-ran'\ntR.",
    "a comment": lambda data: b"// hello\n" + data,
    "a thousand spaces": lambda data: b" " * 1000 + data,
    "random bytes": lambda data: hashlib.sha512(data).digest() * 20,
}


def forged_manifest_bytes(folder, rng, number):
    name = pick(MANIFEST_BYTES, number)
    data = (folder / MANIFEST).read_bytes()
    (folder / MANIFEST).write_bytes(MANIFEST_BYTES[name](data))
    return f"a manifest of {name}"


GRAPHS = [*UNSOUND, *HARMLESS, *ELSEWHERE]


def forged_graph(folder, rng, number):
    name = pick(GRAPHS, number)
    forge(folder, "graph", forged(content(folder, "graph"), name))
    return f"a graph with {name}"


def forged_graph_numbers(folder, rng, number):
    """Write odd numbers into the header of a graph, or anywhere after it."""
    data = bytearray(content(folder, "graph"))
    places = range(0, START, 4) if number % 2 else range(START, len(data) - 4, 4)
    what = []
    for place in rng.choices(places, k=rng.choice([1, 1, 3, 50])):
        value = rng.choice([0, 1, 59, 60, 61, 65535, 65536, 2**31 - 1, 2**31, 2**32 - 1, rng.randrange(2**32)])
        struct.pack_into("=I", data, place, value)
        what.append((place, value))
    forge(folder, "graph", bytes(data))
    return f"a graph with (place, number) {what[:6]}"


def forged_graph_bytes(folder, rng, number):
    data, what = rng.choice(CHANGES)(content(folder, "graph"), rng)
    forge(folder, "graph", data)
    return f"a graph {what}, checksum matching"


KINDS = {
    **{f"{change.__name__}, any file": changed_by(change) for change in CHANGES},
    "files swapped": swapped,
    "files of another save": of_another_save,
    "files deleted": deleted,
    "files duplicated": duplicated,
    "replaced by folder, pipe, link": replaced,
    "entries exchanged": exchanged_entries,
    "forged: any bytes": lambda folder, rng, number: forged_by(CHANGES[number % len(CHANGES)])(folder, rng, number),
    "forged: file of another save": forged_of_another_save,
    "forged: arrays": forged_array,
    "forged: array headers": forged_header,
    "forged: a passage": forged_line,
    "forged: all passages": forged_lines,
    "forged: manifest, one value": forged_value,
    "forged: manifest, on purpose": forged_manifest,
    "forged: manifest, its bytes": forged_manifest_bytes,
    "forged: graph, on purpose": forged_graph,
    "forged: graph, numbers": forged_graph_numbers,
    "forged: graph, bytes": forged_graph_bytes,
}
# The order of the kinds, repeated over the cases; kinds with more variants occur more often.
KIND_SEQUENCE = [*KINDS, "forged: manifest, on purpose", "forged: manifest, one value", "forged: graph, on purpose"]


def base_of(case, seed):
    """Return the name of the saved folder that a case damages."""
    return random.Random(f"{seed}-{case}-base").choice(["static", "static", "minilm", "plain"])


def damage(folder, case, seed):
    """Damage a folder as in one case; return the kind of fault and its description."""
    position = case % len(KIND_SEQUENCE)
    kind = KIND_SEQUENCE[position]
    number = case // len(KIND_SEQUENCE) * KIND_SEQUENCE.count(kind) + KIND_SEQUENCE[:position].count(kind)
    return kind, KINDS[kind](folder, random.Random(f"{seed}-{case}"), number)
