"""ReadingProcess: what it reads, what its worker may not do, its limits, and that nothing of it is left over."""

import errno
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from retriever.documents.loading import load_documents, read_file
from retriever.errors import Cancelled, CollectionError, DocumentError, RetrieverError, StorageError
from retriever.storage.archive import pack_folder
from retriever.storage.snapshot import Snapshot, write_snapshot
from sandbox.reading_process import MAX_VALUES, ReadingProcess
from tests.support.paths import ROOT

SAMPLES = ROOT / "samples" / "documents"
PROBING = ROOT / "tests" / "support" / "probing_worker.py"
SOON = 10.0  # seconds: for what must happen at once, on a machine under load


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


def test_the_samples_are_read_as_in_this_process():
    with ReadingProcess([SAMPLES]) as process:
        by_worker = load_documents(SAMPLES, read=process.read)
    here = load_documents(SAMPLES)
    assert list(by_worker) == list(here) and by_worker.failed == here.failed == {}
    assert {type(value) for document in by_worker for value in document.metadata.values()} == {str, int}


def test_one_worker_reads_many_files(tmp_path):
    files = [tmp_path / f"{number}.txt" for number in range(5)]
    pids = set()
    with ReadingProcess() as process:
        assert process._worker is None, "nothing is started before the first file"
        for file in files:
            file.write_text(file.name)
            assert [section.text for section in process.read(file)] == [file.name]
            pids.add(pid_of(process))
    assert len(pids) == 1 and is_gone(pids.pop(), 0.1)


@pytest.mark.parametrize(
    "name", ["gone.txt", "empty.txt", "table.xlsx", "broken.pdf", "folder", "nul\0.txt", "n" * 4000]
)
def test_a_bad_file_has_the_same_reason_as_in_this_process(tmp_path, name):
    (tmp_path / "empty.txt").touch()
    (tmp_path / "table.xlsx").write_text("text")
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.4\n")
    (tmp_path / "folder").mkdir()
    with pytest.raises(DocumentError) as here:
        read_file(tmp_path / name)
    with ReadingProcess() as process, pytest.raises(DocumentError) as by_worker:
        process.read(tmp_path / name)
    assert str(by_worker.value) == str(here.value) != ""


def test_any_text_comes_through_unchanged(tmp_path):
    texts = [
        "Owls 🦉 שלום 日本語",
        "line\u2028separated\x85 and\x1c so on",
        '\\u0041 "quoted" \\n',
        "\ud83d \udd89 halves",
    ]
    lines = [
        json.dumps({"text": text, "title": text, "id": text, "deep": {"a": [text, 1.5, None, True]}}) for text in texts
    ]
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    with ReadingProcess() as process:
        assert process.read(tmp_path / "a.jsonl") == read_file(tmp_path / "a.jsonl")


def test_pages_are_counted_before_any_is_read():
    pdf = SAMPLES / "earthquakes.pdf"
    with ReadingProcess(max_pages=2) as process:
        assert len(process.read(pdf)) == 2
    with ReadingProcess(max_pages=1) as process, pytest.raises(DocumentError, match="has 2 pages, at most 1 are read"):
        process.read(pdf)


# --- what a worker may not do --------------------------------------------------------------------------------------


