"""Tests of the server around the page: health, sessions and their end, private uploads, closed endpoints."""

import gc
import json
import os
import time
import weakref
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError

from retriever.errors import Cancelled, ParameterError
from tests.support.paths import ROOT
from tests.support.serving import GRADIO_WARNINGS, build, call, server_of, until
from tests.support.small import sentences
from tests.support.work import Work
from ui.hosting.server import Server
from ui.jobs.build_queue import BuildQueue
from ui.jobs.job import Job
from ui.jobs.memory_budget import MEMORY_BUDGET
from ui.jobs.shared_samples import SharedSamples
from ui.uploads.folder import sweep_uploads, uploads_root

pytestmark = [pytest.mark.filterwarnings(warning) for warning in GRADIO_WARNINGS]
PATIENCE = 30  # seconds until a test gives up
SECRET = "the otters of the seventh terrace keep a ledger of borrowed moonlight"
EVENT = {"data": [], "fn_index": 0, "session_hash": "somebody"}


@pytest.fixture(scope="module")
def server(minilm, wordllama):
    """The app's server with the small sample prepared; sessions end soon after their page is closed."""
    shared_samples = SharedSamples(("documents",))
    shared_samples.start()
    shared_samples.prepare("documents").result()
    patch = pytest.MonkeyPatch()
    patch.setattr("ui.hosting.server.SWEEP_SECONDS", 0.1)
    patch.setenv("GRADIO_IS_E2E_TEST", "1")  # heartbeats four times a second: a closed page is noticed soon
    with server_of(shared_samples) as server:
        yield server
    patch.undo()


@pytest.fixture
def new_client(server):
    clients = []

    def make():
        clients.append(Client(server.address, verbose=False, download_files=False))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def client(new_client):
    return new_client()


def test_a_device_that_is_not_there_stops_the_start_and_those_that_are_named(server, monkeypatch):
    monkeypatch.setenv("LAB_DEVICE", "cuda:99")
    with pytest.raises(ParameterError, match=r"'cuda:99' is not there: models can run on .*cpu\..*LAB_DEVICE"):
        Server(server.demo, server.shared_samples).start()


def send(server, content, **options):
    """Upload one file as the page does."""
    return httpx.post(f"{server.address}/gradio_api/upload", files={"files": ("notes.txt", content)}, **options)


def build_files(server, *paths, name="someone", chunk_size=40, M=16):
    """Build from files that were uploaded before, as the page does; gradio_client would upload them again."""
    given = [{"path": path, "meta": {"_type": "gradio.FileData"}} for path in paths]
    data = ["files", "documents", given, "", "wordllama-256", chunk_size, 0, M, 200]
    return call(server.address, "build", data, name)


# --- health


def test_health_tells_how_the_lab_is_and_what_memory_visitors_hold(server, client):
    client.predict("tea", 3, 10, api_name="/search")
    answer = httpx.get(f"{server.address}/health")
    state = answer.json()
    assert answer.status_code == 200 and state["status"] == "ok"
    assert state["samples"] == {"documents": "ready"}
    assert (state["visitors"] >= 1, state["saturated"], state["jobs"]) == (True, [], 0)
    assert state["builds"] == {"working": 0, "waiting": 0, "longest_wait_seconds": 0.0}
    assert state["seconds_up"] >= 0 and state["versions"]["hnswlib"] == "0.8.0"
    build(client, source="text", pasted=" ".join(sentences(400)))
    held = httpx.get(f"{server.address}/health").json()["collections_megabytes"]
    assert held > state["collections_megabytes"]


def test_health_tells_of_what_there_is_no_more(server, client, monkeypatch):
    client.predict("tea", 3, 10, api_name="/search")
    monkeypatch.setenv("LAB_MAX_SESSIONS", "1")
    monkeypatch.setattr(BuildQueue, "longest_wait", 11.0)
    state = httpx.get(f"{server.address}/health").json()
    assert (state["status"], state["saturated"]) == ("busy", ["visitors", "builds"])


# --- sessions


