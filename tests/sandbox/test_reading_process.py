"""ReadingProcess: what it reads, what its worker may not do, its limits, and that nothing of it is left over."""

import contextlib
import errno
import json
import os
import resource
import socket
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from retriever.documents.document import Passage
from retriever.documents.loading import load_documents, read_file
from retriever.errors import Cancelled, CollectionError, DocumentError, PartError, RetrieverError, StorageError
from retriever.storage.archive import pack_folder
from retriever.storage.snapshot import Snapshot, write_snapshot
from sandbox.reading_process import MAX_VALUES, ReadingProcess
from tests.support.hostile import BEIR, zip_of
from tests.support.paths import ROOT

SAMPLES = ROOT / "samples" / "documents"
PROBING = ROOT / "tests" / "support" / "probing_worker.py"
SOON = 10.0  # seconds: for what must happen at once, on a machine under load
REFUSED, NO_ACCESS = [-1, errno.EPERM], [-1, errno.EACCES]


@pytest.fixture
def probing(monkeypatch):
    """Make reading processes start the worker that probes its own restrictions."""
    monkeypatch.setattr("sandbox.reading_process.WORKER", PROBING)


def ask(process, name, *arguments):
    return process._ask(name, arguments=arguments)


def pid_of(process):
    return process._worker._process.pid


def is_gone(pid, seconds=SOON):
    """Return whether a process ends within some seconds; a zombie counts as ended."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.02)
    return False


def needs(process, feature):
    """Skip the test if the kernel, or the container of the tests, does not support a restriction."""
    if process._worker is None:
        process._start()
    if feature in process.missing:
        pytest.skip(f"this system does not know how to refuse: {feature}")


# --- reading -------------------------------------------------------------------------------------------------------


def test_the_samples_are_read_as_in_this_process_by_one_worker():
    pids = set()
    with ReadingProcess([SAMPLES]) as process:
        assert process._worker is None, "nothing is started before the first file"

        def read(path):
            content = process.read(path)
            pids.add(pid_of(process))
            return content

        by_worker, here = load_documents(SAMPLES, read=read), load_documents(SAMPLES)
        assert list(by_worker) == list(here) and by_worker.failed == here.failed == {}
    assert len(pids) == 1 and is_gone(pids.pop(), 0.1)


@pytest.mark.parametrize("name", ["gone.txt", "table.xlsx", "broken.pdf", "folder", "nul\0.txt", "n" * 4000])
def test_a_bad_file_has_the_same_reason_as_in_this_process(tmp_path, name):
    (tmp_path / "table.xlsx").write_text("text")
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.4\n")
    (tmp_path / "folder").mkdir()
    with pytest.raises(DocumentError) as here:
        read_file(tmp_path / name)
    with ReadingProcess() as process, pytest.raises(DocumentError) as by_worker:
        process.read(tmp_path / name)
    assert str(by_worker.value) == str(here.value) != ""


def test_any_text_comes_through_unchanged(tmp_path):
    texts = ["Owls 🦉 שלום 日本語", "line\u2028 and\x85 so\x1c on", '\\u0041 "quoted" \\n', "\ud83d \udd89 halves"]
    rows = [{"text": text, "title": text, "id": text, "deep": {"a": [text, 1.5, None, True]}} for text in texts]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    with ReadingProcess() as process:
        assert process.read(tmp_path / "a.jsonl") == read_file(tmp_path / "a.jsonl")


def test_pages_are_counted_before_any_is_read():
    pdf = SAMPLES / "earthquakes.pdf"
    with ReadingProcess(max_pages=2) as process:
        assert len(process.read(pdf).sections) == 2
    with ReadingProcess(max_pages=1) as process, pytest.raises(DocumentError, match="has 2 pages, at most 1 are read"):
        process.read(pdf)


# --- what a worker may not do --------------------------------------------------------------------------------------


@pytest.fixture
def listener():
    """A server socket on this machine's own address, which nobody but the fixture may reach."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        with socket.create_connection(server.getsockname(), timeout=SOON):
            server.accept()[0].close()
        server.settimeout(0.3)
        yield server
        with pytest.raises(TimeoutError):
            server.accept()


