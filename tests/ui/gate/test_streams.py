"""A page's stream of answers goes on with those that follow soon, and its end is known before more is asked."""

import asyncio
import time

import pytest

from ui.gate import streams
from ui.gate.streams import Streams

CLOSE = b'data: {"msg":"close_stream"}\n\n'


class Gradio:
    """Sends the answers that are there, then the message that closes the stream, as Gradio does."""

    def __init__(self):
        self.answers = []

    async def __call__(self, scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while self.answers:
            await send({"type": "http.response.body", "body": self.answers.pop(0), "more_body": True})
        await send({"type": "http.response.body", "body": CLOSE, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


@pytest.fixture
def gradio(monkeypatch):
    monkeypatch.setattr(streams, "LINGER_SECONDS", 0.2)
    monkeypatch.setattr(streams, "SETTLE_SECONDS", 0.2)
    return Gradio()


def responded(gradio, *, later=(), after=0.05):
    """Return the messages of one response, during which further answers come after some seconds."""

    async def respond():
        sent = []

        async def send(message):
            sent.append((message["type"].rpartition(".")[2], message.get("body"), message.get("more_body")))

        answering = asyncio.create_task(Streams(gradio, lambda name: bool(gradio.answers)).respond("a", {}, None, send))
        await asyncio.sleep(after)
        gradio.answers += later
        await answering
        return sent

    return asyncio.run(respond())


def test_answers_that_follow_soon_come_in_the_same_response(gradio):
    gradio.answers = [b"one", b"two"]
    assert responded(gradio, later=[b"three"]) == [
        ("start", None, None),
        ("body", b"one", True),
        ("body", b"two", True),
        ("body", b"three", True),
        ("body", CLOSE, False),
    ]


def test_a_stream_ends_when_nothing_follows(gradio):
    began = time.monotonic()
    assert responded(gradio, later=[b"late"], after=0.4)[-1] == ("body", CLOSE, False)
    assert time.monotonic() - began < 1


def test_what_is_asked_just_after_the_end_waits_until_the_page_knows_of_it(gradio, monkeypatch):
    monkeypatch.setattr(streams, "SETTLE_SECONDS", 1.0)

    async def waits():
        opened = Streams(gradio, lambda name: False)

        async def send(message):
            pass

        took = []
        await opened.respond("a", {}, None, send)
        for name in ("a", "a", "another"):
            began = time.monotonic()
            await opened.settle(name)
            took.append(time.monotonic() - began)
        return took

    first, again, other = asyncio.run(waits())
    assert 0.5 < first < 5 and again < 0.5 and other < 0.5