def test_a_visitor_who_has_left_is_forgotten_and_told_to_reload_if_the_page_comes_back(server, new_client, monkeypatch):
    monkeypatch.setattr("ui.gate.visitors.GRACE_SECONDS", 0.5)
    until(lambda: not server.demo.app.state_holder.session_data)
    gc.collect()  # what the visitors before had
    client, held = new_client(), MEMORY_BUDGET.held
    build(client, source="text", pasted=" ".join(sentences(300)))
    [state] = server.demo.app.state_holder.session_data.values()
    [session] = [value for value in state.state_data.values() if getattr(value, "indexed", None)]
    indexed = weakref.ref(session.indexed)
    assert indexed() is not None and MEMORY_BUDGET.held > held
    del state, session
    with pytest.raises(AppError):
        build(client, source="text", pasted="")  # an error holds what its handler had, by its traceback
    client.close()
    gc.disable()  # as it does not come by itself where nobody does anything
    try:
        until(lambda: not len(server.visitors) and indexed() is None and MEMORY_BUDGET.held == held)
    finally:
        gc.enable()
    assert not server.demo.app.state_holder.session_data
    event = {**EVENT, "session_hash": client.session_hash}
    answer = httpx.post(f"{server.address}/gradio_api/queue/join", json=event)
    assert answer.status_code == 410 and "Reload the page" in answer.json()["detail"]


def test_a_full_lab_says_so_to_who_comes_and_serves_who_is_here(server, client, monkeypatch):
    client.predict("tea", 3, 10, api_name="/search")
    monkeypatch.setenv("LAB_MAX_SESSIONS", "1")
    page, api = httpx.get(server.address), f"{server.address}/gradio_api"
    assert page.status_code == 503 and "The lab is full: 1 visitor" in page.text and "refresh" in page.text
    assert httpx.get(f"{server.address}/config").status_code == 503
    assert httpx.post(f"{api}/queue/join", json=EVENT).status_code == 503
    assert httpx.post(f"{api}/call/search", json={"data": ["tea", 3, 10]}).status_code == 503
    assert httpx.get(f"{api}/heartbeat/newcomer").status_code == 503
    assert client.predict("tea", 3, 10, api_name="/search")["results"]
    monkeypatch.delenv("LAB_MAX_SESSIONS")
    assert httpx.get(server.address).status_code == 200


def test_a_stop_cancels_what_is_running():
    with server_of(SharedSamples(())) as server:
        work = Work("done")
        job = Job(work).start()
        assert work.begun.wait(PATIENCE)
    with pytest.raises(Cancelled):
        job.result()
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{server.address}/health")


# --- what one visitor brings no other visitor gets


def test_another_visitor_finds_nothing_of_mine(new_client):
    mine, theirs = new_client(), new_client()
    build(mine, source="text", pasted=f"{SECRET}. " + " ".join(sentences(20)))
    assert SECRET in json.dumps(mine.predict(SECRET, 5, 50, api_name="/search"))
    for endpoint, values in (("/search", ("what do the otters keep?", 20, 200)), ("/measure", (5, 50))):
        assert "otters of the" not in json.dumps(theirs.predict(*values, api_name=endpoint))
    with pytest.raises(AppError) as refused:
        theirs.predict("", 5, 50, api_name="/search")
    assert "otters" not in str(refused.value)


def test_a_text_that_another_has_built_is_embedded_anew(new_client, wordllama, monkeypatch):
    """A shared cache would reveal, by its speed, that another visitor had the text."""
    counts, original = [], wordllama.encode_document

    def encode_document(texts, **options):
        counts.append(len(texts))
        return original(texts, **options)

    monkeypatch.setattr(wordllama, "encode_document", encode_document)
    for _ in range(2):
        build(new_client(), source="text", pasted=" ".join(sentences(60)))
    assert len(counts) == 2 and counts[0] == counts[1] > 0


def test_equal_uploads_have_places_of_their_own_that_cannot_be_guessed_and_reading_one_leaves_the_other(server):
    text = " ".join(sentences(30)).encode()
    first, second = (Path(send(server, text).json()[0]) for _ in range(2))
    assert first != second and first.name == second.name == "notes.txt"
    assert len(first.parts[-3]) == 32 and first.parts[-3] != second.parts[-3]
    assert first.read_bytes() == second.read_bytes() == text
    for name, path in (("one", first), ("other", second)):
        assert build_files(server, str(path), name=name)["data"]["vectors"] > 0


