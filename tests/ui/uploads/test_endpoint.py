"""Tests of the endpoint of uploads against the real server: limits, shares, broken and stalled uploads, a full disk."""

import contextlib
import errno
import json
import resource
import socket
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import httpx
import pytest

from tests.support.serving import GRADIO_WARNINGS, server_of, until
from ui.jobs.shared_samples import SharedSamples
from ui.log import refused_counts
from ui.uploads import endpoint, progress
from ui.uploads.disk_budget import DISK_BUDGET, MIN_FILE_BYTES
from ui.uploads.folder import discard_uploads, sweep_uploads, uploads_root
from ui.uploads.multipart import MultipartReceiver
from ui.uploads.progress import UPLOAD_PROGRESS

pytestmark = [pytest.mark.filterwarnings(warning) for warning in GRADIO_WARNINGS]
MB = 1_000_000


@pytest.fixture(scope="module")
def address():
    with server_of(SharedSamples(())) as server:
        yield server.address


@pytest.fixture(autouse=True)
def clean(address):
    """Begin with an empty folder and see that nothing is left in it that is not counted."""
    sweep_uploads(-1)
    yield
    sweep_uploads(-1)
    assert kept() == [] and DISK_BUDGET.held == 0


@pytest.fixture
def reasons():
    """Return a function that lists why uploads were refused in this test, in alphabetical order."""
    before = Counter(refused_counts())
    return lambda: sorted((Counter(refused_counts()) - before).elements())


def kept():
    return [path for path in uploads_root().rglob("*") if path.is_file()]


def send(address, *contents, **options):
    files = [("files", (f"{number}.txt", content)) for number, content in enumerate(contents)]
    return httpx.post(f"{address}/gradio_api/upload", files=files, timeout=60, **options)


@contextlib.contextmanager
def begun(address, *, told=5 * MB, sent=200_000, query=""):
    """Begin an upload by hand, and yield its connection when the first bytes are on the disk."""
    part = b'--edge\r\nContent-Disposition: form-data; name="files"; filename="a.txt"\r\n\r\n' + b"x" * sent
    head = (
        f"POST /gradio_api/upload{query} HTTP/1.1\r\nHost: lab\r\nContent-Length: {told}\r\n"
        "Content-Type: multipart/form-data; boundary=edge\r\n\r\n"
    )
    place = urlsplit(address)
    with socket.create_connection((place.hostname, place.port), timeout=30) as connection:
        connection.sendall(head.encode() + part)
        until(lambda: sum(path.stat().st_size for path in kept()) > 0, 10)
        yield connection


def answer(connection):
    """Return all that the server sends until it closes the connection."""
    parts = []
    while part := connection.recv(65_536):
        parts.append(part)
    return b"".join(parts).decode()


def test_parallel_uploads_together_stay_below_the_limit_of_the_disk(address, monkeypatch):
    monkeypatch.setenv("LAB_DISK_MB", "20")
    most, done = [0], threading.Event()

    def watch():
        while not done.wait(0.002):
            most[0] = max(most[0], DISK_BUDGET.held, sum(path.stat().st_size for path in kept() if path.exists()))

    watching = threading.Thread(target=watch)
    watching.start()
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: send(address, b"x" * 4 * MB), range(12)))
    done.set()
    watching.join()
    taken = [each for each in answers if each.status_code == 200]
    assert 1 <= len(taken) <= 2, "half of the disk is for one network"
    assert {each.status_code for each in answers} == {200, 503} and most[0] <= 20 * MB
    assert len(kept()) == len(taken) and DISK_BUDGET.held == len(taken) * 4 * MB
    discard_uploads(path for each in taken for path in each.json())
    assert DISK_BUDGET.held == 0 and not list(uploads_root().iterdir())


def test_another_network_has_room_and_a_browser_is_known_again(address, monkeypatch, reasons):
    monkeypatch.setenv("LAB_DISK_MB", "20")
    with httpx.Client(transport=httpx.HTTPTransport(local_address="127.0.0.2")) as other, httpx.Client() as mine:
        url = f"{address}/gradio_api/upload"
        first, second, third = (mine.post(url, files={"files": ("a.txt", b"x" * 3 * MB)}) for _ in range(3))
        assert (first.status_code, second.status_code) == (200, 503) and "Your files take 3.0 MB" in second.text
        assert httpx.post(url, files={"files": ("a.txt", b"x" * 6 * MB)}).status_code == 200
        assert "Files from your network" in httpx.post(url, files={"files": ("a.txt", b"x" * 2 * MB)}).text
        assert other.post(url, files={"files": ("a.txt", b"x" * 8 * MB)}).status_code == 200
    assert third.status_code == 503
    assert reasons() == ["visitor's share"] * 3


def test_many_empty_files_are_refused_as_soon_as_they_are_seen(address, monkeypatch, reasons):
    refused = send(address, *[b""] * 990)
    assert refused.status_code == 413 and "more than 50 files" in refused.text and "nothing was taken" in refused.text
    assert kept() == [] and DISK_BUDGET.held == 0 and reasons() == ["too many files"]
    assert len(send(address, *[b""] * 50).json()) == 50
    assert DISK_BUDGET.held == 50 * MIN_FILE_BYTES
    monkeypatch.setenv("LAB_DISK_MB", "4")
    assert send(address, *[b""] * 50).status_code == 503, "they count, though they hold nothing"


