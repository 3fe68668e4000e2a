"""Random mutations of files, by accident or malice; deterministic: the same number gives the same mutation."""

import io
import random
import re
import zipfile
import zlib

NUMBERS = [b"0", b"-1", b"2147483647", b"4294967296", b"-9223372036854775808", b"9" * 30, b"1e400", b"NaN"]
BYTES = [b"\0", b"\xff", b"\n", b"<", b'"', b"{", b"[", b",", b"\\", b"&#0;", b"\xed\xa0\x80", b"%PDF-1.7"]
STREAM = re.compile(rb"stream\r?\n(.*?)\r?\nendstream", re.DOTALL)


def span(data, rng, most=2000):
    """Return a random start in data and an end at most so many bytes after it."""
    start = rng.randrange(len(data) + 1)
    return start, min(len(data), start + rng.randint(1, most))


def set_bytes(data, rng, _):
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 3, 10, 100)) if data else 0):
        changed[rng.randrange(len(changed))] = rng.randrange(256)
    return bytes(changed)


def truncate(data, rng, _):
    return data[: rng.randrange(len(data) + 1)]


def duplicate_or_delete(data, rng, _):
    start, end = span(data, rng)
    return data[:start] + data[start:end] * rng.choice((0, 2, 10, 100)) + data[end:]


def splice(data, rng, others):
    other = rng.choice(others)
    (first, last), (start, end) = span(other, rng, 5000), span(data, rng)
    return data[:start] + other[first:last] + data[end if rng.random() < 0.5 else start :]


def insert(data, rng, _):
    place = rng.randrange(len(data) + 1)
    return data[:place] + rng.choice(BYTES) * rng.choice((1, 2, 100, 10_000)) + data[place:]


def renumber(data, rng, _):
    found = [number.span() for number in re.finditer(rb"\d+", data)] or [(0, 0)]
    start, end = rng.choice(found)
    return data[:start] + rng.choice(NUMBERS) + data[end:]


OPERATIONS = (set_bytes, truncate, duplicate_or_delete, splice, insert, renumber)


def damage(data, rng, others):
    """Damage bytes one to four times; half the time inside the compressed content, where there is any."""
    inside = rng.random() < 0.5
    if inside and data.startswith(b"PK"):
        return in_zip(data, rng, others)
    if inside and data.startswith(b"%PDF") and STREAM.search(data):
        return in_stream(data, rng, others)
    for _ in range(rng.randint(1, 4)):
        data = rng.choice(OPERATIONS)(data, rng, others)
    return data


def in_zip(data, rng, others):
    """Damage one member of a zip archive and pack it again with correct checksums."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as archive, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as written:
        names = archive.namelist()
        chosen = rng.choice([*names, "word/document.xml", "word/document.xml"])
        for name in names:
            content = archive.read(name)
            written.writestr(name, damage(content, rng, others) if name == chosen else content)
    return buffer.getvalue()


def in_stream(data, rng, others):
    """Damage the unpacked content of a stream of a PDF, and pack it again."""
    stream = rng.choice(list(STREAM.finditer(data)))
    try:
        content = zlib.compress(damage(zlib.decompress(stream[1]), rng, others))
    except zlib.error:
        content = damage(stream[1], rng, others)
    return data[: stream.start(1)] + content + data[stream.end(1) :]


def mutation(samples, name, number):
    """Return one of a sample's mutations; samples: name -> bytes."""
    rng = random.Random(f"{name} {number}")
    return damage(samples[name], rng, list(samples.values()))
