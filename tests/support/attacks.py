"""Attacks on a running lab, bounded in count and time; each is a function of its address that returns what happened."""

import contextlib
import functools
import itertools
import json
import socket
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import httpx

BUILD = ["sample", "python_docs_large", None, "", "wordllama-256", 200, 0, 16, 200]
MEGABYTE = 1_000_000
TIMEOUT = 20  # seconds until an attacker gives a request up
# Reading the certificates of TLS, which is not used here, would take the attacker more of the processor than a request.
send = functools.partial(httpx.request, timeout=TIMEOUT, verify=False)
FOREIGN = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"}
IMAGE = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}


def statuses(requests, *, at_once=20):
    """Send requests, functions without arguments, from several threads; count the statuses of their responses."""

    def answered(request):
        try:
            return request().status_code
        except httpx.HTTPError as error:
            return type(error).__name__

    with ThreadPoolExecutor(at_once) as pool:
        return Counter(pool.map(answered, requests))


def post(address, path, content, **headers):
    """Return a function that posts JSON, given as a value or as bytes."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    headers = {"Content-Type": "application/json", **headers}
    return lambda: send("POST", f"{address}/gradio_api/{path}", content=body, headers=headers)


def many_builds(address, count=215):
    """One session asks for the large Python docs many times."""
    return statuses([post(address, "call/build", {"data": BUILD, "session_hash": "builds"})] * count)


def calls_without_a_session(address, count=125):
    """Calls without a session, whose answers nobody reads."""
    return statuses([post(address, "call/search", {"data": ["tea", 3, 10]})] * count)


def tool_calls(address, count=200):
    """Calls of MCP tools that build a graph each, many at once; those that are refused are told so by the tool."""

    def call(number):
        arguments = {"sample": "documents", "k": 50, "ef": 400, "M": 2 + number % 60, "ef_construction": 800}
        message = {"jsonrpc": "2.0", "id": number, "method": "tools/call"}
        message["params"] = {"name": "measure_ef", "arguments": arguments}
        answer = post(address, "mcp/", message)()
        return "refused" if answer.status_code == 200 and answer.json()["result"]["isError"] else answer.status_code

    with ThreadPoolExecutor(40) as pool:
        return Counter(pool.map(call, range(count)))


def tool_streams(address, count=200):
    """Streams and sessions that clients of MCP may ask for, which this server does not have."""
    stream = {"Accept": "text/event-stream", "MCP-Session-Id": "mine"}
    asked = [lambda way=way: send(way, f"{address}/gradio_api/mcp/", headers=stream) for way in ("GET", "DELETE")]
    return statuses(asked * (count // 2))


def long_measurements(address, count=40):
    """One session measures a sample with the largest numbers it can think of, and with the largest that are taken.

    It reads no answer but the build's: so many are refused at the latest once those of 50 wait for it.
    """
    small = ["sample", "documents", *BUILD[2:]]
    built = post(address, "call/build", {"data": small, "session_hash": "measures"})()
    send("GET", f"{address}/gradio_api/call/build/{built.json()['event_id']}")
    asked = [{"data": numbers, "session_hash": "measures"} for numbers in ([200, 100_000], [50, 400])]
    return statuses([post(address, "call/measure", event) for event in asked * count])


def endless_bodies(address, megabytes=300):
    """Send every route that takes a body one that does not end; return how many megabytes each took."""
    host, port = urlsplit(address).hostname, urlsplit(address).port
    routes = (
        "gradio_api/cancel",
        "gradio_api/reset",
        "gradio_api/queue/join",
        "gradio_api/call/search",
        "gradio_api/mcp/",
        "login",
        "logout",
    )
    taken = dict.fromkeys(routes, 0)
    for route in routes:
        lines = [f"POST /{route} HTTP/1.1", f"Host: {host}", "Content-Type: application/json"]
        head = "\r\n".join([*lines, "Transfer-Encoding: chunked", "", ""]).encode()
        chunk = b"%x\r\n%b\r\n" % (MEGABYTE, b"x" * MEGABYTE)
        with socket.create_connection((host, port), TIMEOUT) as connection, contextlib.suppress(OSError):
            connection.sendall(head)
            for _ in range(megabytes):
                connection.sendall(chunk)
                taken[route] += 1
    return taken


def wide_bodies(address, count=20):
    """Bodies of empty objects, which take fifty times their size once they are parsed."""
    body = b'{"session_hash": "wide", "fn_index": 0, "data": [' + b"{}," * 1_600_000 + b"{}]}"
    return statuses([post(address, "queue/join", body)] * count, at_once=5)


def long_names(address, count=20):
    """Sessions whose names have megabytes."""
    names = [str(number) + "n" * 2_000_000 for number in range(count)]
    events = [{"data": [], "fn_index": 0, "session_hash": name} for name in names]
    return statuses([post(address, "queue/join", event) for event in events], at_once=5)


def unread_answers(address, count=100):
    """One session asks for much and reads nothing of it."""
    return statuses([post(address, "call/search", {"data": ["tea", 50, 400], "session_hash": "unread"})] * count)


def another_site(address):
    """What a page of another site gets with the browser's cookies: statuses, and whether it may read the answer."""
    preflight = {**FOREIGN, "Access-Control-Request-Method": "POST"}
    answers = [
        send("GET", f"{address}/config", headers=FOREIGN),
        send("GET", f"{address}/gradio_api/token", headers=FOREIGN),
        post(address, "call/search", {"data": ["tea", 3, 10]}, **FOREIGN)(),
        post(address, "mcp/", {"id": 1, "method": "tools/list"}, **FOREIGN)(),
        send("GET", f"{address}/logout", headers=IMAGE),
        send("POST", f"{address}/logout", headers=FOREIGN),
        send("OPTIONS", f"{address}/gradio_api/queue/join", headers=preflight),
    ]
    readable = sum("access-control-allow-origin" in answer.headers for answer in answers)
    return Counter(answer.status_code for answer in answers), readable


