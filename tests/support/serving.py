"""The real app, served from this process on a free port, for tests that send requests to it, and what they share."""

import gc
import json
import re
import time
import warnings
from contextlib import contextmanager

import httpx
from gradio_client.exceptions import AppError

# Gradio's own: its queue keeps statistics with options that pandas 3 has deprecated, and its Blocks and its search for
# a free port leave an event loop and a socket to the garbage collector.
GRADIO_WARNINGS = (
    "ignore:'future.no_silent_downcasting' is deprecated:pandas.errors.Pandas4Warning:gradio",
    "ignore:The copy keyword is deprecated:pandas.errors.Pandas4Warning:gradio",
)


@contextmanager
def served(shared_samples):
    """Serve the page as app.py does and yield its address."""
    with server_of(shared_samples) as server:
        yield server.address


@contextmanager
def server_of(shared_samples):
    """Serve the page as app.py does and yield the server."""
    from ui.hosting.server import Server
    from ui.page import build_page

    with running(lambda: Server(build_page(shared_samples), shared_samples)) as server:
        yield server


@contextmanager
def running(make):
    """Start the server that make returns, yield it with its address, and stop it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # Gradio leaves an event loop to the garbage collector
        server = make()
        server.address = server.start()
        gc.collect()
    try:
        yield server
    finally:
        server.stop(tell=0)


def build(client, **values):
    """Build a small collection quickly through a client of the API and return its run record."""
    quick = {"model_name": "wordllama-256", "chunk_size": 40, "files": None, "pasted": ""}
    return client.predict(api_name="/build", **{**quick, **values})


def call(address, endpoint, data, name):
    """Call an endpoint as the visitor of that name and return its answer; raises AppError as gradio_client does."""
    url = f"{address}/gradio_api/call/{endpoint}"
    joined = httpx.post(url, json={"data": data, "session_hash": name}, timeout=60)
    if joined.status_code != 200:
        raise AppError(joined.text)
    answer = httpx.get(f"{url}/{joined.json()['event_id']}", timeout=60)
    outcome, words = re.search(r"^event: (complete|error)\ndata: (.*)$", answer.text, re.MULTILINE).groups()
    if outcome == "error":
        raise AppError(words)
    return json.loads(words)[0]


def until(condition, seconds=60):
    """Wait until a condition holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.05)
