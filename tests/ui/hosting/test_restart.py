"""Tests of app.py killed without notice and started again, with a damaged cache or a full disk."""

import json
import os
import subprocess
from pathlib import Path

import httpx
import pytest

from retriever.indexing.collection import IndexSettings
from retriever.indexing.sample_cache import LOCK_FILE, UNFINISHED_PREFIX, _entry_folder
from tests.support.app_process import App
from tests.support.serving import until

pytestmark = pytest.mark.exhaustive

QUESTION, ANSWER = "how do I round the numbers of an array?", "round"  # of the Python docs, which come first
MOUNTS = (("unshare", "--mount"), ("unshare", "--user", "--map-root-user", "--mount"))
SMALL_DISK = 'mount -t tmpfs -o size=100k tmpfs "$0" && exec "$@"'  # less than the small sample takes


def check_works(app):
    """Wait for the page and all samples up to the small one, ask a question, and check the answer."""
    app.wait_for_page()
    app.wait_for_sample()
    answer = app.call("search", QUESTION, 3, 20)
    assert ANSWER in answer["results"][0]["text"].lower()


def uploads(host):
    """Return the folders of uploads: one for each app that runs, and those that others have left."""
    return list((host / "temporary").glob("dense-retrieval-lab-*"))


def test_after_a_kill_with_a_damaged_cache_the_page_works(tmp_path):
    cache = tmp_path / "cache"
    with App(tmp_path) as killed:
        until(lambda: killed.process.poll() is not None or any(path.name != LOCK_FILE for path in cache.glob("*")))
        assert killed.process.poll() is None, killed.log.read_text()
    assert len(uploads(tmp_path)) == 1, "else it is not shown that it is deleted"
    entry = cache / _entry_folder("documents", IndexSettings()).name
    entry.mkdir(exist_ok=True)
    (entry / "manifest.json").write_bytes(os.urandom(1_000))
    with App(tmp_path) as again:
        check_works(again)
        until(lambda: not list(cache.glob(f"{UNFINISHED_PREFIX}*")))  # of the killed app, and of the next sample
    files = json.loads((entry / "manifest.json").read_text())["files"].values()
    assert files and all((entry / file["name"]).stat().st_size == file["bytes"] for file in files)
    assert [path for path in cache.iterdir() if path.name.startswith("documents-")] == [entry]
    assert len(uploads(tmp_path)) == 1, "that of the killed app is still there"


def test_with_a_full_disk_the_page_works(tmp_path):
    cache = tmp_path / "cache"
    cache.mkdir()
    with App(tmp_path, before=[*full_disk(cache), cache]) as app:
        check_works(app)
        there = Path(f"/proc/{app.process.pid}/root{cache}")  # as the app sees it: only its process has the mount
        assert os.statvfs(there).f_blocks * os.statvfs(there).f_frsize < 200_000, "the disk is not the small one"
        assert [path for path in there.iterdir() if path.name != LOCK_FILE] == []


def readers(app):
    """Return the processes in which an app reads files."""
    children = Path(f"/proc/{app.process.pid}/task").glob("*/children")
    found = [number for path in children for number in path.read_text().split()]
    return [int(number) for number in found if b"worker.py" in Path(f"/proc/{number}/cmdline").read_bytes()]


def test_two_apps_share_a_cache_and_a_killed_one_takes_its_reader_along(tmp_path):
    page = "<p " + " ".join(f"a{number}=1" for number in range(200_000)) + ">owl</p>"  # takes longer than the test
    with App(tmp_path) as killed, App(tmp_path) as other:
        for app in (killed, other):
            check_works(app)
        assert len([path for path in (tmp_path / "cache").iterdir() if path.name.startswith("documents-")]) == 1
        url = f"{killed.address}/gradio_api"
        [path] = httpx.post(f"{url}/upload", files={"files": ("slow.html", page)}).json()
        given = [{"path": path, "meta": {"_type": "gradio.FileData"}}]
        data = ["files", "documents", given, "", "wordllama-256", 40, 0, 16, 200]
        httpx.post(f"{url}/call/build", json={"data": data, "session_hash": "somebody"}).raise_for_status()
        until(lambda: readers(killed))
        [reader] = readers(killed)
        killed.kill()
        until(lambda: not Path(f"/proc/{reader}").exists(), 10)
        check_works(other)


def full_disk(folder):
    """Return the words of a command line that gives the app a disk, at a folder, that is too small for its cache."""
    for command in MOUNTS:
        tried = [*command, "sh", "-c", SMALL_DISK, folder, "true"]
        if subprocess.run(tried, capture_output=True, check=False).returncode == 0:
            return [*command, "sh", "-c", SMALL_DISK]
    say = pytest.fail if os.environ.get("REQUIRE_BROWSER") == "1" else pytest.skip
    return say("no file system may be mounted here (unshare --mount)")
