"""Messages of programs that speak MCP at the gate: who may send them, how many, and how large, in the real server."""

import asyncio
import base64
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import gradio as gr
import httpx
import pytest
from starlette.responses import JSONResponse
from starlette.routing import Route

from tests.support.serving import GRADIO_WARNINGS, until
from tests.ui.gate.test_guard import FOREIGN, PATIENCE, quiet
from ui.gate.login import MAX_FAILURES
from ui.gate.visitors import MAX_CALLS
from ui.hosting.server import Server
from ui.jobs.shared_samples import SharedSamples
from ui.log import refused_counts

pytestmark = [pytest.mark.filterwarnings(warning) for warning in GRADIO_WARNINGS]
CALL = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": "wait"}}
LIST = {"jsonrpc": "2.0", "id": 8, "method": "tools/list"}


class Waiting:
    """A server of tools that answers calls once it is released."""

    def __init__(self):
        self.released, self.under_way = threading.Event(), 0

    def routes(self, prefix):
        return [Route(f"{prefix}mcp", self.answer, methods=["POST"])]

    def facts(self):
        return {"under_way": self.under_way, "answered": 0}

    async def answer(self, request):
        message = await request.json()
        if message["method"] == CALL["method"]:
            self.under_way += 1
            while not self.released.is_set():
                await asyncio.sleep(0.01)
            self.under_way -= 1
        return JSONResponse({"id": message["id"], "result": {"address": request.client.host}})


@contextmanager
def served(tools):
    """Serve tools beside an empty page."""
    with quiet():
        with gr.Blocks() as demo:
            gr.Textbox()
        server = Server(demo, SharedSamples(()))
        server.tools = tools
        server.url = f"{server.start().rstrip('/')}/gradio_api/mcp"
    try:
        yield server
    finally:
        tools.released.set()
        server.stop(tell=0)
        server.demo = None
        with quiet():
            pass


@pytest.fixture(scope="module")
def lab():
    with served(Waiting()) as server:
        yield server


def post(lab, message, **headers):
    return httpx.post(lab.url, json=message, headers=headers, timeout=PATIENCE)


def test_an_address_has_some_calls_at_once_and_is_told_so_as_by_a_tool(lab):
    lab.tools.released.clear()
    with ThreadPoolExecutor(MAX_CALLS) as pool:
        waiting = [pool.submit(post, lab, CALL) for _ in range(MAX_CALLS)]
        until(lambda: lab.tools.under_way == MAX_CALLS, PATIENCE)
        health = httpx.get(lab.url.replace("gradio_api/mcp", "health")).json()
        assert (health["tool_calls"]["under_way"], health["visitors"]) == (MAX_CALLS, MAX_CALLS)
        one_more = post(lab, CALL)
        assert one_more.status_code == 200 and one_more.json()["id"] == 7
        result = one_more.json()["result"]
        assert result["isError"] and f"{MAX_CALLS} calls without a session" in result["content"][0]["text"]
        assert post(lab, LIST).json()["id"] == 8, "what asks for no work is no visit"
        lab.tools.released.set()
        assert {answer.result().json()["result"]["address"] for answer in waiting} == {"127.0.0.1"}
    until(lambda: not len(lab.visitors), PATIENCE)
    assert post(lab, CALL).json()["result"] == {"address": "127.0.0.1"}


def test_a_full_lab_says_so(lab, monkeypatch):
    lab.visitors.admit("somebody", "10.0.0.9")
    monkeypatch.setenv("LAB_MAX_SESSIONS", "1")
    assert "The lab is full" in post(lab, CALL).json()["result"]["content"][0]["text"]
    lab.visitors.end("somebody")


def test_only_messages_are_taken_and_only_from_programs(lab):
    for method in ("GET", "DELETE"):
        answer = httpx.request(method, lab.url)
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST") and "MCP" in answer.json()["detail"]
    assert post(lab, LIST, **FOREIGN).status_code == 403
    rebound = {"Host": "rebound.example", "Origin": "http://rebound.example", "Sec-Fetch-Site": "same-origin"}
    assert post(lab, LIST, **rebound).status_code == 403
    assert post(lab, LIST).status_code == 200 and "access-control-allow-origin" not in post(lab, LIST).headers


@pytest.mark.parametrize(
    ("body", "status"),
    [(b'"' + b"x" * 70_000 + b'"', 413), (b"[" * 1_000, 400), (b"[]", 400), (b'{"a":' * 30 + b"1" + b"}" * 30, 400)],
)
def test_bodies_are_small_and_plain(lab, body, status):
    assert httpx.post(lab.url, content=body, timeout=PATIENCE).status_code == status


def basic(password, user="class"):
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def test_with_a_password_a_program_sends_it_along_and_cannot_guess_it(monkeypatch):
    monkeypatch.setenv("LAB_PASSWORD", "open sesame")
    with served(Waiting()) as lab:
        lab.tools.released.set()
        refused = post(lab, CALL)
        assert refused.status_code == 401 and "Authorization" in refused.json()["detail"]
        assert post(lab, CALL, **basic("open sesame")).status_code == 200
        config = httpx.get(lab.url.replace("gradio_api/mcp", "config"), headers=basic("open sesame"))
        assert config.status_code == 401, "the header is for programs that speak MCP alone"
        before = refused_counts().get("login", 0)
        wrong = [basic("guess"), basic("open sesame", "root"), {"Authorization": "Basic ====="}]
        assert [post(lab, CALL, **headers).status_code for headers in wrong] == [401] * 3
        assert refused_counts()["login"] == before + 3
        for _ in range(MAX_FAILURES - 3):
            post(lab, CALL, **basic("guess"))
        assert post(lab, CALL, **basic("open sesame")).status_code == 401, "its attempts are used up for a while"
