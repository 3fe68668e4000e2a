"""A script that loads damaged folders one after another, and may crash; each line of its output is a JSON value.

Arguments: a folder to work in, a seed, the first case and the one after the last. A line names the case that is loaded
next, the following line its outcome: so the last line of a crashed process names the case that crashed it.
"""

import json
import resource
import shutil
import signal
import sys
import traceback
from dataclasses import asdict
from pathlib import Path

import numpy as np

from retriever.errors import RetrieverError
from retriever.experiments.judged_index import JudgedIndex, check_judged
from retriever.graph.traversal import HNSWGraph
from retriever.indexes.recall import knn_recall
from retriever.indexing.collection import IndexedCollection
from retriever.retrievers.dense import DenseRetriever
from tests.support.saved_faults import MANIFEST, base_of, damage

SECONDS = 20  # for one case; a longer one counts as a hang
MEMORY = 1 << 30  # bytes that loading may take on top of what the process holds
RUNS_CODE = (
    "exec", "compile", "pickle.find_class", "os.system", "os.exec", "os.posix_spawn", "os.fork", "subprocess.Popen",
    "socket.connect", "ctypes.dlopen", "marshal.loads", "code.__new__",
)  # fmt: skip


class Watch:
    """A watch on a load: it records code that is run, and files that are opened outside the folder."""

    def __init__(self):
        self.folder, self.seen = None, []
        sys.addaudithook(self.hook)

    def hook(self, event, arguments):
        if self.folder is None:
            return
        if event in RUNS_CODE:
            self.seen.append(f"{event} {str(arguments)[:200]}")
        elif event == "open" and not self.allowed(arguments[0]):
            self.seen.append(f"open {arguments[0]!r}")

    def allowed(self, path):
        if isinstance(path, int) or str(path) == "/proc/cpuinfo":  # a model's precision depends on the CPU
            return True
        return Path(str(path)).parent == self.folder


def of_collection(loaded):
    """Return the content of a collection without its graph, for comparisons."""
    parts = [loaded.name, loaded.settings, loaded.queries, loaded.n_documents, loaded.n_tokens, loaded.n_cut]
    parts += [loaded.seconds, loaded.failed, loaded.chunked, loaded.drawn, loaded.judged and asdict(loaded.judged)]
    return repr(parts), loaded.query_vectors.tobytes(), of_retriever(loaded.retriever)


def of_retriever(loaded):
    vectors = np.ascontiguousarray(loaded.vectors)
    settings = loaded.M, loaded.ef_construction, loaded.seed, loaded.model_name
    return repr([loaded.texts, loaded.metadata, settings]), vectors.shape, vectors.tobytes()


def use_collection(loaded, folder, *, another=False):
    """Use a loaded collection as the page does."""
    queries = loaded.query_vectors
    truth, found = loaded.measurements.truth(3), loaded.retriever.hnsw.search(queries, 3, ef=10)
    assert np.isfinite(truth.scores[truth.ids >= 0]).all()
    assert ((knn_recall(truth, found) >= 0) & (knn_recall(truth, found) <= 1)).all()
    assert loaded.measurements.graph.walk(queries[0], 3, 10).ids.max(initial=0) < len(loaded)
    if another:  # an unchanged collection can be drawn
        assert np.isfinite(loaded.measurements.plane.project(queries[:1])).all()
    shown(loaded).encode()
    json.dumps([asdict(loaded.settings), dict(loaded.seconds), list(loaded.queries)], allow_nan=False)
    assert len(loaded.retriever.ranking(truth)) == min(3, len(loaded))
    if loaded.judged:
        judged = check_judged(loaded, loaded.judged)
        asked = JudgedIndex(loaded, judged, np.resize(queries, (len(judged.asked), queries.shape[1])))
        assert 0 <= asked.evaluation(3).hit_rate <= 1
        assert asked.errors(3, 10)
    loaded.save(folder)
    assert of_collection(IndexedCollection.load(folder, with_graph=False)) == of_collection(loaded)


