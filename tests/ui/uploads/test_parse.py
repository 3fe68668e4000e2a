"""Tests of what is kept of uploaded files: their content once it was read, the files where they can be read later."""

import pytest

from retriever.errors import CollectionError, RetrieverError
from retriever.turns import LAB
from ui.uploads.folder import keep_folder, new_folder
from ui.uploads.parse import ParsedFiles


@pytest.fixture
def upload():
    folder = new_folder(100, LAB)
    (folder / "a.txt").write_text("words")
    keep_folder(folder)
    return folder / "a.txt"


def test_a_file_stays_if_the_machine_lacks_what_reading_takes_and_goes_if_it_is_bad(upload):
    parsed, short = ParsedFiles(), RetrieverError("too many files")

    def fail(error, cause=None):
        def read():
            raise error from cause

        with pytest.raises(type(error)):
            parsed.get_or_parse([str(upload)], read)

    for error, cause in ((MemoryError(), None), (short, OSError(24, "too many"))):
        fail(error, cause)
        assert upload.exists()
    fail(CollectionError("bad"))
    assert not upload.exists()