@pytest.fixture
def listener():
    """A server socket that listens on this machine's own address."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.5)
        yield server


def test_the_listener_can_be_reached_from_here(listener):
    with socket.create_connection(listener.getsockname(), timeout=SOON):
        listener.accept()[0].close()


def test_it_reaches_no_network(probing, listener):
    with ReadingProcess() as process:
        needs(process, "system calls")
        address = listener.getsockname()
        assert ask(process, "attempt", "socket.create_connection", address) == "PermissionError"
        assert ask(process, "attempt", "socket.getaddrinfo", "localhost", 80) == "PermissionError"
        for family in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX):
            assert ask(process, "raw", "socket", family, socket.SOCK_STREAM, 0) == [-1, errno.EPERM]
        assert ask(process, "raw", "syscall", 425, 8, 0) == [-1, errno.EPERM], "io_uring would make sockets, too"
    with pytest.raises(TimeoutError):
        listener.accept()


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
    unfiltered = tmp_path / "unfiltered.py"
    script = PROBING.read_text().replace("Path(__file__).parents[2]", f"Path({str(ROOT)!r})")
    assert script.count("\n    worker.main()\n") == 1
    unfiltered.write_text(script.replace("\n    worker.main()\n", UNFILTERED))
    monkeypatch.setattr("sandbox.reading_process.WORKER", unfiltered)
    with ReadingProcess() as process:
        assert ask(process, "raw", "socket", socket.AF_INET, socket.SOCK_STREAM, 0)[0] > 0, "the kernel allows it here"
        assert {"system calls", "files"} <= set(process.missing)
        assert ask(process, "attempt", "socket.create_connection", listener.getsockname()) == "PermissionError"
        assert ask(process, "attempt", "subprocess.run", ["true"]) == "PermissionError"
        assert ask(process, "attempt", "os.system", "true") == "PermissionError"
        assert ask(process, "attempt", "os.fork") == "PermissionError"
        assert ask(process, "attempt", "os.kill", os.getpid(), 0) == "PermissionError"
        assert ask(process, "attempt", "io.open", str(tmp_path / "new"), "w") == "PermissionError"
        assert [*process.read(SAMPLES / "lighthouses.html")], "and it still reads"
    assert not (tmp_path / "new").exists()


def test_it_writes_no_file(probing, tmp_path):
    old = tmp_path / "old.txt"
    old.write_text("old")
    with ReadingProcess() as process:
        for mode in ("w", "a", "x", "r+"):
            path = tmp_path / "new.txt" if mode == "x" else old
            assert ask(process, "attempt", "io.open", str(path), mode) == "PermissionError"
        needs(process, "files")
        flags = os.O_WRONLY | os.O_CREAT
        for path in (old, tmp_path / "new.txt"):
            assert ask(process, "raw", "open", str(path), flags, 0o600) == [-1, errno.EACCES]
        assert ask(process, "raw", "truncate", str(old), 0) == [-1, errno.EACCES]
        assert ask(process, "raw", "unlink", str(old)) == [-1, errno.EACCES]
        assert ask(process, "raw", "rename", str(old), str(tmp_path / "new.txt")) == [-1, errno.EACCES]
        assert ask(process, "raw", "mkdir", str(tmp_path / "new"), 0o700) == [-1, errno.EACCES]
        assert ask(process, "raw", "symlink", str(old), str(tmp_path / "new")) == [-1, errno.EACCES]
    assert [path.name for path in tmp_path.iterdir()] == ["old.txt"] and old.read_text() == "old"


def test_it_writes_no_byte_even_to_an_open_file(probing):
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
    with ReadingProcess([mine]) as process:
        needs(process, "files")
        assert ask(process, "look", str(mine)) == "a.txt"
        assert ask(process, "look", str(other)) == "PermissionError"
        assert ask(process, "look", f"/proc/{os.getpid()}/environ") == "PermissionError"
        assert ask(process, "look", "/etc/passwd") == "PermissionError"
        assert ask(process, "attempt", "os.listdir", str(tmp_path)) == "PermissionError"
        with pytest.raises(DocumentError, match="cannot be opened: Permission denied"):
            process.read(other)
    with ReadingProcess([mine.parent]) as process:
        assert ask(process, "look", str(mine)) == "a.txt"
        assert ask(process, "look", str(other)) == "PermissionError"
    with ReadingProcess() as process:
        assert ask(process, "look", str(other)) == "secret.txt"


def test_it_starts_nothing_and_touches_no_process(probing):
    with ReadingProcess() as process:
        needs(process, "system calls")
        assert ask(process, "raw", "fork") == [-1, errno.EPERM]
        assert ask(process, "raw", "kill", os.getpid(), 0) == [-1, errno.EPERM]
        assert ask(process, "raw", "ptrace", 16, os.getpid(), 0, 0) == [-1, errno.EPERM]
        assert ask(process, "raw", "prlimit", os.getpid(), 0, None, None) == [-1, errno.EPERM]
        assert ask(process, "raw", "execv", sys.executable, None) == [-1, errno.EPERM]
        assert ask(process, "attempt", "subprocess.run", ["true"]) == "PermissionError"


def test_it_knows_no_secrets_and_loads_no_more_than_it_needs(probing, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    with ReadingProcess() as process:
        environment = ask(process, "environment")
        assert set(environment) <= {"LD_LIBRARY_PATH", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "LC_CTYPE"}
        process.read(SAMPLES / "tea.txt")
        loaded = set(ask(process, "modules"))
        assert not loaded & {
            "numpy",
            "hnswlib",
            "torch",
            "gradio",
            "trafilatura",
            "docx",
            "pypdfium2",
            "retriever.encoders.loading",
        }
        assert len(ask(process, "open files")) <= 7, "its pipes, and nothing that was open here"


def test_what_it_prints_is_no_answer(probing, capfd):
    with ReadingProcess() as process:
        assert ask(process, "chatter", "said") == "said"
    assert capfd.readouterr() == ("", "")


# --- limits, and breakdowns ----------------------------------------------------------------------------------------


def reads_on(process):
    """Return whether the next file is read, by a new worker."""
    return process.read(SAMPLES / "bicycle.md") == read_file(SAMPLES / "bicycle.md")


def test_what_takes_too_long_is_stopped_and_the_next_file_is_read(probing):
    with ReadingProcess(seconds=1) as process:
        for name, *arguments in (("spin",), ("sleep", 60)):
            start = time.monotonic()
            with pytest.raises(DocumentError, match="took longer than 1 s, so it was stopped"):
                ask(process, name, *arguments)
            assert 0.9 < time.monotonic() - start < 1 + SOON
            assert process._worker is None
        assert reads_on(process)


def test_all_files_together_have_a_time_too(probing):
    with ReadingProcess(seconds=5, total_seconds=1) as process:
        with pytest.raises(DocumentError, match="took 1 s together"):
            ask(process, "spin")
        start = time.monotonic()
        with pytest.raises(DocumentError, match="took 1 s together"):
            process.read(SAMPLES / "tea.txt")
        assert time.monotonic() - start < 0.5, "nothing is started any more"


@pytest.mark.parametrize("name", ["grow", "grow and complain"])
def test_what_needs_too_much_memory_is_stopped_and_the_next_file_is_read(probing, name):
    with ReadingProcess(megabytes=300) as process:
        with pytest.raises(DocumentError, match="needs more than 300 MB of memory, so it was stopped"):
            ask(process, name)
        assert reads_on(process)


def test_a_single_block_of_memory_that_is_too_large_is_refused(probing, monkeypatch):
    monkeypatch.setattr("sandbox.json_process.CHECK_SECONDS", 100)  # seconds: too late to see the memory grow
    with ReadingProcess(megabytes=300) as process:
        with pytest.raises(DocumentError, match="needs more than 300 MB of memory"):
            ask(process, "take", 10**12)
        pid = ask(process, "pid")
        assert ask(process, "take", 220_000_000) == 220_000_000
        assert process._worker is None and is_gone(pid, 0.1), "however quickly it was taken"
        assert reads_on(process)


def test_a_worker_that_has_grown_large_is_replaced(probing):
    with ReadingProcess(megabytes=300, text_megabytes=1000) as process:
        small = ask(process, "pid")
        assert len(ask(process, "give", "a", 40_000_000)) == 40_000_000
        assert ask(process, "pid") == small
        assert len(ask(process, "give", "b", 70_000_000)) == 70_000_000
        assert not (process._worker and pid_of(process) == small)
        assert ask(process, "pid") != small


@pytest.mark.parametrize(("name", "arguments"), [("crash", ()), ("fail", ()), ("leave", (3,)), ("leave", (0,))])
def test_a_reader_that_breaks_down_fails_one_file(probing, tmp_path, name, arguments):
    with ReadingProcess() as process:
        pid = ask(process, "pid")
        with pytest.raises(DocumentError, match="broke down on it, so it is probably damaged"):
            ask(process, name, *arguments)
        assert is_gone(pid, 0.1) and reads_on(process)


def test_load_documents_continues_after_a_breakdown(probing, tmp_path):
    files = [tmp_path / name for name in ("a.txt", "b.txt", "c.txt")]
    for file in files:
        file.write_text(file.name)
    with ReadingProcess(seconds=0.5) as process:

        def read(path):
            return (
                ask(process, "crash")
                if path.name == "a.txt"
                else ask(process, "spin")
                if path.name == "b.txt"
                else process.read(path)
            )

        documents = load_documents(files, read=read)
    assert [document.text for document in documents] == ["c.txt"]
    assert "broke down" in documents.failed["a.txt"] and "longer than 0.5 s" in documents.failed["b.txt"]


@pytest.mark.parametrize(
    "line",
    [
        "no JSON\n",
        "[]\n",
        "7\n",
        "null\n",
        "{}\n",
        '{"done": 7}\n',
        '{"done": [["text", "title", {}, "place"]]}\n',
        '{"done": [[7, "title", {}, "place", "id"]]}\n',
        '{"done": {"text": 1}}\n',
        '{"error": "DocumentError"}\n',
        "[" * 100_000 + "\n",
        '{"done": ' + "9" * 5000 + "}\n",
        '{"done": "\ud800\n',
        "\x00\n",
    ],
)
def test_an_invalid_answer_is_a_breakdown(monkeypatch, line):
    with ReadingProcess() as process:
        process._start()
        monkeypatch.setattr(process._worker, "ask", lambda *_, **__: line.encode("utf-8", "surrogatepass"))
        with pytest.raises(DocumentError, match="broke down"):
            process.read(SAMPLES / "tea.txt")


def test_an_unknown_error_is_an_error_and_a_long_message_is_cut(monkeypatch):
    with ReadingProcess() as process:
        process._start()
        answer = json.dumps({"error": "os.system", "message": "m" * 10_000}).encode()
        monkeypatch.setattr(process._worker, "ask", lambda *_, **__: answer)
        with pytest.raises(RetrieverError) as caught:
            process.read(SAMPLES / "tea.txt")
        assert type(caught.value) is RetrieverError and len(str(caught.value)) == 500


def test_an_endless_answer_is_not_taken(probing):
    with ReadingProcess(text_megabytes=1) as process:
        for line in ("x" * 10_000, '{"done": "' + "x" * 10_000):
            with pytest.raises(DocumentError, match="more than 1 MB of text"):
                ask(process, "answer raw", line, 1000)
        assert reads_on(process)


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
    many = [json.dumps({"text": "owl", "a": [[]] * 1000})]
    few = [json.dumps({"text": "owl", "a": [[]] * 300})]
    files = {"a.jsonl": many, "b.jsonl": few, "c.csv": ["text", *["owl"] * 500], "d.jsonl": few}
    for name, lines in files.items():
        (tmp_path / name).write_text("\n".join(lines))
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


# --- cancelling, and clean-up --------------------------------------------------------------------------------------


def test_cancelling_ends_the_worker_at_once(probing):
    calls, pids = [], []

    def progress():
        calls.append(time.monotonic())
        if process._worker and len(calls) > 8:
            pids.append(pid_of(process))
            raise Cancelled("stop")

    with ReadingProcess(progress=progress) as process:
        start = time.monotonic()
        with pytest.raises(Cancelled):
            ask(process, "spin")
        assert time.monotonic() - start < SOON
        assert is_gone(pids[0], 0.1) and process._worker is None
    assert max(after - before for before, after in zip(calls, calls[1:], strict=False)) < 2


def test_cancelling_goes_through_load_documents(tmp_path):
    def progress():
        raise Cancelled("stop")

    with ReadingProcess(progress=progress) as process, pytest.raises(Cancelled):
        load_documents(SAMPLES, read=process.read)


def test_nothing_is_left_open_or_running(probing):
    before = set(os.listdir("/proc/self/fd"))
    for _ in range(3):
        with ReadingProcess(seconds=0.5) as process:
            pids = [ask(process, "pid")]
            for name in ("spin", "crash"):
                with pytest.raises(DocumentError):
                    ask(process, name)
            pids.append(ask(process, "pid"))
        assert all(is_gone(pid, 0.1) for pid in pids)
    with pytest.raises(ZeroDivisionError), ReadingProcess() as process:
        pids.append(ask(process, "pid"))
        raise ZeroDivisionError
    assert is_gone(pids[-1], 0.1)
    assert len(os.listdir("/proc/self/fd")) <= len(before)


PARENT = """
import sys, threading
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
        time.sleep(0.2)
        assert not is_gone(pid, 0.1)
        parent.kill()
        assert is_gone(pid)