def shown(loaded):
    """Return what the page shows of a collection, formatted as there."""
    lines = [f"{number:,}" for number in (loaded.n_documents, loaded.n_tokens, loaded.n_cut, len(loaded.queries))]
    lines += [f"{stage.title()} {seconds / 60:.1f}" for stage, seconds in loaded.seconds.items()]
    lines += [f"{name.title()} {reason.title()}" for name, reason in loaded.failed.items()]
    lines += [str(row) for row in loaded.retriever.metadata]
    return "\n".join([loaded.name, *lines, *loaded.retriever.texts, *loaded.queries, loaded.queries[0]])


def use_retriever(loaded, folder, *, another=False):
    """Search the graph that was loaded from the folder, add to it, and search again."""
    asked = loaded.vectors[:5] + np.float32(0.05)
    for ef in (1, 10, 200):
        found = loaded.hnsw.search(asked, 3, ef=ef)
        loaded.ranking(found)
    if len(loaded.vectors):
        HNSWGraph.of(loaded.hnsw).walk(asked[0], 3, 10)
    loaded.save(folder)
    assert of_retriever(DenseRetriever.load(folder)) == of_retriever(loaded)
    loaded.hnsw.add(np.random.default_rng(0).normal(size=(30, loaded.dimension)))
    loaded.hnsw.search(asked, 20, ef=50)


def app(folder):
    """Load an untrusted folder as the app does: the graph is built again."""
    return IndexedCollection.load(folder, with_graph=False)


WAYS = {"app": (app, of_collection, use_collection), "library": (DenseRetriever.load, of_retriever, use_retriever)}


def outcome(way, folder, known, watch):
    """Load a folder in one way and return "refused", "same", "another" or "refused in use"; any error is a bug."""
    load, contents, use = WAYS[way]
    watch.folder, watch.seen = folder, []
    try:
        loaded = load(folder)
    except RetrieverError as error:
        str(error).encode()
        return "refused"
    finally:
        watch.folder = None
        if watch.seen:
            raise AssertionError(f"loading did what it must not: {watch.seen}")
    same = contents(loaded) == known
    try:
        use(loaded, folder.parent / "again", another=not same)
    except RetrieverError as error:
        str(error).encode()
        return "same" if same else "refused in use"
    return "same" if same else "another"


def try_case(case, seed, work, known, watch):
    base, folder = base_of(case, seed), work / "damaged"
    for left in (folder, work / "again"):
        shutil.rmtree(left, ignore_errors=True)
    shutil.copytree(work / base, folder)
    intact = (folder / MANIFEST).read_bytes()
    kind, what = damage(folder, case, seed)
    say({"case": case, "kind": kind, "what": f"{base}: {what}"})
    manifest = folder / MANIFEST
    kept = manifest.is_file() and manifest.stat().st_size == len(intact) and manifest.read_bytes() == intact
    ended, failures = {}, []
    for way in WAYS:
        signal.alarm(SECONDS)
        try:
            ended[way] = outcome(way, folder, known[base].get(way), watch)
        except Exception:
            ended[way] = "failed"
            failures.append(f"{way}: {traceback.format_exc()}")
        signal.alarm(0)
        if kept and ended[way] not in ("refused", "same", "failed"):
            failures.append(f"{way}: damage that the manifest tells was not noticed")
    if (work / "it-ran").exists() or Path("it-ran").exists():
        failures.append("code was run")
    say({"case": case, "ended": ended, "failures": failures})


def say(value):
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


def main(work, seed, first, last):
    watch, known = Watch(), {}
    for base in ("static", "minilm", "plain"):  # undamaged: also imports all that is imported late
        known[base] = {"library": of_retriever(DenseRetriever.load(work / base))}
        if base != "plain":
            known[base]["app"] = of_collection(app(work / base))
            use_collection(app(work / base), work / "again")
        use_retriever(DenseRetriever.load(work / base), work / "again")
    held = sum(int(size) for size in Path("/proc/self/statm").read_text().split()[:1]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (held + MEMORY, held + MEMORY))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for case in range(first, last):
        try_case(case, seed, work, known, watch)
    say({"megabytes": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024})


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
