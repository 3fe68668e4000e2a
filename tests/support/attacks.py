"""Attacks on a running lab, bounded in count and time; each is a function of its address that returns what happened."""

import json
import socket
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import httpx

BUILD = ["sample", "python_docs_large", None, "", "all-MiniLM-L6-v2", 200, 0, 16, 200]
MEGABYTE = 1_000_000
TIMEOUT = 10  # seconds until an attacker gives a request up


def statuses(requests, *, at_once=20):
    """Send requests, functions without arguments, from several threads; count the statuses of their responses."""

    def send(request):
        try:
            return request().status_code
        except httpx.HTTPError as error:
            return type(error).__name__

    with ThreadPoolExecutor(at_once) as pool:
        return Counter(pool.map(send, requests))


def post(address, path, content, **headers):
    """Return a function that posts JSON, given as a value or as bytes."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    url = f"{address}{path}"
    return lambda: httpx.post(
        url, content=body, headers={"Content-Type": "application/json", **headers}, timeout=TIMEOUT
    )


def many_builds(address, count=215):
    """One session asks for the large Python docs many times."""
    event = {"data": BUILD, "session_hash": "attacker-builds"}
    return statuses([post(address, "/gradio_api/call/build", event)] * count)


def calls_without_a_session(address, count=125):
    """Many calls without a session, whose answers nobody reads."""
    return statuses([post(address, "/gradio_api/call/search", {"data": ["tea", 3, 10]})] * count)


def long_measurements(address, count=20):
    """One session measures with the largest numbers that it can think of."""
    sent = {"data": [200, 100_000], "session_hash": "attacker-measures"}
    allowed = {"data": [50, 400], "session_hash": "attacker-measures"}
    return statuses(
        [post(address, "/gradio_api/call/measure", sent), post(address, "/gradio_api/call/measure", allowed)] * count
    )


def large_bodies(address, megabytes=300):
    """Send one route after the other a body that does not end, and tell how many megabytes each took."""
    taken = {}
    for path in ("cancel", "reset", "queue/join", "call/search", "../login", "../logout", "../config"):
        host, port = urlsplit(address).hostname, urlsplit(address).port
        with socket.create_connection((host, port), TIMEOUT) as connection:
            head = f"POST /gradio_api/{path} HTTP/1.1" if "../" not in path else f"POST /{path[3:]} HTTP/1.1"
            lines = [
                head,
                f"Host: {host}:{port}",
                "Content-Type: application/json",
                "Transfer-Encoding: chunked",
                "",
                "",
            ]
            connection.sendall("\r\n".join(lines).encode())
            chunk, sent = b"x" * MEGABYTE, 0
            try:
                for _ in range(megabytes):
                    connection.sendall(b"%x\r\n%b\r\n" % (len(chunk), chunk))
                    sent += 1
            except OSError:
                pass
            taken[path] = sent
    return taken


def wide_bodies(address, count=20):
    """Bodies of empty objects, which take fifty times their size once they are parsed."""
    body = b'{"session_hash": "attacker-wide", "fn_index": 0, "data": [' + b"{}," * 1_600_000 + b"{}]}"
    return statuses([post(address, "/gradio_api/queue/join", body)] * count, at_once=5)


def long_names(address, count=50):
    """Sessions whose names have megabytes."""
    return statuses(
        [
            post(
                address,
                "/gradio_api/queue/join",
                {"data": [], "fn_index": 0, "session_hash": f"{number}" + "n" * 2_000_000},
            )
            for number in range(count)
        ],
        at_once=5,
    )


def foreign_site(address):
    """What a page of another site may ask for with the browser's cookies, by what it asks."""
    foreign = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"}
    image = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}
    event = {"data": ["tea", 3, 10]}
    asked = {
        "config": httpx.get(f"{address}/config", headers=foreign),
        "token": httpx.get(f"{address}/gradio_api/token", headers=foreign),
        "call": httpx.post(f"{address}/gradio_api/call/search", json=event, headers=foreign),
        "logout by image": httpx.get(f"{address}/logout", headers=image),
        "logout": httpx.post(f"{address}/logout", headers=foreign),
        "preflight": httpx.options(
            f"{address}/gradio_api/queue/join", headers=foreign | {"Access-Control-Request-Method": "POST"}
        ),
    }
    return {
        name: (answer.status_code, answer.headers.get("access-control-allow-origin")) for name, answer in asked.items()
    }


def fetched_addresses(address):
    """Ask the lab to fetch an address of a listener; return the statuses, and how many requests arrived there."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.settimeout(1)
        bait = f"http://127.0.0.1:{listener.getsockname()[1]}/bait.txt"
        arrived = []

        def accept():
            try:
                while True:
                    connection, _ = listener.accept()
                    arrived.append(connection.recv(1000))
                    connection.close()
            except OSError:
                pass

        thread = threading.Thread(target=accept)
        thread.start()
        found = {"path": bait, "url": bait, "meta": {"_type": "gradio.FileData"}}
        asked = [
            lambda: httpx.get(f"{address}/gradio_api/file={bait}", timeout=TIMEOUT),
            lambda: httpx.get(f"{address}/gradio_api/file/{bait}", timeout=TIMEOUT),
            lambda: httpx.get(f"{address}/gradio_api/proxy={bait}", timeout=TIMEOUT),
            post(address, "/gradio_api/call/v2/build", {"files": [found], "source": "files"}),
            post(address, "/gradio_api/call/build", {"data": ["files", "documents", [found], *BUILD[3:]]}),
            post(
                address,
                "/gradio_api/call/build",
                {"data": ["files", "documents", [{**found, "path": "/x", "url": bait}], *BUILD[3:]]},
            ),
        ]
        result = statuses(asked, at_once=1)
        thread.join()
        return result, len(arrived)


def idle_connections(address, count=200, seconds=0.0):
    """Open connections that send nothing, or half of a request; return how many are open after some seconds."""
    host, port = urlsplit(address).hostname, urlsplit(address).port
    opened = []
    for number in range(count):
        connection = socket.create_connection((host, port), TIMEOUT)
        if number % 2:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: lab\r\nX-Slow: ")
        opened.append(connection)
    time.sleep(seconds)
    still = 0
    for connection in opened:
        connection.setblocking(False)
        try:
            still += connection.recv(1) != b""
        except BlockingIOError:
            still += 1
        except OSError:
            pass
        connection.close()
    return still
