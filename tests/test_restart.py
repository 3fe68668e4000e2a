"""A host that forgets: app.py killed without notice and started again; its cache damaged, or its disk full."""

import json
import os
import subprocess
import time
from pathlib import Path

import pytest
from app_process import App

UNFINISHED = ".unfinished-*"  # what the cache is writing or deleting
QUESTION, ANSWER = "how hot should the water be for green tea?", "green tea"
MOUNTS = (("unshare", "--mount"), ("unshare", "--user", "--map-root-user", "--mount"))
SMALL_DISK = 'mount -t tmpfs -o size=100k tmpfs "$0" && exec "$@"'  # less than the small sample takes


def check_works(app):
    """Wait for the page and the small sample, ask a question, and see that the answer is right."""
    app.wait_for_page()
    app.wait_for_sample()
    answer = app.call("search", QUESTION, 3, 20)
    assert ANSWER in answer["results"][0]["text"].lower()


def entries(cache):
    return [path for path in cache.iterdir() if not path.match(UNFINISHED)]


def uploads(host):
    """The folders of uploads: one for each app that runs, and what others have left."""
    return list((host / "temporary").glob("dense-retrieval-lab-*"))


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    """A host on which the app was killed while it wrote the cache, and again while it prepared the next sample."""
    host = tmp_path_factory.mktemp("host")
    cache = host / "cache"
    with App(host) as app:
        app.wait_for_page()
        while not (cache.is_dir() and any(cache.iterdir())):
            assert app.process.poll() is None, app.log.read_text()
            time.sleep(0.001)
    with App(host) as app:
        check_works(app)
        (entry,) = entries(cache)
        assert list(cache.glob(UNFINISHED)) == [], "what the first one left is still there"
        assert json.loads(app.get("/health"))["samples"]["python_docs"] == "preparing"
    return host


@pytest.fixture(scope="module")
def disk(host):
    """Return the words of a command line that gives the app a cache on a disk too small for it."""
    for command in MOUNTS:
        tried = [*command, "sh", "-c", SMALL_DISK, host, "true"]
        if subprocess.run(tried, capture_output=True, check=False).returncode == 0:
            return command
    say = pytest.fail if os.environ.get("REQUIRE_BROWSER") == "1" else pytest.skip
    return say("no file system may be mounted here (unshare --mount)")


def test_after_a_kill_a_damaged_cache_is_made_anew(host):
    (entry,) = entries(host / "cache")
    damaged = next(entry.glob("vectors-*.npy"))
    damaged.write_bytes(damaged.read_bytes()[:-100])
    with App(host) as app:
        check_works(app)
        files = json.loads((entry / "manifest.json").read_text())["files"].values()
        assert all((entry / file["name"]).stat().st_size == file["bytes"] for file in files)
        assert entries(host / "cache") == [entry]
        assert list((host / "cache").glob(UNFINISHED)) == []
        assert len(uploads(host)) == 1, "of those that were killed"


def test_a_full_disk_keeps_nobody_from_the_page(tmp_path, disk):
    cache = tmp_path / "cache"
    cache.mkdir()
    with App(tmp_path, before=[*disk, "sh", "-c", SMALL_DISK, cache]) as app:
        check_works(app)
        there = Path(f"/proc/{app.process.pid}/root{cache}")  # the app's own view: its mount is nobody else's
        assert os.statvfs(there).f_blocks * os.statvfs(there).f_frsize < 200_000, "the disk is not the small one"
        assert list(there.iterdir()) == []
