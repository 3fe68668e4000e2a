"""The guard in front of a small page with the real server: who may ask, how much, and how long it is kept."""

import asyncio
import gc
import json
import re
import threading
import warnings
from contextlib import contextmanager

import gradio as gr
import httpx
import pytest

from retriever.errors import Cancelled
from retriever.turns import OWNER
from tests.support.serving import GRADIO_WARNINGS, until
from ui.blocks import LabBlocks
from ui.gate import sessions
from ui.gate.guard import cookies_of, session_of, with_plain_cookies
from ui.gate.sessions import MAX_UNFINISHED
from ui.gate.visitors import MAX_CALLS
from ui.hosting.server import Server
from ui.jobs.job import Job
from ui.jobs.shared_samples import SharedSamples
from ui.log import refused_counts
from ui.uploads.folder import download_folder

pytestmark = [pytest.mark.filterwarnings(warning) for warning in GRADIO_WARNINGS]
PATIENCE = 20
FOREIGN = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}


class Page:
    """A page whose endpoints wait until they are released, count in the session's state, tell whom they work for."""

    def __init__(self):
        self.released = threading.Event()
        self.begin()
        with LabBlocks() as self.demo:
            count, box, button = gr.State(0), gr.JSON(), gr.Button()
            for name, handler, state in (
                ("wait", self.wait, []),
                ("count", self.count, [count]),
                ("owner", self.owner, []),
                ("work", self.work, []),
                ("take", self.take, []),
            ):
                options = {"api_name": name, "concurrency_limit": None}
                given = [gr.JSON()] if name == "take" else state
                button.click(handler, given, [box, *state] if state else box, **options)

    def begin(self):
        """Forget what was done before."""
        self.released.clear()
        self.waiting, self.cancelled, self.jobs = 0, 0, []

    async def wait(self):
        self.waiting += 1
        try:
            while not self.released.is_set():
                await asyncio.sleep(0.02)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.waiting -= 1
        return ["done"]

    def count(self, count):
        return [count + 1], count + 1

    def owner(self):
        return [list(OWNER.get())]

    def take(self, value):
        return value

    def work(self):
        def work_on(progress):
            while True:
                progress("working", 0.0)
                threading.Event().wait(0.01)

        self.jobs.append(Job(work_on).start())
        return ["begun"]


class Lab:
    """The served page, and how a client asks it."""

    def __init__(self, page, server, address):
        self.page, self.server, self.address = page, server, address
        self.api = f"{address}/gradio_api"

    def post(self, endpoint, name=None, values=(), **headers):
        event = {"data": list(values)} | ({"session_hash": name} if name else {})
        return httpx.post(f"{self.api}/call/{endpoint}", json=event, headers=headers, timeout=PATIENCE)

    def read(self, endpoint, posted):
        text = httpx.get(f"{self.api}/call/{endpoint}/{posted.json()['event_id']}", timeout=PATIENCE).text
        outcome, words = re.search(r"^event: (complete|error)\ndata: (.*)$", text, re.MULTILINE).groups()
        return json.loads(words)[0][0] if outcome == "complete" else words

    def call(self, endpoint, name=None, values=()):
        return self.read(endpoint, self.post(endpoint, name, values))


@contextmanager
def served():
    """Serve a page of its own."""
    with quiet():
        page = Page()
        server = Server(page.demo, SharedSamples(()))
        lab = Lab(page, server, server.start())
    try:
        yield lab
    finally:
        server.stop(tell=0)
        vars(lab).clear()
        del page, server
        with quiet():
            pass