def test_it_reaches_no_network_starts_nothing_and_touches_no_process(probing, listener):
    with ReadingProcess() as process:
        needs(process, "system calls")
        for name, *arguments in (
            ("socket.create_connection", listener.getsockname()),
            ("socket.getaddrinfo", "localhost", 80),
            ("subprocess.run", ["true"]),
        ):
            assert ask(process, "attempt", name, *arguments) == "PermissionError"
        for name, *arguments in (
            ("socket", socket.AF_INET, socket.SOCK_STREAM, 0),
            ("socket", socket.AF_INET6, socket.SOCK_STREAM, 0),
            ("socket", socket.AF_UNIX, socket.SOCK_STREAM, 0),
            ("syscall", 425, 8, 0),  # io_uring, which would make sockets, too
            ("fork",),
            ("kill", os.getpid(), 0),
            ("ptrace", 16, os.getpid(), 0, 0),
            ("prlimit", os.getpid(), 0, None, None),
            ("execv", sys.executable, None),
        ):
            assert ask(process, "raw", name, *arguments) == REFUSED, name


UNFILTERED = """
    import ctypes

    class NoFilters(ctypes.CDLL):  # a system without both filters
        def __getattr__(self, name):
            if name in ("prctl", "syscall"):
                raise AttributeError(name)
            return super().__getattr__(name)

    ctypes.CDLL = NoFilters
    worker.main()
"""


def test_python_refuses_the_same_where_the_kernel_does_not(listener, monkeypatch, tmp_path):
    unfiltered, new = tmp_path / "unfiltered.py", tmp_path / "new"
    script = PROBING.read_text().replace("Path(__file__).parents[2]", f"Path({str(ROOT)!r})")
    assert script.count("\n    worker.main()\n") == 1
    unfiltered.write_text(script.replace("\n    worker.main()\n", UNFILTERED))
    monkeypatch.setattr("sandbox.reading_process.WORKER", unfiltered)
    with ReadingProcess() as process:
        assert ask(process, "raw", "socket", socket.AF_INET, socket.SOCK_STREAM, 0)[0] > 0, "the kernel allows it here"
        assert {"system calls", "files"} <= set(process.missing)
        for name, *arguments in (
            ("socket.create_connection", listener.getsockname()),
            ("subprocess.run", ["true"]),
            ("os.system", "true"),
            ("os.fork",),
            ("os.kill", os.getpid(), 0),
            *(("io.open", str(new), mode) for mode in ("w", "a", "x")),
            ("io.open", str(unfiltered), "r+"),
        ):
            assert ask(process, "attempt", name, *arguments) == "PermissionError", name
        assert process.read(SAMPLES / "lighthouses.html").sections, "and it still reads"
    assert not new.exists()


def test_it_writes_no_file(probing, tmp_path):
    old, new = str(tmp_path / "old.txt"), str(tmp_path / "new")
    Path(old).write_text("old")
    with ReadingProcess() as process:
        needs(process, "files")
        for name, *arguments in (
            ("open", old, os.O_WRONLY | os.O_CREAT, 0o600),
            ("open", new, os.O_WRONLY | os.O_CREAT, 0o600),
            ("truncate", old, 0),
            ("unlink", old),
            ("rename", old, new),
            ("mkdir", new, 0o700),
            ("symlink", old, new),
        ):
            assert ask(process, "raw", name, *arguments) == NO_ACCESS, name
    assert [path.name for path in tmp_path.iterdir()] == ["old.txt"] and Path(old).read_text() == "old"


def test_it_has_limits_of_its_own_even_for_an_open_file(probing):
    with ReadingProcess() as process:
        limits = ask(process, "look", "/proc/self/limits")
    values = {line[:25].strip(): line[25:].split()[:2] for line in limits.splitlines()}
    assert values["Max file size"] == values["Max core file size"] == values["Max processes"] == ["0", "0"]
    assert values["Max address space"] == ["1500000000", "1500000000"]
    assert values["Max cpu time"] == ["360", "361"]


