"""What libraries log, print, warn of and raise: events of the log, by place and type, without the words."""

import contextlib
import json
import socket
import subprocess
import sys

import httpx
import pytest

from tests.support.app_process import App
from tests.support.paths import ROOT

SECRET = "otters"
HEADERS = {"User-Agent": SECRET, "X-Forwarded-For": SECRET, "Content-Type": "application/json", "Connection": "close"}
FORGED = '%0A{"event":"forged"}%E2%80%A8'
SAY_EVERYTHING = """
import asyncio, logging, sys, threading, traceback, warnings
early = logging.getLogger("early")
early.addHandler(logging.StreamHandler())  # a library's, made before the log was started
early.propagate = False
from ui.log_capture import start_logging

class Finalized:
    def __del__(self):
        raise LookupError("otters")

def fail(kind):
    raise kind("otters\\nTraceback (most recent call last):\\notters: otters")

def handle(kind, say):
    try:
        fail(kind)
    except kind as error:
        say(error)

async def leave_a_failed_task():
    task = asyncio.ensure_future(asyncio.sleep(0, asyncio.get_running_loop().call_soon(fail, BufferError)))
    await task

start_logging()
early.error("a path: %s", "otters\\r\\n")
logging.getLogger("late").warning("otters\\u2028otters")
logging.getLogger("late").info("otters")  # not worth a line
logging.getLogger("late").error(OSError(98, "otters"))
handle(ZeroDivisionError, lambda error: logging.getLogger("late").exception(error))
handle(ValueError, lambda error: traceback.print_exc())
handle(TypeError, lambda error: print(str(error)))
print("otters", "otters", file=sys.stderr)
sys.stdout.write("otters\\notters\\n")
warnings.warn("otters", RuntimeWarning)
Finalized()
thread = threading.Thread(target=fail, args=(ArithmeticError,))
thread.start()
thread.join()
asyncio.run(leave_a_failed_task())
assert not sys.stderr.isatty() and sys.stderr.writable() and sys.stderr.flush() is None
raise RuntimeError("the setting LAB_MAX_FILES is not a number\\n" + "x" * 5_000)
"""


@pytest.fixture(scope="module")
def said():
    """Have a program say something in every way there is; return its events, without the last, which is its end."""
    script = [sys.executable, "-W", "always", "-c", SAY_EVERYTHING]
    done = subprocess.run(script, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert done.stderr == "" and done.returncode == 1
    assert SECRET not in done.stdout and done.stdout.isascii()
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_what_loggers_warnings_and_prints_say_is_logged_by_its_place(said):
    places = [
        (line["event"], line.get("level") or line.get("stream") or line["category"]) for line in said if is_place(line)
    ]
    assert places == [
        ("library", "ERROR"),
        ("library", "WARNING"),
        ("printed", "stderr"),
        ("printed", "stdout"),
        ("warning", "RuntimeWarning"),
    ]
    assert {line["logger"] for line in said if line["event"] == "library"} == {"early", "late", "asyncio"}
    assert all(
        line["where"].startswith("/<string>:") or line["where"].startswith("<string>:")
        for line in said
        if is_place(line)
    )


def is_place(line):
    return "error" not in line


def test_errors_are_logged_by_type_however_they_are_said(said):
    errors = [(line["event"], line["error"]) for line in said if not is_place(line)]
    assert errors == [
        ("library", "OSError"),
        ("library", "ZeroDivisionError"),
        ("error printed", "ValueError"),
        ("error printed", "TypeError"),
        ("error ignored", "LookupError"),
        ("thread ended", "ArithmeticError"),
        ("library", "BufferError"),
        ("crash", "RuntimeError"),
    ]
    assert all("fail" in line["where"] for line in said if line.get("error") in ("ValueError", "ArithmeticError"))


def test_what_ends_the_start_is_told_in_words(said):
    assert said[-1]["message"].startswith("the setting LAB_MAX_FILES is not a number\n")
    assert len(said[-1]["message"]) == 1000


# --- the real server


def send_bytes(port, content):
    """Send bytes that may be no HTTP; return the beginning of the answer."""
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        connection.sendall(content)
        return connection.recv(100)


def attack(app):
    """Send a visitor's words in every part of a request, so that Gradio and uvicorn complain of them."""
    for content in (
        b"GET /otters\n{} HTTP/1.1\r\n\r\n",
        b"otters\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: otters\r\notters\r\n\r\n",
    ):
        assert b"400" in send_bytes(app.port, content)
    with httpx.Client(base_url=f"{app.address}/gradio_api", headers=HEADERS, timeout=30) as client:
        for path in ("/file=otters", f"/otters{FORGED}", "/call/search/otters", "/upload_progress?upload_id=otters"):
            with contextlib.suppress(httpx.TransportError):  # an answer that broke off
                client.get(path + FORGED)
        for name in ("search", "build", "compare", "otters"):
            for data in (["otters"], ["otters", "otters", {"path": "otters"}], [["otters"]] * 9):
                for way in ("run", "call"):
                    client.post(f"/{way}/{name}", json={"data": data, "session_hash": SECRET})
        for which in (0, 3, 9999, "otters"):
            client.post("/queue/join", json={"data": [SECRET], "fn_index": which, "session_hash": SECRET})
            client.post("/run/predict", json={"data": [SECRET], "fn_index": which, "event_data": {SECRET: 1}})
        form = {"Content-Type": "multipart/form-data; boundary=otters"}
        client.post("/upload", content=b"--otters\r\notters", headers=form)
        client.post("/upload", content=b"--otters", headers={"Content-Type": SECRET})
    for name in ("otters\n{}.txt", "otters\u2028.txt", "../otters"):
        httpx.post(f"{app.address}/gradio_api/upload", files={"files": (name, b"otters")})


def test_nothing_that_visitors_send_reaches_the_log_of_the_real_app(tmp_path):
    with App(tmp_path) as app:
        app.wait_for_page()
        attack(app)
        assert json.loads(app.get("/health"))["status"] == "ok"
    text = app.log.read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    assert text.isascii() and SECRET not in text.lower() and "forged" not in text
    assert {line["event"] for line in lines} & {"library", "printed", "error printed"}, "nobody complained"
    assert next(line["address"] for line in lines if line["event"] == "start") == app.address
    assert len(lines) < 60, "an attack writes no line for each request"
