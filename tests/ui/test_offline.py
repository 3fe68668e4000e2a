"""Tests without any network: app.py in a network namespace that has only its loopback interface, and every feature.

Run as a script, this file is what runs inside: it starts the app, uses it, and prints what it saw as a line of JSON.
"""

import fcntl
import json
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest

from tests.support.app_process import PATIENCE, ROOT, App
from tests.support.browser import NAMES, QUIET, Visitor, find_browser
from tests.support.judged import beir_zip

pytestmark = pytest.mark.exhaustive

MODELS = ("all-MiniLM-L6-v2", "wordllama-256")
HUB_MODEL = "intfloat/e5-small-v2"
SECONDS = 10  # within which the app must report that a model cannot be fetched
DOCUMENTS = ROOT / "samples" / "documents"
TEXT = "Fresnel lenses let a small lamp be seen far out at sea. Sourdough rises because of wild yeast."
SOURCES = {  # how the documents come: what /build is given, a question, and a word of its answer
    "sample": ({"source": "sample", "sample": "documents"}, "how hot should the water for green tea be?", "tea"),
    "paste": ({"source": "text", "pasted": TEXT}, "how do lighthouses reach ships?", "Fresnel"),
    "upload": ({"source": "files"}, "how strong is an earthquake on the magnitude scale?", "magnitude"),
}
NAMESPACES = (("unshare", "--net"), ("unshare", "--user", "--map-root-user", "--net"))
SET_FLAGS, UP = 0x8914, 1  # Linux: SIOCSIFFLAGS, IFF_UP


# --- inside


def use_everything(folder):
    """Start the app without a network, use it, and return what was seen."""
    raise_loopback()
    seen = {"interfaces": [name for _, name in socket.if_nameindex()]}
    if seen["interfaces"] != ["lo"]:
        return seen  # not isolated: nothing else is tried
    seen["reached"] = [reach(lambda: socket.create_connection(("1.1.1.1", 443), PATIENCE))]
    seen["reached"].append(reach(lambda: socket.getaddrinfo("example.org", 443)))
    with App(folder) as app:
        app.wait_for_page()
        seen["assets"] = assets(app)
        app.wait_for_sample()
        try:
            seen["browser"] = use_page(app, folder)  # first: it awaits the small sample, which a larger one replaces
            use_endpoints(app, folder, seen)
        finally:
            sys.stderr.write(app.log.read_text()[-3000:])
        seen["log"] = app.log.read_text()
    return seen


def raise_loopback():
    """Bring up the loopback interface, which is down in a new namespace."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SET_FLAGS, struct.pack("16sH14x", b"lo", UP))


def reach(attempt):
    """Return the error of an attempt to reach another host, or "", and the seconds that it took."""
    start, error = time.monotonic(), ""
    try:
        attempt()
    except OSError as found:
        error = str(found)
    return error, time.monotonic() - start


def assets(app):
    """Return the addresses of all assets that the page's HTML names, with the bytes that the app returned for each."""
    names = re.findall(r'<(?:script|link)[^>]+(?:src|href)="([^"]+)"', app.get().decode())
    urls = {urljoin(app.address + "/", name) for name in names}
    return {url: len(app.get(urlsplit(url).path)) if url.startswith(app.address) else -1 for url in urls}


def use_endpoints(app, folder, seen):
    """Build, search, measure and compare as programs do; then ask for a model that only the Hub has."""
    from gradio_client import Client, handle_file

    client = Client(app.address, verbose=False, download_files=False)
    other = Client(app.address, verbose=False, download_files=False)
    files = [handle_file(str(DOCUMENTS / name)) for name in ("earthquakes.pdf", "honey_bees.docx")]
    for model in MODELS:
        for source, (values, question, _) in SOURCES.items():
            given = {"files": files if source == "upload" else None, "pasted": "", **values, "model_name": model}
            record = client.predict(api_name="/build", **given)
            answer = client.predict(question, 1, 20, api_name="/search")
            measured = client.predict(5, 20, api_name="/measure")
            seen[f"{model} {source}"] = {
                "model": record["settings"]["model"],
                "first": answer["results"][0]["text"],
                "recall": measured["hnsw"]["mean_recall"],
            }
    seen["hub"] = ask_for_hub_model(client, other)
    seen["after_hub"] = client.predict("magnitude", 1, 20, api_name="/search")["results"][0]["text"]
    corpus = zip(("lenses", "bread"), TEXT.split(". "), strict=True)
    archive = beir_zip(folder / "judged.zip", corpus, [("q", SOURCES["paste"][1])], [("q", "lenses", 1)])
    values = {"archive": handle_file(archive), "qrels": None, "queries": None, "k": 1, "ef": 20}
    seen["compared"] = client.predict(collection="beir", **values, api_name="/compare")["scores"]


