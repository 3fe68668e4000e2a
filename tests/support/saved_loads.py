"""A script that loads damaged copies of a saved collection one after another, and may crash; deterministic.

Arguments: a folder to work in, the first case and the one after the last. A line of its output is a JSON value: a case
before it is loaded, then how it ended in both ways of loading: so the last line tells which case crashed the process.
"""

import copy
import hashlib
import json
import random
import resource
import shutil
import signal
import struct
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from retriever.encoders.catalogue import MODELS
from retriever.errors import RetrieverError
from retriever.evaluation.judged_queries import JudgedQueries
from retriever.indexing.collection import IndexedCollection
from retriever.retrievers.dense import DenseRetriever
from retriever.storage.saved_folder import MANIFEST
from tests.support.encoders import FakeEncoder
from tests.support.small import collection_of, sentences

SECONDS = 20  # for one case; a longer one counts as a hang, and ends the process
MEMORY = 1 << 30  # bytes that loading may take on top of what the process holds
JUNK = [None, True, -1, 0, 7, 2**31, 2**64, 10**30, 1.5, float("nan"), float("inf"), "", "x", "../x", "a\0b", "\ud800"]
JUNK += ["x" * 100_000, [], [1], ["x"], [[]], {}, {"a": 1}, json.loads("[" * 300 + "]" * 300)]
RUNS_CODE = ("exec", "compile", "pickle.find_class", "os.system", "os.exec", "os.fork", "subprocess.Popen", "socket")


def collection():
    """Return a collection under the name of a packaged model, which is not loaded."""
    card, encoder, texts = MODELS["wordllama-256"], FakeEncoder(), sentences(60)
    encoder.dimension, encoder.fingerprint = card.dimension, card.sha256[:16]
    judged = JudgedQueries({"q0": "amber?", "q1": "beacon?"}, {"q0": {"d0": 1}, "q1": {"d7": 2}}, 1, {"q0": "fact"})
    made = collection_of(encoder, texts, M=4, ef_construction=20, judged=judged, failed={"a.pdf": "It is broken."})
    made.retriever.model_name = "wordllama-256"
    return replace(made, settings=replace(made.settings, model_name="wordllama-256"))


def places_in(value):
    """Yield every place in a JSON value, as what holds it and its key."""
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield value, key
        yield from places_in(value[key])


def with_junk(value, rng):
    """Return a JSON value with one value in it replaced by junk or by another of its values, or removed."""
    value = copy.deepcopy(value)
    places = list(places_in(value))
    (inner, key), (other, its_key) = rng.choices(places, k=2)
    if rng.random() < 0.1:
        del inner[key]
    else:
        inner[key] = rng.choice([*JUNK, *[copy.deepcopy(other[its_key])] * 5])
    return value


def with_damage(data, rng, others):
    """Return bytes with numbers changed, bits flipped, or a part cut out, replaced or inserted."""
    changed, start, size = bytearray(data), rng.randrange(len(data)), rng.choice([1, 4, 16, 512, 4096])
    way = rng.choice(["numbers", "bits", "part"])
    for at in rng.choices(range(0, rng.choice([100, len(data) - 4]), 4), k=rng.choice([1, 1, 3, 50])):
        if way == "numbers":
            struct.pack_into("=I", changed, at, rng.choice([0, 1, 59, 60, 61, 2**16, 2**31 - 1, 2**31, 2**32 - 1]))
        elif way == "bits":
            changed[at + rng.randrange(4)] ^= 1 << rng.randrange(8)
    if way == "part":
        put = rng.choice([b"", bytes(size), b"\xff" * size, rng.randbytes(size), *others])
        changed[start : rng.choice([start, start + size, len(data)])] = put
    return bytes(changed)


