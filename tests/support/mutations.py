"""Random mutations of files, by accident or malice; deterministic: the same number gives the same mutation."""

import io
import random
import re
import zipfile
import zlib

NUMBERS = [b"0", b"-1", b"2147483647", b"4294967296", b"-9223372036854775808", b"9" * 30, b"1e400", b"NaN"]
BYTES = [
    b"\0",
    b"\xff",
    b"\n",
    b"<",
    b">",
    b'"',
    b"{",
    b"[",
    b",",
    b"\\",
    b"&#0;",
    b"\xed\xa0\x80",
    b"%PDF-1.7",
    b"PK\x03\x04",
]
STREAM = re.compile(rb"stream\r?\n(.*?)\r?\nendstream", re.DOTALL)
OUTCOMES = ("read", "refused", "broke down", "too slow", "too large")


def span(data, rng, most):
    """Return a random start in data and an end at most so many bytes after it."""
    start = rng.randrange(len(data) + 1)
    return start, min(len(data), start + rng.randint(1, most))


def flip_bits(data, rng, _):
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 3, 10, 100))):
        if changed:
            changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def set_bytes(data, rng, _):
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 3, 10, 100))):
        if changed:
            changed[rng.randrange(len(changed))] = rng.randrange(256)
    return bytes(changed)


def truncate(data, rng, _):
    return data[: rng.randrange(len(data) + 1)]


def behead(data, rng, _):
    return data[rng.randrange(len(data) + 1) :]


def delete(data, rng, _):
    start, end = span(data, rng, 2000)
    return data[:start] + data[end:]


def duplicate(data, rng, _):
    start, end = span(data, rng, 2000)
    return data[:end] + data[start:end] * rng.choice((1, 2, 10, 100)) + data[end:]


def move(data, rng, _):
    start, end = span(data, rng, 2000)
    rest = data[:start] + data[end:]
    place = rng.randrange(len(rest) + 1)
    return rest[:place] + data[start:end] + rest[place:]


def splice(data, rng, others):
    other = rng.choice(others)
    first, last = span(other, rng, 5000)
    start, end = span(data, rng, 2000)
    return data[:start] + other[first:last] + data[end if rng.random() < 0.5 else start :]


def insert(data, rng, _):
    place = rng.randrange(len(data) + 1)
    return data[:place] + rng.choice(BYTES) * rng.choice((1, 2, 100, 10_000)) + data[place:]


def renumber(data, rng, _):
    found = list(re.finditer(rb"\d+", data))
    if not found:
        return data
    number = rng.choice(found)
    return data[: number.start()] + rng.choice(NUMBERS) + data[number.end() :]


OPERATIONS = (flip_bits, set_bytes, truncate, behead, delete, duplicate, move, splice, insert, renumber)


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


def outcome(reason):
    """Return the outcome of a file from the reason it was refused for, "" if it was read."""
    marks = {"broke down": "broke down", "took": "too slow", "MB of memory": "too large"}
    if not reason:
        return "read"
    return next((name for mark, name in marks.items() if mark in reason), "refused")


def table(counts):
    """Return the counts, (suffix, outcome) -> count, as a table whose last line is the sum."""
    rows = [["format", "tried", *OUTCOMES]]
    for suffix in sorted({suffix for suffix, _ in counts}):
        found = [counts[suffix, name] for name in OUTCOMES]
        rows.append([suffix, sum(found), *found])
    rows.append(["all", *map(sum, zip(*(row[1:] for row in rows[1:]), strict=True))])
    return "\n".join("".join(f"{cell:>12}" for cell in row) for row in rows)