def ask_for_hub_model(client, other):
    """Request a model of the Hub, while another visitor goes on asking questions."""
    told, waits, start = {}, [], time.monotonic()

    def build():
        values = {"source": "text", "pasted": TEXT, "files": None, "model_name": HUB_MODEL}
        try:
            client.predict(api_name="/build", **values)
        except Exception as error:
            told["words"] = str(error)
        told["seconds"] = time.monotonic() - start

    thread = threading.Thread(target=build)
    thread.start()
    while thread.is_alive() or not waits:
        asked = time.monotonic()
        other.predict("tea", 1, 10, api_name="/search")
        waits.append(time.monotonic() - asked)
    return told | {"waits": waits}


def use_page(app, folder):
    """Use the page in a browser, save a collection and load it again; return what the page asked for and showed."""
    from playwright.sync_api import sync_playwright

    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        return None
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=QUIET)
        visitor = Visitor(browser, app.address, sample="Python docs")
        page, saved = visitor.page, folder / "collection.zip"
        visitor.paste(TEXT)
        visitor.build()
        page.get_by_role("button", name="Save this collection …").click()
        with page.expect_download() as download:
            page.get_by_text("Download collection.zip").click()
        download.value.save_as(saved)
        visitor.choose("Documents", "Load a saved one")
        page.locator("input[type=file][accept='.zip']").first.set_input_files(saved)
        page.locator(".file-preview").get_by_text("collection").first.wait_for()
        visitor.build()
        hits = visitor.ask(SOURCES["paste"][1]) or visitor.ask(SOURCES["paste"][1])  # news of a build clears the first
        visitor.open("ef")
        page.locator(".js-plotly-plot").first.wait_for()
        visitor.wait_for_ef(10)
        walked = visitor.walk("yeast").inner_text()
        found = {"requests": visitor.requests, "errors": visitor.errors, "hits": hits, "walked": walked}
        visitor.close()
        browser.close()
    return found


# --- outside


def namespace():
    """Return the command that starts a network namespace; if none can be made, skip, or fail as in CI."""
    for command in NAMESPACES:
        try:
            if subprocess.run([*command, "true"], capture_output=True, check=False).returncode == 0:
                return command
        except FileNotFoundError:
            break
    say = pytest.fail if os.environ.get("REQUIRE_BROWSER") == "1" else pytest.skip
    return say("no network namespace may be made here (unshare --net)")


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """Run this file inside the namespace and return what it saw."""
    done = subprocess.run(
        [*namespace(), sys.executable, __file__, str(tmp_path_factory.mktemp("offline"))],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_there_really_is_no_network(seen):
    assert seen["interfaces"] == ["lo"]
    assert all(error and seconds < 1 for error, seconds in seen["reached"])


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("model", MODELS)
def test_each_packaged_model_indexes_each_kind_of_source(seen, model, source):
    found = seen[f"{model} {source}"]
    assert found["model"] == model
    assert SOURCES[source][2].lower() in found["first"].lower()
    assert found["recall"] == 1.0  # of so few vectors ef=20 misses none


def test_the_packaged_models_are_compared(seen):
    assert [seen["compared"]["success_1"][side][0] for side in ("first", "second")] == [1, 1]


def test_a_model_of_the_hub_is_told_to_be_out_of_reach_and_nobody_waits_for_it(seen):
    told = seen["hub"]
    assert "could not be fetched" in told["words"]
    assert all(model in told["words"] for model in MODELS)
    assert told["seconds"] < SECONDS
    assert max(told["waits"]) < SECONDS
    assert "magnitude" in seen["after_hub"].lower(), "what was loaded before is lost"


def test_the_page_works_and_asks_nobody_else_for_anything(seen):
    find_browser()
    page = seen["browser"]
    assert len(seen["assets"]) >= 2
    assert all(size > 100 for size in seen["assets"].values()), "of the app itself"
    hosts = {urlsplit(url).hostname for url in page["requests"] if url.startswith(("http", "ws"))}
    assert hosts == {"127.0.0.1"}
    assert page["errors"] == []
    assert "Fresnel" in page["hits"][0], "of the collection that was saved and loaded again"
    assert "finds the one nearest passage" in page["walked"]
    assert "Traceback" not in seen["log"]


if __name__ == "__main__":
    sys.stdout.write(json.dumps(use_everything(Path(sys.argv[1]))) + "\n")