def damaged(files, rng):
    """Return the files of a folder, name -> content, with damage, and whether it is forged: the checksums match."""
    files, manifest = dict(files), json.loads(files[MANIFEST])
    name, forged = rng.choice([*files, MANIFEST]), rng.random() < 0.8
    if name == MANIFEST and forged:
        return files | {MANIFEST: json.dumps(with_junk(manifest, rng)).encode()}, True
    if name.endswith("jsonl") and rng.random() < 0.6:
        rows = files[name].split(b"\n")
        rows[3] = json.dumps(with_junk(json.loads(rows[3]), rng)).encode()
        files[name] = b"\n".join(rows)
    else:
        files[name] = with_damage(files[name], rng, list(files.values()))
    for entry in manifest["files"].values():
        if forged and entry["name"] == name:
            entry |= {"sha256": hashlib.sha256(files[name]).hexdigest(), "bytes": len(files[name])}
            files[MANIFEST] = json.dumps(manifest).encode()
    return files, forged or name == MANIFEST


def of_retriever(loaded):
    return repr([loaded.passages, loaded.M, loaded.ef_construction, loaded.seed]), loaded.vectors.tobytes()


def of_collection(loaded):
    parts = [loaded.name, loaded.settings, loaded.queries, loaded.n_documents, loaded.n_tokens, loaded.seconds]
    return repr([*parts, loaded.judged and loaded.judged.as_dict()]), of_retriever(loaded.retriever)


def app(folder):
    """Load an untrusted folder as the app does: the graph is built again."""
    return IndexedCollection.load(folder, with_graph=False)


def use_collection(loaded):
    measured = loaded.measurements.measure(3, 10).hnsw
    assert 0 <= measured.mean_recall <= 1 and np.isfinite(measured.neighbors.scores).all()
    json.dumps([dict(loaded.seconds), list(loaded.queries), loaded.n_tokens], allow_nan=False)


def use_retriever(loaded):
    asked = loaded.vectors[:5] + np.float32(0.05)
    for ef in (1, 10, 200):
        loaded.ranking(loaded.hnsw.search(asked, 3, ef=ef))
    loaded.hnsw.add(np.random.default_rng(0).normal(size=(30, loaded.dimension)))
    assert loaded.hnsw.search(asked, 20, ef=50).ids.max() < len(loaded.hnsw)


WAYS = {"app": (app, of_collection, use_collection), "library": (DenseRetriever.load, of_retriever, use_retriever)}


def outcome(way, folder, watch):
    """Load a folder in one way, use what was loaded, save it and load it again; any other error is a bug."""
    load, content, use = WAYS[way]
    watch.update(folder=folder, seen=[])
    try:
        loaded = load(folder)
    except RetrieverError as error:
        str(error).encode()  # it can be shown
        return "refused", None
    finally:
        watch["folder"] = None
        assert not watch["seen"], "loading did what it must not"
    found = content(loaded)
    loaded.save(folder.parent / "again")
    assert content(load(folder.parent / "again")) == found
    use(loaded)
    return "usable", found


def main(work, first, last):
    watch = {"folder": None, "seen": []}

    def hook(event, arguments):
        if watch["folder"] is not None and (
            event.startswith(RUNS_CODE)
            or event == "open"
            and Path(str(arguments[0])).parent not in (watch["folder"], Path("/proc"))  # of which cpuinfo is read
        ):
            watch["seen"].append(f"{event} {str(arguments)[:200]}")

    collection().save(work / "saved")
    known = {way: outcome(way, work / "saved", watch)[1] for way in WAYS}  # also imports all that is imported late
    files = {path.name: path.read_bytes() for path in (work / "saved").iterdir()}
    sys.addaudithook(hook)
    held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (held + MEMORY, held + MEMORY))
    for case in range(first, last):
        sys.stdout.write(f"{case}\n")
        sys.stdout.flush()
        shutil.rmtree(work / "case", ignore_errors=True)
        (work / "case").mkdir()
        changed, forged = damaged(files, random.Random(case))
        for name, data in changed.items():
            (work / "case" / name).write_bytes(data)
        signal.alarm(SECONDS)
        ended = {}
        for way in WAYS:
            ended[way], found = outcome(way, work / "case", watch)
            assert forged or found in (None, known[way]), "damage that the manifest tells was not noticed"
        signal.alarm(0)
        sys.stdout.write(json.dumps(ended) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
