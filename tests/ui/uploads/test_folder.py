"""Tests of the folder of uploads: what the disk refuses takes no room, and what cannot be deleted is tried again."""

import shutil

import pytest

from retriever.turns import LAB, Owner
from ui.uploads.disk_budget import DISK_BUDGET, RoomRefused
from ui.uploads.folder import (
    claim_uploads,
    delete_folder,
    discard_uploads,
    download_folder,
    keep_folder,
    new_folder,
    sweep_uploads,
)


@pytest.fixture(autouse=True)
def root(tmp_path, monkeypatch):
    """A folder of uploads of the test's own, with nothing counted before and after."""
    sweep_uploads(-1)
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "uploads"))
    yield tmp_path / "uploads"
    sweep_uploads(-1)
    assert DISK_BUDGET.held == 0


def upload(*names):
    """Make an upload of files of 1 MB each; return their paths."""
    folder = new_folder(1_000_000 * len(names), LAB, arriving=True)
    for name in names:
        (folder / name).write_bytes(bytes(1_000_000))
    keep_folder(folder)
    return [folder / name for name in names]


def test_files_that_are_read_give_their_room_back_one_by_one(root):
    first, second = upload("a", "b")
    discard_uploads([first, "/etc/hostname", root / "gone"])
    assert DISK_BUDGET.held == 1_000_000 and second.exists()
    discard_uploads([second])
    assert DISK_BUDGET.held == 0 and not list(root.iterdir())


def test_a_folder_that_cannot_be_made_takes_no_room(root):
    root.write_text("a file in its place")
    with pytest.raises(OSError, match="uploads"):
        new_folder(5_000, LAB)
    assert DISK_BUDGET.held == 0


def test_what_cannot_be_deleted_stays_counted_until_the_sweep_deletes_it(monkeypatch):
    folder = new_folder(5_000, LAB, arriving=True)
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", lambda *_, **__: None)
        delete_folder(folder)
        sweep_uploads(3_600)
    assert folder.exists() and DISK_BUDGET.held == 5_000
    sweep_uploads(3_600)
    assert not folder.exists() and DISK_BUDGET.held == 0


def test_files_that_somebody_else_deletes_are_noticed_before_an_upload_is_refused(monkeypatch):
    monkeypatch.setenv("LAB_DISK_MB", "2")
    [path] = upload("a")
    with pytest.raises(RoomRefused):
        new_folder(1_500_000, Owner("10.0.0.1"))
    path.unlink()
    delete_folder(new_folder(1_500_000, Owner("10.0.0.1")))


def test_what_no_session_is_to_read_is_deleted_soon(root, monkeypatch):
    """An upload that nobody has named, or only a page that has gone; a page that is open keeps its own."""
    monkeypatch.setattr("ui.uploads.folder.ABANDONED_SECONDS", -1.0)
    [unnamed], [left], [kept] = upload("a"), upload("b"), upload("c")
    claim_uploads([str(left)], "gone")
    claim_uploads([str(kept)], "here")
    sweep_uploads(3_600, {"here", "another"})
    assert (unnamed.exists(), left.exists(), kept.exists()) == (False, False, True)
    sweep_uploads(3_600)
    assert kept.exists()


def test_a_download_that_fails_leaves_nothing(root):
    with pytest.raises(ZeroDivisionError), download_folder(5_000) as folder:
        (folder / "half.zip").write_bytes(b"half")
        raise ZeroDivisionError
    assert DISK_BUDGET.held == 0 and not list(root.iterdir())