def test_an_upload_that_breaks_off_leaves_nothing(address, reasons):
    with begun(address):
        assert DISK_BUDGET.held > 5 * MB
    until(lambda: DISK_BUDGET.held == 0 and not list(uploads_root().iterdir()), 10)
    until(lambda: reasons() == ["incomplete body"], 10)


def test_an_upload_that_stalls_is_given_up_and_closed(address, monkeypatch, reasons):
    monkeypatch.setattr(endpoint, "STALL_SECONDS", 0.3)
    with begun(address) as connection:
        told = answer(connection)
    assert told.startswith("HTTP/1.1 408") and "stalled" in told
    assert DISK_BUDGET.held == 0 and not list(uploads_root().iterdir()) and reasons() == ["slow body"]


def test_an_upload_that_trickles_is_given_up(address, monkeypatch, reasons):
    monkeypatch.setattr(endpoint, "STALL_SECONDS", 0.5)
    monkeypatch.setattr(endpoint, "SLOWEST_RATE", 1_000_000)
    with begun(address) as connection, contextlib.suppress(OSError):
        for _ in range(100):
            connection.sendall(b"x")
            if reasons():
                break
            threading.Event().wait(0.1)
    assert reasons() == ["slow body"] and DISK_BUDGET.held == 0


def test_uploads_at_once_are_bounded_and_the_next_is_taken_when_one_has_ended(address, monkeypatch, reasons):
    monkeypatch.setenv("LAB_MAX_SESSIONS", "4")
    with begun(address), begun(address):
        until(lambda: DISK_BUDGET.facts()["under_way"] == 2, 10)
        refused = send(address, b"words")
        assert refused.status_code == 503 and "under way from your network" in refused.text
    until(lambda: DISK_BUDGET.held == 0, 10)
    assert send(address, b"words").status_code == 200


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOSPC, "secret"), "the disk is full"),
        (OSError(errno.EROFS, "secret"), "the disk can only be read"),
        (OSError(errno.EMFILE, "secret"), "too many files"),
        (MemoryError("secret"), "not enough memory"),
    ],
)
def test_what_the_machine_lacks_is_called_that(address, monkeypatch, caplog, reasons, error, words):
    def fail(*_):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(MultipartReceiver, "_begin_part", fail)
        refused = send(address, b"words")
    assert refused.status_code == 507 and words in refused.text and "secret" not in refused.text + caplog.text
    assert reasons() == ["shortage"] and kept() == [] and DISK_BUDGET.held == 0
    assert send(address, b"words").status_code == 200


def test_a_file_that_the_disk_refuses_in_the_middle_leaves_nothing(address):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 * MB, before[1]))
    try:
        refused = send(address, b"x" * 3 * MB)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert refused.status_code == 507 and "takes no file as large" in refused.text
    assert kept() == [] and DISK_BUDGET.held == 0


def test_a_page_follows_its_upload_and_nothing_is_remembered_afterwards(address):
    def follow():
        lines = httpx.get(f"{address}/gradio_api/upload_progress?upload_id=mine", timeout=30).text.splitlines()
        return [json.loads(line.removeprefix("data: ")) for line in lines if line]

    with ThreadPoolExecutor(1) as pool:
        following = pool.submit(follow)  # the page asks as it sends
        with begun(address, sent=300_000, told=400_000, query="?upload_id=mine") as connection:
            until(lambda: UPLOAD_PROGRESS.followers == 1, 10)
            connection.sendall(b"x" * 50_000)
        *updates, last = following.result(30)
    assert last == {"msg": "done"} and {each["orig_name"] for each in updates} == {"a.txt"}
    assert sum(each["chunk_size"] for each in updates) >= 300_000
    assert len(UPLOAD_PROGRESS) == 0 and UPLOAD_PROGRESS.followers == 0


def test_ids_that_nobody_uses_are_refused_and_forgotten(address, monkeypatch):
    monkeypatch.setattr(progress, "BEGIN_SECONDS", 0.2)
    url = f"{address}/gradio_api/upload_progress"
    assert [httpx.get(url, params={"upload_id": name}).status_code for name in ("never", "", "x" * 1_000)] == [
        404,
        404,
        429,
    ]
    store = progress.UploadProgress(seconds=0.05)
    for number in range(2 * progress.MAX_FOLLOWED):
        store.begin(str(number))
        store.add(str(number), "a.txt", 5)
    assert len(store) == progress.MAX_FOLLOWED
    threading.Event().wait(0.1)
    assert len(store) == 0 and store.take("1") is None


def test_what_is_left_over_is_swept_with_what_is_too_old(address):
    [path] = send(address, b"words").json()
    left = uploads_root() / "left"
    left.mkdir()
    (left / "a.txt").write_bytes(b"of a process that was killed")
    (uploads_root() / "tmp0").touch()
    sweep_uploads(3_600)
    assert len(kept()) == 3
    sweep_uploads(-1)
    assert kept() == [] and not left.exists() and path not in map(str, kept())