def fetched_addresses(address):
    """Ask the lab to fetch an address in several ways; return the statuses, and how many requests arrived there."""
    arrived = []

    def accept(listener):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                arrived.append(connection)
                connection.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(1)
        thread = threading.Thread(target=accept, args=[listener])
        thread.start()
        bait = f"http://127.0.0.1:{listener.getsockname()[1]}/bait.txt"
        found = {"path": bait, "url": bait, "meta": {"_type": "gradio.FileData"}}
        asked = [
            lambda way=way: send("GET", f"{address}/gradio_api/{way}{bait}") for way in ("file=", "file/", "proxy=")
        ]
        asked.append(post(address, "call/v2/build", {"files": [found], "source": "files"}))
        for file in (found, {**found, "path": "/x"}):
            asked.append(post(address, "call/build", {"data": ["files", "documents", [file], *BUILD[3:]]}))
        counted = statuses(asked, at_once=1)
        thread.join()
    return counted, len(arrived)


def classes(address, count=250):
    """Guess codes, start many classes, predict in those of others and lead them; return how many were too many."""
    letters = "23456789CDFGHJKMNPQRTVWX"
    codes = [f"{first}{second}CDFG" for first in letters for second in letters][:count]
    counted = statuses([lambda code=code: send("POST", f"{address}/class/{code}/join") for code in codes])
    counted += statuses([lambda: send("POST", f"{address}/class", data={"lesson": "misses"})] * 20)
    started = send("GET", f"{address}/health").json()["classes"]["under_way"]
    for name, body in itertools.product(("move", "predict"), (b'{"move": "end"}', b"x" * MEGABYTE)):
        counted += statuses([functools.partial(send, "POST", f"{address}/class/{codes[0]}/{name}", content=body)] * 10)
    return counted, max(0, started - 3)


def idle_connections(address, count=300):
    """Open connections that send nothing, or half of a request, and leave them open for a while."""
    host, port = urlsplit(address).hostname, urlsplit(address).port
    with contextlib.ExitStack() as opened:
        for number in range(count):
            connection = opened.enter_context(socket.create_connection((host, port), TIMEOUT))
            if number % 2:
                connection.sendall(b"GET / HTTP/1.1\r\nHost: lab\r\nX-Slow: ")
        threading.Event().wait(2)
    return count


def many_uploads(address, count=20, megabytes=20):
    """Parallel uploads of large files, which nobody builds from."""
    files = {"files": ("notes.txt", b"x" * (megabytes * MEGABYTE))}
    return statuses([lambda: send("POST", f"{address}/gradio_api/upload", files=files)] * count)


def many_files(address, count=5):
    """Uploads of many empty files."""
    files = [("files", (f"{number}.txt", b"")) for number in range(990)]
    return statuses([lambda: send("POST", f"{address}/gradio_api/upload", files=files)] * count)


def forged_lines(address, count=10):
    """Paths and texts that would begin a line of their own in a careless log."""
    line = "%0A%7B%22event%22:%22forged%22%7D"
    asked = [lambda: send("GET", f"{address}/{line}"), lambda: send("GET", f"{address}/gradio_api/file=/{line}")]
    asked.append(post(address, "call/search", {"data": ['\n{"event": "forged"}\n', "x", {}], "session_hash": "forged"}))
    return statuses(asked * count)
