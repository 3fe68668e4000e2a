"""The MCP server by itself: messages and their answers, for whom a tool works, and how its work ends."""

import asyncio
import json

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from retriever.errors import Cancelled, ParameterError
from retriever.turns import OWNER
from tests.support.handlers import finish
from ui.jobs.job import Job
from ui.jobs.shared_samples import SharedSamples
from ui.programs.arguments import K, Sample
from ui.programs.server import ToolServer, tool_server
from ui.programs.tools import Tools

PATH = "/gradio_api/mcp"


class Odd(Tools):
    """Tools, some of which wait, fail, or tell for whom they work."""

    async def measure_ef(self, k: K = 1) -> dict:
        """Wait."""
        self.begun = asyncio.Event()
        self.job = Job(self.work_on).start()
        self.begun.set()
        return {"found": await self._result_of(self.job)}

    async def explain_miss(self, sample: Sample = "") -> dict:
        """Fail."""
        raise ValueError("a visitor's secret")

    async def compare_retrievers(self) -> dict:
        """Tell for whom this works."""
        return {"owner": await self._in_thread(lambda: list(OWNER.get())), "nothing": None, "none": float("nan")}

    def work_on(self, progress):
        while True:
            progress("working", 0.0)


@pytest.fixture
def tools():
    return Odd(SharedSamples(()))


@pytest.fixture
def server(tools):
    return ToolServer(tools)


@pytest.fixture
def post(server):
    """A function that posts a message and returns the response."""
    client = TestClient(Starlette(routes=server.routes("/gradio_api/")), client=("10.0.0.7", 0))

    def post(method, *, message_id=1, headers=None, **parameters):
        return client.post(
            PATH, json={"jsonrpc": "2.0", "id": message_id, "method": method, "params": parameters}, headers=headers
        )

    post.client = client
    return post


def test_a_tool_works_for_the_address_that_asks_and_its_answer_is_json(post):
    answer = post("tools/call", name="compare_retrievers")
    assert answer.json()["result"]["structuredContent"] == {"owner": ["10.0.0.7", ""], "nothing": None, "none": None}
    assert json.loads(answer.json()["result"]["content"][0]["text"])["owner"] == ["10.0.0.7", ""]


def test_a_fault_of_the_lab_is_told_without_its_words(post, server):
    result = post("tools/call", name="explain_miss").json()["result"]
    assert result["isError"] and "Something went wrong in the lab itself (ValueError)" in result["content"][0]["text"]
    assert "secret" not in str(result)
    assert server.facts() == {"under_way": 0, "answered": 1}


def test_what_takes_too_long_is_given_up_in_words_and_its_work_ends(post, tools):
    tools.wait_seconds = 0.1
    result = post("tools/call", name="measure_ef").json()["result"]
    assert result["isError"] and "longer than 0 s and was given up" in result["content"][0]["text"]
    assert tools.job.wait(20)


def test_who_goes_away_ends_the_work(server, tools):
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "measure_ef"}}).encode()
    scope = {"type": "http", "method": "POST", "path": PATH, "headers": [], "query_string": b"", "client": ("a", 0)}
    sent = []

    async def ask():
        messages = iter([{"type": "http.request", "body": body}])

        async def receive():
            for message in messages:
                return message
            while not getattr(tools, "begun", None):
                await asyncio.sleep(0.01)
            assert server.facts()["under_way"] == 1
            return {"type": "http.disconnect"}

        async def send(message):
            sent.append(message)

        await Starlette(routes=server.routes("/gradio_api/"))(scope, receive, send)

    finish(ask())
    assert tools.job.wait(20) and isinstance(tools.job.error, Cancelled)
    assert server.facts()["under_way"] == 0


@pytest.mark.parametrize("method", ["notifications/initialized", "notifications/cancelled"])
def test_what_asks_for_nothing_is_accepted(post, method):
    answer = post.client.post(PATH, json={"jsonrpc": "2.0", "method": method})
    assert answer.status_code == 202 and answer.content == b""
    assert post.client.post(PATH, json={"jsonrpc": "2.0", "id": 1, "result": {}}).status_code == 202


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ({"id": 1, "method": "resources/list"}, "no method 'resources/list'"),
        ({"id": 1, "method": ["ping"]}, "the method a text"),
        ({"id": {}, "method": "ping"}, "The id must be"),
        ({"id": 1, "method": "tools/call", "params": []}, "must be a text"),
        ({"id": 1, "method": "tools/call", "params": [1]}, "must be an object"),
        ({"id": 1, "method": "tools/call", "params": {"name": "x", "arguments": [1]}}, "arguments an object"),
    ],
)
def test_a_message_that_is_wrong_is_an_error_of_the_protocol(post, message, words):
    answer = post.client.post(PATH, json=message).json()
    assert words in answer["error"]["message"] and answer["id"] == message["id"] and answer["error"]["code"] < 0


def test_versions_of_the_protocol_are_agreed_on(post):
    assert post("initialize", protocolVersion="2024-11-05").json()["result"]["protocolVersion"] == "2024-11-05"
    assert post("initialize", protocolVersion="1999").json()["result"]["protocolVersion"] > "2025"
    refused = post("ping", headers={"MCP-Protocol-Version": "1999"})
    assert "'1999' is not one of" in refused.json()["error"]["message"]
    lone = json.dumps({"id": "\ud800", "method": "ping"})  # half of a character, which UTF-8 cannot hold
    assert post.client.post(PATH, content=lone).json()["id"] == "\ud800"


def test_the_page_is_told_of_the_tools_and_an_address_may_name_some(server):
    client = TestClient(Starlette(routes=ToolServer(Tools(SharedSamples(()))).routes("/gradio_api/")))
    shown = client.get(f"{PATH}/schema").json()
    assert [tool["name"] for tool in shown] == ["search_sample", "measure_ef", "compare_retrievers", "explain_miss"]
    listed = client.post(f"{PATH}?tools=measure_ef", json={"id": 1, "method": "tools/list"}).json()
    assert [tool["name"] for tool in listed["result"]["tools"]] == ["measure_ef"]
    assert listed["result"]["tools"][0]["inputSchema"] == shown[1]["inputSchema"]


def test_the_operator_can_switch_it_off(monkeypatch):
    monkeypatch.setenv("LAB_MCP", "0")
    assert tool_server(SharedSamples(())) is None
    monkeypatch.setenv("LAB_MCP", "yes")
    with pytest.raises(ParameterError, match="LAB_MCP is 'yes'; it must be 1"):
        tool_server(SharedSamples(()))