@contextmanager
def quiet():
    """Ignore the event loops that Gradio leaves to the garbage collector."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        yield
        gc.collect()


@pytest.fixture(scope="module")
def served_lab():
    patch = pytest.MonkeyPatch()
    patch.setattr("ui.hosting.server.SWEEP_SECONDS", 0.1)
    with served() as lab:
        yield lab
    patch.undo()


@pytest.fixture
def lab(served_lab):
    """The served lab, in which nobody is yet."""
    served_lab.page.begin()
    yield served_lab
    served_lab.page.released.set()
    visitors = served_lab.server.visitors
    visitors._visits.clear()
    visitors._ended.clear()
    until(lambda: not served_lab.server.sessions.names, PATIENCE)


def test_one_session_has_only_a_few_events_under_way_and_disturbs_no_other(lab):
    posted = [lab.post("wait", "greedy") for _ in range(MAX_UNFINISHED + 5)]
    assert [answer.status_code for answer in posted] == [200] * MAX_UNFINISHED + [429] * 5
    assert "wait until some of it is answered" in posted[-1].json()["detail"]
    assert lab.call("count", "modest") == 1
    assert httpx.get(f"{lab.address}/health").json()["events"] == MAX_UNFINISHED
    lab.page.released.set()
    assert lab.read("wait", posted[0]) == "done"
    until(lambda: not lab.server.sessions.is_busy("greedy"), PATIENCE)
    assert lab.post("count", "greedy").status_code == 200


def test_a_session_has_one_pastes_worth_of_text_under_way(lab):
    """A page sends a pasted text with each change of a control, and then with the build."""
    text = "word " * 50_000
    statuses = [lab.post("wait", "pasting", [text]).status_code for _ in range(10)]
    assert statuses == [200] * 7 + [429] * 3, "at most 2 MB"
    assert lab.post("wait", "pasting", ["a short one"]).status_code == 200
    assert lab.post("wait", "another", [text * 7]).status_code == 200


def test_calls_without_a_session_are_forgotten_after_their_answer_and_erase_nobodys_state(lab):
    assert [lab.call("count", "mine") for _ in range(2)] == [1, 2]
    assert [lab.call("count") for _ in range(20)] == [1] * 20
    until(lambda: lab.server.sessions.names == {"mine"} and len(lab.server.visitors) == 1, PATIENCE)
    unread = [lab.post("wait") for _ in range(MAX_CALLS + 3)]
    assert [answer.status_code for answer in unread] == [200] * MAX_CALLS + [503] * 3
    assert "calls without a session" in unread[-1].json()["detail"]
    assert lab.call("count", "mine") == 3


def test_calls_without_a_session_are_the_work_of_one_visitor_an_address(lab):
    assert lab.call("owner") == lab.call("owner") == ["127.0.0.1", ""]
    assert lab.call("owner", "mine") == ["127.0.0.1", "mine"]


def test_what_a_session_asked_ends_with_it_and_no_other_session_answers_for_it(lab, monkeypatch):
    assert lab.call("count", "mine") == 1 and lab.call("work", "mine") == "begun"
    lab.post("wait", "mine")
    until(lambda: lab.page.waiting == 1, PATIENCE)
    monkeypatch.setattr("ui.gate.visitors.GRACE_SECONDS", 0.0)
    [job] = lab.page.jobs
    assert job.wait(PATIENCE)
    with pytest.raises(Cancelled):
        job.result()
    until(lambda: lab.page.cancelled == 1 and not lab.server.sessions.names, PATIENCE)
    for answer in (lab.post("count", "mine"), httpx.get(f"{lab.api}/heartbeat/mine")):
        assert answer.status_code == 410 and "Reload the page" in answer.json()["detail"]
    assert not lab.server.sessions.names


def test_answers_that_nobody_reads_expire(lab, monkeypatch):
    monkeypatch.setattr(sessions, "UNREAD_SECONDS", 0.2)
    posted = lab.post("take", "mine", [{"text": "x" * 1_000}])
    until(lambda: not lab.server.demo._queue.pending_messages_per_session, PATIENCE)
    gone = httpx.get(f"{lab.api}/call/take/{posted.json()['event_id']}")
    assert gone.status_code == 404 and "read before, or nobody came" in gone.json()["detail"]
    monkeypatch.setattr(sessions, "UNREAD_SECONDS", 60)
    assert lab.call("count", "mine") == 1, "the session itself goes on"


@pytest.mark.parametrize("name", ["", "n" * 65, "a b", "a_b", "a\nb", "once-0123", 7, ["a"], {"a": 1}, "ä"])
def test_a_session_has_a_short_plain_name_of_its_own(lab, name):
    for route in ("call/count", "queue/join", "run/predict"):
        answer = httpx.post(f"{lab.api}/{route}", json={"data": [], "fn_index": 1, "session_hash": name})
        assert answer.status_code == 400 and "session" in answer.json()["detail"], route
    assert not len(lab.server.visitors) and not lab.server.sessions.names


def test_who_has_not_logged_in_is_refused_before_anything_is_counted_or_read(monkeypatch):
    monkeypatch.setenv("LAB_PASSWORD", "open sesame")
    with served() as lab, httpx.Client() as pupil, httpx.Client() as other:
        posted = [lab.post("count", f"session-{number}").status_code for number in range(40)]
        assert set(posted) == {401} and not len(lab.server.visitors)
        assert httpx.post(f"{lab.api}/queue/join", content=b"x" * 10_000_000).status_code == 401
        for path in ("config", *(f"gradio_api/{name}" for name in ("info", "heartbeat/a", "queue/data", "file=/x"))):
            assert httpx.get(f"{lab.address}/{path}").status_code == 401, path
        shown = httpx.get(lab.address)
        assert shown.status_code == 200 and "enter the password" in shown.text and "gradio_config" not in shown.text
        for client in (pupil, other):
            client.post(f"{lab.address}/login", data={"username": "class", "password": "open sesame"})
        assert "gradio_config" in pupil.get(lab.address).text
        assert httpx.get(f"{lab.address}/logout", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 404
        assert other.post(f"{lab.address}/logout", headers=FOREIGN).status_code == 403
        assert other.post(f"{lab.address}/logout").status_code == 200
        assert other.get(f"{lab.address}/config").status_code == 401
        assert pupil.get(f"{lab.address}/config").status_code == 200


READERS = ["login", "logout", "gradio_api/cancel", "gradio_api/queue/join", "gradio_api/call/take"]


@pytest.mark.parametrize("path", READERS)
def test_no_route_reads_a_body_without_bound(lab, path, monkeypatch):
    monkeypatch.setenv("LAB_MAX_PASTE_MB", "1")
    sent = 0

    def endless():
        nonlocal sent
        while True:
            sent += 100_000
            yield b"x" * 100_000

    with pytest.raises(httpx.HTTPError):  # answered and closed, while the rest is still being sent
        httpx.post(f"{lab.address}/{path}", content=endless(), timeout=PATIENCE).raise_for_status()
    assert sent < 40_000_000
    declared = httpx.post(f"{lab.address}/{path}", content=b"x" * 5_000_000)
    assert declared.status_code == 413 and declared.headers["connection"] == "close"


def test_other_sites_get_and_change_nothing(lab):
    for method, path in (("GET", "config"), ("GET", "gradio_api/info"), ("POST", "gradio_api/call/count")):
        answer = httpx.request(method, f"{lab.address}/{path}", headers=FOREIGN)
        assert answer.status_code == 403 and "access-control-allow-origin" not in answer.headers, path
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    assert "access-control-allow-origin" not in httpx.options(f"{lab.api}/queue/join", headers=asked).headers
    assert lab.post("count", Origin=lab.address).status_code == 200
    link = httpx.get(lab.address, headers={"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"})
    assert link.status_code == 200


@pytest.mark.parametrize(
    "found",
    [
        {"path": "http://127.0.0.1:1/bait.txt"},
        {"path": "/etc/passwd"},
        {"path": "../../etc/passwd"},
        {"path": 7},
        {"url": "http://127.0.0.1:1/bait.txt"},
        {"path": "x" * 100_000},
        {"path": "a\x00b"},
    ],
)
def test_only_files_that_were_uploaded_are_taken(lab, found):
    answer = lab.post("take", values=[[{"inside": {**found, "meta": {"_type": "gradio.FileData"}}}]])
    assert answer.status_code in (400, 413) and not len(lab.server.visitors)


def test_an_event_names_only_so_many_files(lab):
    with download_folder(5) as folder:
        (folder / "notes.txt").write_bytes(b"words")
    found = {"path": str(folder / "notes.txt"), "meta": {"_type": "gradio.FileData"}}
    assert lab.post("take", "mine", [[found] * 50]).status_code == 200
    assert lab.post("take", "mine", [[found] * 200]).status_code == 413


def test_only_what_lies_in_the_folder_of_downloads_is_served(lab):
    with download_folder(5) as folder:
        file = folder / "collection.zip"
        file.write_bytes(b"words")
    assert httpx.get(f"{lab.api}/file={file}").content == b"words"
    outside = f"{file.parent}/../../../etc/passwd"
    for path in ("/etc/passwd", "http://127.0.0.1:1/x", outside, "file:///etc/passwd", "a.py"):
        assert httpx.get(f"{lab.api}/file={path}").status_code == 404, path


def test_a_request_that_has_no_body_may_not_send_one(lab):
    assert httpx.request("GET", f"{lab.address}/config", content=b"x").status_code == 400


def test_an_answer_is_for_a_session_that_is_here(lab):
    for query in ("", "?session_hash=nobody", "?session_hash=a&session_hash=b"):
        assert httpx.get(f"{lab.api}/queue/data{query}").status_code == 404, query
    assert httpx.get(f"{lab.api}/call/count/abc").status_code == 404
    cancel = {"session_hash": "nobody", "fn_index": 0, "event_id": "abc"}
    assert httpx.post(f"{lab.api}/cancel", json=cancel).status_code == 404
    assert not lab.server.sessions.names


def test_one_address_cannot_take_all_places(lab, monkeypatch):
    monkeypatch.setenv("LAB_TRUSTED_PROXIES", "1")
    monkeypatch.setenv("LAB_MAX_ADDRESS_SESSIONS", "2")
    school, home = {"X-Forwarded-For": "10.0.0.1"}, {"X-Forwarded-For": "10.0.0.2"}
    assert [lab.post("count", f"pupil-{n}", **school).status_code for n in range(3)] == [200, 200, 503]
    assert "from your network" in httpx.get(lab.address, headers=school).text
    assert httpx.get(lab.address, headers=home).status_code == 200
    assert lab.post("count", "somebody", **home).status_code == 200


def test_quoted_cookies_which_take_long_to_read_are_not_passed_on():
    cookies = [b'a="' + b"\\" * 60_000 + b'"; token=one', b"theme=dark"]
    scope = with_plain_cookies({"headers": [(b"Cookie", value) for value in cookies] + [(b"accept", b'"')]})
    assert scope["headers"] == [(b"Cookie", b" token=one"), (b"Cookie", b"theme=dark"), (b"accept", b'"')]
    assert cookies_of({"cookie": " token=one; theme=dark=er; odd"}) == {"token": "one", "theme": "dark=er", "odd": ""}


def test_too_many_fields_of_a_query_name_no_session():
    assert session_of({"query_string": b"session_hash=a&" + b"x=1&" * 20}) == ""


def test_what_was_refused_is_counted(lab):
    before = refused_counts().get("unknown route", 0)
    for path in ("openapi.json", "gradio_api/token", "monitoring/summary"):
        assert httpx.get(f"{lab.address}/{path}").status_code == 404
    assert httpx.get(f"{lab.address}/health").json()["refused"]["unknown route"] == before + 3
