"""Tests of app.py killed without notice and started again, with a damaged cache or a full disk."""

import json
import os
import subprocess
import time
from pathlib import Path

import pytest

from retriever.indexing.collection import IndexSettings
from retriever.indexing.sample_cache import LOCK_FILE, UNFINISHED_PREFIX, _entry_folder
from tests.support.app_process import App

pytestmark = pytest.mark.exhaustive

UNFINISHED = f"{UNFINISHED_PREFIX}*"
QUESTION, ANSWER = "how hot should the water be for green tea?", "green tea"
MOUNTS = (("unshare", "--mount"), ("unshare", "--user", "--map-root-user", "--mount"))
SMALL_DISK = 'mount -t tmpfs -o size=100k tmpfs "$0" && exec "$@"'  # less than the small sample takes


def check_works(app):
    """Wait for the page and the small sample, ask a question, and check the answer."""
    app.wait_for_page()
    app.wait_for_sample()
    answer = app.call("search", QUESTION, 3, 20)
    assert ANSWER in answer["results"][0]["text"].lower()


def entry_of(host):
    """Return the folder where the small sample is cached."""
    return host / "cache" / _entry_folder("documents", IndexSettings()).name


def check_whole(entry):
    files = json.loads((entry / "manifest.json").read_text())["files"].values()
    assert files
    assert all((entry / file["name"]).stat().st_size == file["bytes"] for file in files)


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    """A host on which two apps were killed: one while it wrote the cache, the other while it prepared a sample."""
    host = tmp_path_factory.mktemp("host")
    with App(host) as one, App(host) as other:
        while all(path.name == LOCK_FILE for path in (host / "cache").glob("*")):
            assert one.process.poll() is None and other.process.poll() is None, one.log.read_text()
            time.sleep(0.001)
        one.process.kill()
        other.process.kill()
    assert len(uploads(host)) == 2, "else it is not shown that these are deleted"
    return host


def uploads(host):
    """Return the folders of uploads: one for each app that runs, and those that others have left."""
    return list((host / "temporary").glob("dense-retrieval-lab-*"))


@pytest.fixture(scope="module")
def full():
    """Return the words of a command line that gives the app a cache on a disk that is too small for it."""
    for command in MOUNTS:
        tried = [*command, "sh", "-c", SMALL_DISK, "/mnt", "true"]
        if subprocess.run(tried, capture_output=True, check=False).returncode == 0:
            return [*command, "sh", "-c", SMALL_DISK]
    say = pytest.fail if os.environ.get("REQUIRE_BROWSER") == "1" else pytest.skip
    return say("no file system may be mounted here (unshare --mount)")


def test_after_a_kill_with_a_damaged_cache_or_a_full_disk_the_page_works(host, full, tmp_path):
    entry, small = entry_of(host), tmp_path / "cache"
    entry.mkdir(exist_ok=True)
    (entry / "manifest.json").write_bytes(os.urandom(1_000))
    small.mkdir()
    with App(host) as again, App(tmp_path, before=[*full, small]) as on_full_disk:
        check_works(again)
        check_whole(entry)
        assert list((host / "cache").glob(UNFINISHED)) == []
        assert [path for path in entry.parent.iterdir() if path.name.startswith("documents-")] == [entry]
        assert len(uploads(host)) == 1, "those of killed apps are still there"

        check_works(on_full_disk)
        there = Path(
            f"/proc/{on_full_disk.process.pid}/root{small}"
        )  # as the app sees it: only its process has the mount
        assert os.statvfs(there).f_blocks * os.statvfs(there).f_frsize < 200_000, "the disk is not the small one"
        assert [path for path in there.iterdir() if path.name != LOCK_FILE] == []
