"""The HTTP server: its port, connections that send nothing, and shares of addresses."""

import socket
import time

import httpx
import pytest

from retriever.errors import ParameterError
from ui.hosting import http_server
from ui.hosting.http_server import HttpServer, bind, raise_descriptor_limit

PATIENCE = 10


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        for step in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{step}.complete"})
        return
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(http_server, "HEAD_SECONDS", 0.3)
    monkeypatch.setattr(http_server, "IDLE_SECONDS", 1)
    server = HttpServer(app)
    server.address = server.start()
    host, port = server.address.removeprefix("http://").split(":")
    server.connect = lambda: socket.create_connection((host, int(port)), PATIENCE)
    yield server
    server.close()


def closed_after(connection):
    """Return the seconds until the other side closes a connection."""
    began = time.monotonic()
    try:
        while connection.recv(1_000):
            pass
    except ConnectionResetError:
        pass
    return time.monotonic() - began


@pytest.mark.parametrize(
    "sent", [b"", b"GET / HTTP/1.1\r\nHost: lab\r\nX-Slow: ", b"GET / HTTP/1.1\r\nHost: lab\r\n\r\nGET / HT"]
)
def test_a_connection_that_does_not_finish_its_request_is_closed(server, sent):
    with server.connect() as connection:
        connection.sendall(sent)
        assert closed_after(connection) < 3


@pytest.mark.parametrize("path", [b"/", b"/nowhere"])
def test_a_body_without_a_length_is_refused_before_its_parts_are_read(server, path):
    with server.connect() as connection:
        head = b"POST %b HTTP/1.1\r\nHost: lab\r\nTransfer-Encoding: chunked\r\n\r\n" % path
        connection.sendall(head + b"1\r\nx\r\n" * 1_000)
        assert connection.recv(1_000).startswith(b"HTTP/1.1 411 ")
        assert closed_after(connection) < 3


def test_drops_do_not_keep_a_connection_open(server):
    with server.connect() as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: lab\r\n")
        began = time.monotonic()
        with pytest.raises(OSError):
            while time.monotonic() < began + PATIENCE:
                connection.sendall(b"X-Slow: 1\r\n")
                time.sleep(0.05)
    assert time.monotonic() - began < 3


def test_requests_that_are_complete_are_answered_one_after_the_other(server):
    with httpx.Client() as client:
        for _ in range(3):
            assert client.get(server.address).text == "ok"
            time.sleep(0.4)  # longer than a head may take: an answered connection may rest
        slow = (part for part in (b"a", time.sleep(0.4) or b"b"))
        assert client.post(server.address, content=slow, headers={"Content-Length": "2"}).text == "ok"


def test_one_address_may_have_half_of_all_connections(server, monkeypatch):
    monkeypatch.setattr(http_server, "HEAD_SECONDS", PATIENCE)
    server.config.limit_concurrency = 8
    opened = [server.connect() for _ in range(6)]
    time.sleep(0.1)
    closed = 0
    for connection in opened:
        connection.settimeout(0.05)
        try:
            closed += connection.recv(1) == b""
        except ConnectionResetError:
            closed += 1
        except TimeoutError:
            pass
        connection.close()
    assert closed == 2
    monkeypatch.setenv("LAB_TRUSTED_PROXIES", "1")  # then all visitors come from the proxy's address
    opened = [server.connect() for _ in range(6)]
    assert httpx.get(server.address).text == "ok"
    for connection in opened:
        connection.close()


def test_the_port_is_the_one_that_is_set_or_the_next_free_one(monkeypatch):
    monkeypatch.delenv("GRADIO_SERVER_PORT", raising=False)
    with bind() as first, bind() as second:
        taken = first.getsockname()[1]
        assert second.getsockname()[1] > taken >= 7860
        monkeypatch.setenv("GRADIO_SERVER_PORT", str(taken))
        with pytest.raises(ParameterError, match=f"{taken}.*GRADIO_SERVER_PORT"):
            bind()
    bind().close()
    monkeypatch.setenv("GRADIO_SERVER_PORT", "70000")
    with pytest.raises(ParameterError, match="'70000'"):
        bind()


def test_the_process_may_have_many_files_open():
    assert raise_descriptor_limit() >= 512
