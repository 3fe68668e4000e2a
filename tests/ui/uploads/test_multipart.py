"""Tests of the parser of uploads: what it writes whatever the blocks, and what it refuses."""

import httpx
import pytest

from ui.uploads.multipart import MultipartReceiver, UploadError, safe_name

TYPE = "multipart/form-data; boundary=edge"
FILES = [("a.txt", b"one"), ("a.txt", b""), ("b.bin", b"\r\n--edg" * 9_000 + b"\r\n--")]


def encoded(files, field="files"):
    request = httpx.Request(
        "POST", "http://lab", headers={"Content-Type": TYPE}, files=[(field, each) for each in files]
    )
    return request.read()


def part(head, content="words"):
    return f"--edge\r\n{head}\r\n\r\n{content}\r\n".encode()


@pytest.fixture
def receive(tmp_path):
    """Parse a body, in blocks of some size; return the files' names and contents."""

    def receive(body, size=1_000_000, content_type=TYPE, max_files=3, max_megabytes=1):
        receive.told, receive.counted = [], 0

        def on_file():
            receive.counted += 1

        receiver = MultipartReceiver(
            content_type,
            tmp_path,
            max_files=max_files,
            max_megabytes=max_megabytes,
            on_file=on_file,
            on_bytes=lambda name, count: receive.told.append((name, count)),
        )
        try:
            for start in range(0, len(body), size):
                receiver.feed(body[start : start + size])
            return [(path.name, path.read_bytes()) for path in receiver.finish()]
        finally:
            receiver.close()

    return receive


@pytest.mark.parametrize("size", [1, 7, 1_000, 1_000_000])
def test_files_are_written_as_they_are_however_they_arrive(receive, size):
    assert receive(encoded(FILES), size) == FILES
    assert receive.counted == 3
    assert {name: sum(count for told, count in receive.told if told == name) for name in ("a.txt", "b.bin")} == {
        "a.txt": 3,
        "b.bin": len(FILES[2][1]),
    }


NAMED = 'Content-Disposition: form-data; name="files"; filename="a.txt"'
FIELD = 'Content-Disposition: form-data; name="x"'
WRONG = {
    "too many files": (encoded([("a.txt", b"")] * 4), {}, "more than 3 files"),
    "too large": (encoded([("a.txt", b"x" * 1_000_001)]), {}, "larger than 1 MB"),
    "another type": (b"{}", {"content_type": "application/json"}, "no upload of files"),
    "no boundary": (b"", {"content_type": "multipart/form-data"}, "no upload of files"),
    "a long boundary": (b"", {"content_type": f"multipart/form-data; boundary={'b' * 5_000}"}, "damaged"),
    "another field": (encoded([("a.txt", b"")], "other"), {}, "damaged"),
    "broken off": (encoded(FILES)[:-10], {}, "breaks off"),
    "nothing": (b"", {}, "breaks off"),
    "no parts": (b"x" * 1_000, {}, "damaged"),
    "a long header": (part(f"{NAMED}\r\nX: {'x' * 100_000}"), {}, "damaged"),
    "many headers": (part(NAMED + "\r\nX: x" * 100), {}, "damaged"),
    "many fields": (part(FIELD) * 11, {}, "more than files"),
    "a large field": (part(FIELD, "x" * 2_000), {}, "more than files"),
    "no name": (encoded([("..", b"")]), {}, "name cannot be used"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_refused_in_plain_words(receive, name, capfd):
    body, options, words = WRONG[name]
    with pytest.raises(UploadError, match=words):
        receive(body, **options)
    assert capfd.readouterr() == ("", ""), "the parser's own messages quote what was sent"


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("notes.txt", "notes.txt"),
        ("../../etc/passwd", "passwd"),
        ("C:\\temp\\übung (1).PDF", "übung (1).PDF"),
        ("a\0b\n<i>\u202etxt.exe", "abitxt.exe"),
        ("x" * 4_000 + ".txt", "x" * 196 + ".txt"),
        ("é" * 300 + "." + "y" * 300, "é" * 90 + "." + "y" * 19),
        (".txt", ".txt"),
    ],
)
def test_a_name_leads_nowhere_and_is_short(given, name):
    assert safe_name(given) == name