def test_it_sees_only_the_files_it_was_given(probing, tmp_path):
    mine, other = tmp_path / "mine" / "a.txt", tmp_path / "other" / "secret.txt"
    for path in (mine, other):
        path.parent.mkdir()
        path.write_text(path.name)
    for given in (mine, mine.parent):
        with ReadingProcess([given]) as process:
            needs(process, "files")
            assert ask(process, "look", str(mine)) == "a.txt"
            for path in (other, f"/proc/{os.getpid()}/environ", "/etc/passwd"):
                assert ask(process, "look", str(path)) == "PermissionError"
            assert ask(process, "attempt", "os.listdir", str(tmp_path)) == "PermissionError"
            with pytest.raises(DocumentError, match="cannot be opened: Permission denied"):
                process.read(other)
    with ReadingProcess() as process:
        assert ask(process, "look", str(other)) == "secret.txt"


def test_it_knows_no_secrets_and_loads_no_more_than_it_needs(probing, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    with ReadingProcess() as process:
        environment = ask(process, "environment")
        assert set(environment) <= {"LD_LIBRARY_PATH", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "LC_CTYPE"}
        process.read(SAMPLES / "tea.txt")
        heavy = {
            "numpy",
            "hnswlib",
            "torch",
            "gradio",
            "lxml",
            "pypdfium2",
            "retriever.encoders.loading",
        }
        assert not heavy & set(ask(process, "modules"))
        assert len(ask(process, "open files")) <= 7, "its pipes, and nothing that was open here"


def test_what_it_prints_is_no_answer(probing, capfd):
    with ReadingProcess() as process:
        assert ask(process, "chatter", "said") == "said"
    assert capfd.readouterr() == ("", "")


# --- limits, and breakdowns ----------------------------------------------------------------------------------------


def reads_on(process):
    """Return whether the next file is read, by a new worker."""
    return process.read(SAMPLES / "bicycle.md") == read_file(SAMPLES / "bicycle.md")


BROKE_DOWN = "broke down on it, so it is probably damaged"
NO_MEMORY = "needs more than 300 MB of memory, so it was stopped"


@pytest.mark.parametrize(
    ("limits", "task", "reason"),
    [
        ({"seconds": 1}, ["spin"], "took longer than 1 s, so it was stopped"),
        ({"seconds": 1}, ["sleep", 60], "took longer than 1 s, so it was stopped"),
        ({"megabytes": 300}, ["grow"], NO_MEMORY),
        ({"megabytes": 300}, ["grow and complain"], NO_MEMORY),
        ({"megabytes": 300}, ["take", 10**12], NO_MEMORY),
        ({"text_megabytes": 1}, ["answer raw", "x" * 10_000, 1000], "more than 1 MB of text"),
        ({}, ["crash"], BROKE_DOWN),
        ({}, ["fail"], BROKE_DOWN),
        ({}, ["leave", 0], BROKE_DOWN),
        ({}, ["leave", 3], BROKE_DOWN),
    ],
    ids=str,
)
def test_a_file_that_breaks_a_limit_or_the_reader_fails_alone(probing, monkeypatch, limits, task, reason):
    if task[0] == "take":
        monkeypatch.setattr("sandbox.json_process.CHECK_SECONDS", 100)  # seconds: too late to see the memory grow
    with ReadingProcess(**limits) as process:
        pid, start = ask(process, "pid"), time.monotonic()
        with pytest.raises(DocumentError, match=reason):
            ask(process, *task)
        assert time.monotonic() - start < 1 + SOON
        assert process._worker is None and is_gone(pid, 0.1) and reads_on(process)


def test_all_files_together_have_a_time_too(probing, monkeypatch):
    with ReadingProcess(seconds=5, total_seconds=0.7) as process:
        with pytest.raises(DocumentError, match=r"took 0.7 s together"):
            ask(process, "spin")
        monkeypatch.setattr("sandbox.reading_process.JsonProcess", None)  # nothing is started any more
        with pytest.raises(DocumentError, match=r"took 0.7 s together"):
            process.read(SAMPLES / "tea.txt")


def test_a_worker_that_has_grown_large_is_replaced(probing):
    with ReadingProcess(megabytes=300, text_megabytes=1000) as process:
        small = ask(process, "pid")
        assert ask(process, "take", 40_000_000) == 40_000_000
        assert ask(process, "pid") == small
        assert ask(process, "take", 220_000_000) == 220_000_000
        assert process._worker is None and is_gone(small, 0.1)
        assert ask(process, "pid") != small


def test_load_documents_continues_after_a_breakdown(probing, tmp_path):
    files = [tmp_path / name for name in ("a.txt", "b.txt", "c.txt")]
    for file in files:
        file.write_text(file.name)
    with ReadingProcess() as process:
        documents = load_documents(
            files, read=lambda path: process.read(path) if path.name != "b.txt" else ask(process, "crash")
        )
    assert [document.text for document in documents] == ["a.txt", "c.txt"]
    assert "broke down" in documents.failed["b.txt"]


@pytest.mark.parametrize(
    "line",
    [
        "no JSON",
        "[]",
        "null",
        "{}",
        '{"done": 7}',
        '{"done": [["text", "title", {}, "place"]]}',
        '{"done": [[7, "title", {}, "place", "id"]]}',
        '{"error": "DocumentError"}',
        "[" * 100_000,
        '{"done": ' + "9" * 5000 + "}",
        '{"done": "\ud800',
    ],
    ids=lambda line: ascii(line[:30]),
)
def test_an_invalid_answer_is_a_breakdown(monkeypatch, line):
    with ReadingProcess() as process:
        process._start()
        monkeypatch.setattr(process._worker, "ask", lambda *_, **__: f"{line}\n".encode("utf-8", "surrogatepass"))
        with pytest.raises(DocumentError, match="broke down"):
            process.read(SAMPLES / "tea.txt")


@pytest.mark.parametrize(
    "parts", ["7", "[7]", '[["a"]]', '[["a", "b"]]', '[["a", [7]]]', "[[7, []]]", '[["a", [], []]]']
)
def test_invalid_parts_of_an_archive_are_a_breakdown(monkeypatch, parts):
    with ReadingProcess() as process:
        process._start()
        monkeypatch.setattr(process._worker, "ask", lambda *_, **__: f'{{"done": {parts}}}\n'.encode())
        with pytest.raises(DocumentError, match="broke down"):
            process.read_archive_parts(SAMPLES / "tea.txt")


def test_an_unknown_error_is_an_error_and_a_long_message_is_cut(monkeypatch):
    with ReadingProcess() as process:
        process._start()
        answer = json.dumps({"error": "os.system", "message": "m" * 10_000}).encode()
        monkeypatch.setattr(process._worker, "ask", lambda *_, **__: answer)
        with pytest.raises(RetrieverError) as caught:
            process.read(SAMPLES / "tea.txt")
        assert type(caught.value) is RetrieverError and len(str(caught.value)) == 500


def test_text_is_counted_over_all_files_but_not_what_was_refused(tmp_path):
    texts = {"a.txt": "a" * 600_000, "b.txt": "b" * 600_000, "c.txt": "猫" * 100_000}  # each 猫 is three bytes
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    with ReadingProcess(text_megabytes=1) as process:
        documents = load_documents(tmp_path, read=process.read)
    assert [document.doc_id for document in documents] == ["a.txt", "c.txt"]
    assert "more than 1 MB of text" in documents.failed["b.txt"]


def test_values_are_counted_before_they_are_taken(tmp_path, monkeypatch):
    monkeypatch.setattr("sandbox.reading_process.MAX_VALUES", 1000)
    many, few = (json.dumps({"text": "owl", "a": [[]] * count}) for count in (1000, 300))
    files = {"a.jsonl": many, "b.jsonl": few, "c.csv": "text" + "\nowl" * 500, "d.jsonl": few}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with ReadingProcess() as process:
        documents = load_documents(tmp_path, read=process.read)
    assert [document.doc_id for document in documents] == ["b.jsonl#row=1"]
    assert list(documents.failed) == ["a.jsonl", "c.csv", "d.jsonl"], "600 and 600 are more than 1,000"
    assert all("more than 1,000 rows and values" in reason for reason in documents.failed.values())
    assert MAX_VALUES > 1_000_000, "for 50 MB of ordinary text"


def test_a_worker_that_does_not_start_is_a_clear_error(monkeypatch, tmp_path):
    monkeypatch.setattr("sandbox.reading_process.WORKER", tmp_path / "gone.py")
    with ReadingProcess() as process, pytest.raises(DocumentError, match="did not start"):
        process.read(SAMPLES / "tea.txt")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no-python"))
    with ReadingProcess() as process, pytest.raises(DocumentError) as caught:
        process.read(SAMPLES / "tea.txt")
    assert "No such file" in str(caught.value) and str(tmp_path) not in str(caught.value)


def test_without_descriptors_no_file_is_called_damaged(tmp_path):
    """The limit is that of this process, set to what it has open now."""
    before, path = resource.getrlimit(resource.RLIMIT_NOFILE), tmp_path / "a.txt"
    path.write_text("Owls hunt at night.")
    taken = []
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) + 20, before[1]))
    try:
        with contextlib.suppress(OSError):
            while True:
                taken.append(os.open(os.devnull, os.O_RDONLY))
        with ReadingProcess([path]) as process, pytest.raises(RetrieverError, match="did not start: too many files"):
            load_documents(path, read=process.read)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
        for handle in taken:
            os.close(handle)
    with ReadingProcess([path]) as process:
        assert load_documents(path, read=process.read)[0].text == "Owls hunt at night."