def test_an_upload_is_deleted_once_it_is_read_and_can_be_built_again(server):
    path = send(server, " ".join(sentences(60)).encode()).json()[0]
    whole = build_files(server, path)
    assert not Path(path).exists() and not Path(path).parents[1].exists()
    smaller = build_files(server, path, chunk_size=32)
    assert smaller["data"]["vectors"] > whole["data"]["vectors"]
    graph = build_files(server, path, chunk_size=32, M=4)
    assert graph["settings"]["M"] == 4 and graph["data"]["vectors"] == smaller["data"]["vectors"]


def test_an_upload_that_cannot_be_read_is_deleted_too(server):
    path = send(server, b"\x89PNG\r\n no text").json()[0]
    with pytest.raises(AppError, match="None of the files"):
        build_files(server, path)
    assert not Path(path).exists()
    with pytest.raises(AppError, match="no longer here"):
        build_files(server, path, name="another")


def test_what_nobody_reads_is_swept_away(server):
    path = Path(send(server, b"left alone").json()[0])
    sweep_uploads(3_600)
    assert path.exists()
    time.sleep(0.02)
    sweep_uploads(0.01)
    assert not path.exists()
    sweep_uploads(0.01)
    assert not list(uploads_root().rglob("*.txt"))


@pytest.mark.parametrize("path", ["/etc/passwd", "app.py", "{uploads}/../../etc/passwd", "https://example.org/a.txt"])
def test_files_that_were_not_uploaded_are_refused(server, path):
    with pytest.raises(AppError):
        build_files(server, path.format(uploads=uploads_root()))


def test_no_file_of_the_machine_is_served(server):
    kept = next(path for path in Path(os.environ["LAB_CACHE"]).rglob("*") if path.is_file())
    inside = ["app.py", "retriever/encoders/loading.py", "samples/questions.jsonl", "README.md"]
    for path in (kept, "../../../../etc/passwd", *inside, *(ROOT / name for name in inside)):
        for address in ("gradio_api/file=", "gradio_api/file/", "file="):
            assert httpx.get(f"{server.address}/{address}{path}").status_code >= 400, path


# --- what an upload may be


def test_an_upload_larger_than_the_limit_or_of_unknown_size_is_refused_before_it_is_read(server, monkeypatch):
    monkeypatch.setenv("LAB_MAX_TOTAL_MB", "1")
    monkeypatch.setenv("LAB_MAX_SAVED_MB", "1")
    answer = send(server, b"x" * 2_500_000)
    assert answer.status_code == 413 and "at most 1 MB" in answer.text
    unknown = httpx.post(f"{server.address}/gradio_api/upload", content=(part for part in [b"x"]))
    assert unknown.status_code == 411


def test_a_full_disk_refuses_uploads_and_takes_them_again(server, monkeypatch):
    monkeypatch.setenv("LAB_DISK_MB", "3")
    path = send(server, b"x" * 2_000_000).json()[0]
    answer = send(server, b"x" * 2_000_000)
    assert answer.status_code == 503 and "disk is full" in answer.text
    Path(path).unlink()
    assert send(server, b"x" * 2_000_000).status_code == 200


@pytest.mark.parametrize(
    "name", ["../../evil.txt", "a\0b.txt", "x" * 4_000 + ".txt", "..", "/etc/cron.d/evil", "CON:.txt"]
)
def test_an_uploads_name_cannot_lead_elsewhere(server, name):
    answer = httpx.post(f"{server.address}/gradio_api/upload", files={"files": (name, b"words")})
    assert answer.status_code in (200, 400)
    for path in answer.json() if answer.status_code == 200 else []:
        assert uploads_root().resolve() in Path(path).resolve().parents and len(Path(path).name) <= 255


# --- the collector


def test_the_collector_is_spared_what_the_libraries_hold_once_the_first_sample_is_there(monkeypatch):
    looks, calls = iter([None, None, object()]), []
    monkeypatch.setattr("ui.hosting.server.SETTLE_SECONDS", 0.01)
    monkeypatch.setattr(gc, "collect", lambda: calls.append("collect"))
    monkeypatch.setattr(gc, "freeze", lambda: calls.append("freeze"))
    Server(None, SimpleNamespace(best=lambda: next(looks)))._freeze_collector()
    assert calls == ["collect", "freeze"]
    assert next(looks, "all looked at") == "all looked at"
