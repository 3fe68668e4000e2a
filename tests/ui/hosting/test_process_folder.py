"""Tests of the process's folder: those of killed processes are deleted, those of running ones are not."""

import fcntl
import os
import tempfile
from pathlib import Path

from ui.hosting import process_folder


def test_a_folder_of_ones_own_is_made_and_what_killed_processes_left_is_deleted(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.delenv("GRADIO_TEMP_DIR")
    monkeypatch.setattr(process_folder, "_OWN_FOLDERS", [])
    left, running, link = (tmp_path / f"{process_folder.PREFIX}{name}" for name in ("left", "running", "link"))
    other = tmp_path / "another program's"
    for folder in (left, running, other):
        folder.mkdir()
        (folder / "upload.txt").touch()
    link.symlink_to(other)
    handle = os.open(running, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    own = process_folder.make_process_folder()
    os.close(handle)
    assert own.parent == tmp_path and own.is_dir() and tempfile.gettempdir() == str(own)
    assert Path(os.environ["GRADIO_TEMP_DIR"]) == own / "uploads"
    assert not left.exists() and (running / "upload.txt").exists() and (other / "upload.txt").exists()
    process_folder._OWN_FOLDERS.pop().cleanup()
    assert not own.exists()