# --- cancelling, and clean-up --------------------------------------------------------------------------------------


def test_cancelling_ends_the_worker_at_once(probing):
    calls, pids = [], []

    def progress():
        calls.append(time.monotonic())
        if process._worker and len(calls) > 5:
            pids.append(pid_of(process))
            raise Cancelled("stop")

    with ReadingProcess(progress=progress) as process:
        with pytest.raises(Cancelled):
            ask(process, "spin")
        assert is_gone(pids[0], 0.1) and process._worker is None
        with pytest.raises(Cancelled):  # while a worker starts, and through load_documents
            load_documents(SAMPLES, read=process.read)
        assert is_gone(pids[1], 0.1)
    assert max(after - before for before, after in zip(calls, calls[1:], strict=False)) < 2


def test_nothing_is_left_open_or_running(probing):
    before = os.listdir("/proc/self/fd")
    pids = []
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), ReadingProcess() as process:
            pids.append(ask(process, "pid"))
            with pytest.raises(DocumentError):
                ask(process, "crash")
            pids.append(ask(process, "pid"))
            raise ZeroDivisionError
    assert all(is_gone(pid, 0.1) for pid in pids)
    assert len(os.listdir("/proc/self/fd")) <= len(before)


PARENT = """
import sys
sys.path[:0] = {paths}
from sandbox import reading_process
from pathlib import Path
reading_process.WORKER = Path({worker!r})
process = reading_process.ReadingProcess()
print(process._ask("pid"), flush=True)
if {busy}:
    process._ask("spin")
sys.stdin.readline()
"""