def test_two_at_once_do_not_disturb_each_other(probing):
    both = threading.Barrier(2, timeout=SOON)

    def dies():
        with ReadingProcess() as process:
            pid = ask(process, "pid")
            both.wait()
            with pytest.raises(DocumentError):
                ask(process, "crash")
            both.wait()
            return pid

    def goes_on():
        with ReadingProcess() as process:
            pid = ask(process, "pid")
            both.wait()
            both.wait()
            assert reads_on(process) and ask(process, "pid") == pid
            return pid

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.submit(dies), pool.submit(goes_on)
        assert first.result() != second.result()


# --- checking other formats ----------------------------------------------------------------------------------------

BEIR = {
    "corpus.jsonl": '{"_id": "d1", "title": "Lamps", "text": "A lamp is seen far out at sea."}\n',
    "queries.jsonl": '{"_id": "q1", "text": "how far is a lamp seen?"}\n',
    "qrels/test.tsv": "query-id\tcorpus-id\tscore\nq1\td1\t1\n",
}


def beir(path, **changed):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in {**BEIR, **changed}.items():
            archive.writestr(name, text)
    return path


def saved(path, folder, manifest=None):
    vectors = np.eye(2, 4, dtype=np.float32)
    settings = {"M": 16, "ef_construction": 200, "seed": 42}
    write_snapshot(folder, Snapshot(["a", "b"], [{}, {}], vectors, "model", "fingerprint", settings, None))
    if manifest:
        (folder / "manifest.json").write_text(manifest)
    pack_folder(folder, path)
    return path


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """The folder of temporary files, to see that none is left."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_good_files_pass(tmp_path, temporary):
    (tmp_path / "qrels.tsv").write_text(BEIR["qrels/test.tsv"])
    (tmp_path / "queries.jsonl").write_text(BEIR["queries.jsonl"])
    archive, collection = beir(tmp_path / "b.zip"), saved(tmp_path / "s.zip", tmp_path / "saved")
    with ReadingProcess([tmp_path / "qrels.tsv", tmp_path / "queries.jsonl", archive, collection]) as process:
        process.check("qrels", tmp_path / "qrels.tsv")
        process.check("beir", archive, max_bytes=1_000_000)
        assert process._worker is None, "only that one could write"
        process.check("queries", str(tmp_path / "queries.jsonl"))
        process.check("saved", collection, max_bytes=1_000_000)
        assert process.read(tmp_path / "queries.jsonl")
    assert list(temporary.iterdir()) == []


def test_bad_files_raise_what_their_readers_raise(tmp_path, temporary):
    (tmp_path / "qrels.tsv").write_text("q1\td1\tgood\t7\t8\n")
    (tmp_path / "queries.jsonl").write_text("{}\n")
    with ReadingProcess() as process:
        with pytest.raises(CollectionError, match="qrels.tsv, line 1 has 5 columns"):
            process.check("qrels", tmp_path / "qrels.tsv")
        with pytest.raises(CollectionError, match="queries.jsonl, line 1 has no _id"):
            process.check("queries", tmp_path / "queries.jsonl")
        with pytest.raises(CollectionError, match="corpus.jsonl, line 1 is not JSON"):
            process.check("beir", beir(tmp_path / "b.zip", **{"corpus.jsonl": "text"}), max_bytes=1_000_000)
        with pytest.raises(StorageError, match="b.zip is not a saved collection"):
            process.check("saved", tmp_path / "b.zip", max_bytes=1_000_000)
        with pytest.raises(StorageError, match="was not written by this program"):
            process.check("saved", saved(tmp_path / "s.zip", tmp_path / "saved", "{}"), max_bytes=1_000_000)
        with pytest.raises(StorageError, match="unpacks to more than"):
            process.check("beir", beir(tmp_path / "c.zip"), max_bytes=10)
        with pytest.raises(StorageError, match="gone.zip"):
            process.check("saved", tmp_path / "gone.zip", max_bytes=10)
    assert list(temporary.iterdir()) == []


def test_a_bomb_of_memory_or_time_is_stopped_and_unpacked_files_are_gone(tmp_path, temporary):
    line = '{"_id": "%d", "text": "owl", "a": [' + "[]," * 2_000_000 + "[]]}\n"
    path = beir(tmp_path / "b.zip", **{"corpus.jsonl": "".join(line % number for number in range(3))})
    assert path.stat().st_size < 1_000_000
    with ReadingProcess(megabytes=300) as process, pytest.raises(DocumentError, match="more than 300 MB of memory"):
        process.check("beir", path, max_bytes=100_000_000)
    with ReadingProcess(seconds=0.3) as process, pytest.raises(DocumentError, match="longer than 0.3 s"):
        process.check("beir", path, max_bytes=100_000_000)
    assert list(temporary.iterdir()) == []


def test_only_a_worker_that_unpacks_may_write_and_only_there(probing, tmp_path, temporary):
    with ReadingProcess() as process:
        folder = temporary / "own"
        folder.mkdir()
        process._start(str(folder), 1000)
        needs(process, "files")
        assert ask(process, "attempt", "os.mkdir", str(folder / "sub")) == "done"
        flags = os.O_WRONLY | os.O_CREAT
        assert ask(process, "raw", "open", str(folder / "sub" / "a"), flags, 0o600)[0] > 0
        assert ask(process, "raw", "open", str(temporary / "a"), flags, 0o600) == [-1, errno.EACCES]
        assert "Max file size             1000                 1000" in ask(process, "look", "/proc/self/limits")
