"""Bodies: read up to a limit and within a time, and parsed only if that takes little memory."""

import asyncio
import json
import time
import tracemalloc

import pytest

from ui.gate.bodies import BODIES_BYTES, BodyReader, Incoming, objects_in, parse_object, read_body, replay
from ui.gate.refusals import Refusal


def receiving(*parts, end=True):
    """Return a receive function that gives a body in parts; with end=False it then waits for good."""
    messages = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    if end:
        messages[-1]["more_body"] = False

    async def receive():
        if not messages:
            await asyncio.sleep(60)
        return messages.pop(0)

    return receive


def refusal_of(call):
    with pytest.raises(Refusal) as refused:
        asyncio.run(call)
    return refused.value.status


def test_a_body_is_read_whole_and_given_again():
    async def read_twice():
        body = await read_body(receiving(b"ab", b"", b"c"), 3)
        again = replay(body, receiving(b"next"))
        return body, await again(), (await again())["body"]

    body, first, after = asyncio.run(read_twice())
    assert body == first["body"] == b"abc" and first["more_body"] is False
    assert after == b"next"


def test_a_body_above_the_limit_is_refused_before_the_rest_is_read():
    assert refusal_of(read_body(receiving(b"x" * 3, b"x", b"never read"), 3)) == 413


def test_a_body_that_stalls_or_breaks_off_is_refused(monkeypatch):
    monkeypatch.setattr("ui.gate.bodies.BODY_SECONDS", 0.05)
    assert refusal_of(read_body(receiving(b"x", end=False), 3)) == 408

    async def gone():
        return {"type": "http.disconnect"}

    assert refusal_of(read_body(gone, 3)) == 400


@pytest.mark.parametrize("declared", ["4", "-1", "1e3", "", "9" * 400, "٣"])
def test_a_body_that_says_it_is_larger_or_nothing_sensible_is_refused_unread(declared):
    with pytest.raises(Refusal), BodyReader().reserved({"content-length": declared}, 3):
        pass


def test_all_bodies_together_are_bounded():
    bodies, half = BodyReader(), BODIES_BYTES // 2
    with (
        bodies.reserved({}, half),
        bodies.reserved({"content-length": str(half)}, half),
        pytest.raises(Refusal) as refused,
        bodies.reserved({"content-length": "1"}, half),
    ):
        pass
    assert refused.value.status == 503
    with bodies.reserved({}, half):
        pass


def test_a_long_text_is_parsed():
    text = 'He said "\\ud83e\\udda6 {[,:]}" ' * 30_000
    content = {"data": [text, ["a.txt"] * 50], "fn_index": 3}
    assert asyncio.run(parse_object(json.dumps(content).encode())) == content


@pytest.mark.parametrize(
    "body",
    [
        b'{"data": [' + b"{}," * 1_000_000 + b"{}]}",
        b'{"data": [' + b'"",' * 1_000_000 + b'""]}',
        b'{"data": [' + b"1," * 1_000_000 + b"1]}",
        b"[" * 1_000_000,
        b'{"a":' * 30 + b"1" + b"}" * 30,
        b'{"a":"' + b'\\"' * 500_000,
        b'{"a":"' + b'\\"' * 500_000 + b"\\",
    ],
    ids=["objects", "strings", "numbers", "brackets", "deep", "no end", "no end, escaped"],
)
def test_a_body_of_many_parts_is_refused_quickly_and_in_little_memory(body):
    tracemalloc.start()
    began = time.perf_counter()
    status = refusal_of(parse_object(body))
    seconds, (_, peak) = time.perf_counter() - began, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert status in (400, 413) and seconds < 1
    assert peak < 2 * len(body) + 1_000_000


@pytest.mark.parametrize("body", [b"", b"no json", b"[1]", b'"text"', b"\xff\xfe", b'{"a": NaN}', b'{"a": -Infinity}'])
def test_what_is_no_json_object_is_refused(body):
    assert refusal_of(parse_object(body)) == 400


def test_all_objects_are_found():
    assert [item["n"] for item in objects_in({"n": 1, "l": [[{"n": 2}], "t", None]})] == [1, 2]


def test_the_rest_of_a_refused_body_is_read_for_a_while_and_nothing_after_it(monkeypatch):
    monkeypatch.setattr("ui.gate.bodies.DRAIN_SECONDS", 0.1)
    monkeypatch.setattr("ui.gate.bodies.DRAINED_BYTES", 4)

    async def drained(*parts, end=True, before=0):
        incoming = Incoming(receive := receiving(*parts, end=end))
        for _ in range(before):
            await incoming()
        began = time.perf_counter()
        await incoming.drain()
        left = [part async for part in _left(receive)] if end else []
        return left, time.perf_counter() - began

    async def _left(receive):
        while True:
            try:
                yield (await asyncio.wait_for(receive(), 0.01))["body"]
            except (IndexError, TimeoutError):
                return

    assert asyncio.run(drained(b"ab", b"c"))[0] == []
    assert asyncio.run(drained(b"abcd", b"e", b"f"))[0] == [b"e", b"f"]
    assert asyncio.run(drained(b"a", before=1))[1] < 0.08, "nothing is awaited after the end"
    assert asyncio.run(drained(b"a", end=False))[1] < 1