@pytest.mark.parametrize("busy", [False, True])
def test_a_worker_does_not_outlive_a_killed_parent(busy):
    script = PARENT.format(paths=[str(ROOT)], worker=str(PROBING), busy=busy)
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as parent:
        pid = int(parent.stdout.readline())
        assert not is_gone(pid, 0.3)
        parent.kill()
        assert is_gone(pid)


def test_two_at_once_do_not_disturb_each_other(probing):
    both = threading.Barrier(2, timeout=SOON)

    def use(dies):
        with ReadingProcess() as process:
            pid = ask(process, "pid")
            both.wait()
            if dies:
                with pytest.raises(DocumentError):
                    ask(process, "crash")
            both.wait()
            assert dies or (reads_on(process) and ask(process, "pid") == pid)
            return pid

    with ThreadPoolExecutor(2) as pool:
        assert len(set(pool.map(use, (True, False)))) == 2


# --- checking other formats ----------------------------------------------------------------------------------------


@pytest.fixture
def put(tmp_path):
    """Return a function that writes a file and returns its path."""

    def put(name, content):
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return tmp_path / name

    return put


def saved(path, folder, manifest=None, model="model"):
    vectors, settings = np.eye(2, 4, dtype=np.float32), {"M": 16, "ef_construction": 200, "seed": 42}
    passages = [Passage(text, text) for text in "ab"]
    write_snapshot(folder, Snapshot(passages, vectors, model, "fingerprint", settings, None))
    if manifest:
        (folder / "manifest.json").write_text(manifest)
    pack_folder(folder, path)
    return path


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """The folder of temporary files, of which none may be left."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    assert list(folder.iterdir()) == []


def test_good_files_pass(put, tmp_path, temporary):
    qrels, queries = put("qrels.tsv", BEIR["qrels/test.tsv"]), put("queries.jsonl", BEIR["queries.jsonl"])
    archive, collection = put("b.zip", zip_of(BEIR)), saved(tmp_path / "s.zip", tmp_path / "saved")
    with ReadingProcess([qrels, queries, archive, collection]) as process:
        process.check("qrels", qrels)
        process.check("beir", archive, max_bytes=1_000_000)
        assert process._worker is None, "only that one could write"
        process.check("queries", str(queries))
        process.check("saved", collection, max_bytes=1_000_000)
        assert process.read_archive_parts(archive) == {"the top folder": ["test"]}
        assert process.read(queries)


def test_bad_files_raise_what_their_readers_raise(put, tmp_path, temporary):
    archive, other = put("b.zip", zip_of(BEIR)), saved(tmp_path / "s.zip", tmp_path / "saved", "{}")
    two = zip_of({f"{folder}/{name}": text for folder in "ab" for name, text in BEIR.items()})
    with ReadingProcess() as process:
        for task, path, most, kind, reason in (
            ("queries", put("queries.jsonl", "{}\n"), 0, CollectionError, "queries.jsonl, line 1 has no _id"),
            ("saved", archive, 1_000_000, StorageError, "b.zip is not a saved collection"),
            ("saved", other, 1_000_000, StorageError, "was not written by this program"),
            ("saved", saved(tmp_path / "f.zip", tmp_path / "f", model="/a/model"), 10**6, StorageError, "some machine"),
            ("beir", archive, 10, StorageError, "unpacks to more than"),
            ("parts", other, 0, CollectionError, "holds no corpus.jsonl"),
            ("beir", put("c.zip", two), 1_000_000, PartError, "holds 2 collections.*choose one of: a, b"),
            ("saved", tmp_path / "gone.zip", 10, StorageError, "gone.zip"),
        ):
            with pytest.raises(kind, match=reason):
                process.check(task, path, max_bytes=most)


@pytest.mark.parametrize(("limit", "reason"), [({"megabytes": 300}, "300 MB of memory"), ({"seconds": 0.3}, "0.3 s")])
def test_a_bomb_of_memory_or_time_is_stopped_and_unpacked_files_are_gone(put, temporary, limit, reason):
    line = '{"_id": "%d", "text": "owl", "a": [' + "[]," * 2_000_000 + "[]]}\n"
    path = put("b.zip", zip_of(BEIR | {"corpus.jsonl": "".join(line % number for number in range(3))}))
    assert path.stat().st_size < 1_000_000
    with ReadingProcess(**limit) as process, pytest.raises(DocumentError, match=reason):
        process.check("beir", path, max_bytes=100_000_000)


def test_only_a_worker_that_unpacks_may_write_and_only_there(probing, tmp_path):
    folder, flags = tmp_path / "own", os.O_WRONLY | os.O_CREAT
    folder.mkdir()
    with ReadingProcess() as process:
        process._start(str(folder), 1000)
        needs(process, "files")
        assert ask(process, "attempt", "os.mkdir", str(folder / "sub")) == "done"
        assert ask(process, "raw", "open", str(folder / "sub" / "a"), flags, 0o600)[0] > 0
        assert ask(process, "raw", "open", str(tmp_path / "a"), flags, 0o600) == NO_ACCESS
        assert "Max file size             1000                 1000" in ask(process, "look", "/proc/self/limits")
