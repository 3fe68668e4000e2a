#!/usr/bin/env python3
"""Make or check the lock files: every package that is installed, transitive ones too, by version and SHA-256.

    .ci/lock.py             make locks/*.txt anew from the requirements files; needs uv (locks/tools.txt) and a network
    .ci/lock.py --upgrade   the same, with the newest versions of what no requirements file pins
    .ci/lock.py --check     exit with 1 if they do not belong to the requirements files; needs neither
    .ci/lock.py --outdated  print which pins are older than the newest release, as a Markdown table

A lock file holds what its requirements file needs and no lock file before it holds, so that pip takes several at once.
"""

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
APP, TESTS, BENCHMARKS = "requirements.txt", "tests/requirements.txt", "benchmarks/requirements.txt"
LOCKS = {  # lock file -> the requirements files that it is made from, the last of them for itself
    "app": [APP],
    "tests": [APP, TESTS],
    "benchmarks": [APP, TESTS, BENCHMARKS],
    "build": ["locks/build.in"],
    "tools": ["locks/tools.in"],
}
ALONE = ("build", "tools")  # complete by themselves
CUDA = re.compile(r"(nvidia|cuda)-|triton$")  # what PyTorch's build for GPUs adds on Linux
ENTRY = re.compile(r"([A-Za-z0-9][\w.-]*?)(?:\[[\w,-]+\])?\s*(?:==\s*([^\s;\\]+))?(?=[\s;\\<>=!~]|$)")
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}\b")
HEAD = """\
# Made by .ci/lock.py from {}: Linux and macOS, Python 3.11 to 3.13. Not to be edited.
# Of pins with the SHA-256 {}.
"""

Entries = dict[str, tuple[str, str]]  # name -> version, and all lines of the entry


def entries(text: str) -> Entries:
    """Return the entries of a requirements or lock file; a version is "" where none is pinned."""
    found: Entries = {}
    for block in re.split(r"^(?=\S)", text, flags=re.MULTILINE):
        match = ENTRY.match(block)
        if match:
            found[re.sub(r"[-_.]+", "-", match[1]).lower()] = (match[2] or "", block.split("    # via")[0].rstrip())
    return found


def read(file: str) -> Entries:
    """Return the entries of a file of the repository; none if it is missing."""
    path = ROOT / file
    return entries(path.read_text(encoding="utf-8")) if path.is_file() else {}


def resolve(files: Iterable[str], *options: str, given: str | None = None) -> Entries:
    """Return the entries that uv finds for requirements files."""
    command = ["uv", "pip", "compile", "--quiet", "--no-header", "--universal", "--python-version=3.11", *options]
    done = subprocess.run([*command, *files], cwd=ROOT, input=given, text=True, stdout=subprocess.PIPE, check=True)
    return entries(done.stdout)


def pins(files: Iterable[str]) -> dict[str, str]:
    """Return the versions that requirements files pin, "" for what they only name."""
    return {key: version for file in files for key, (version, _) in read(file).items()}


def head(files: list[str]) -> str:
    """Return the first lines of a lock file, which tell what it was made from."""
    return HEAD.format(files[-1], hashlib.sha256(json.dumps(pins(files)).encode()).hexdigest())


def write(name: str, files: list[str], found: Entries) -> None:
    """Write a lock file."""
    lines = [head(files), *(f"{block}\n" for _, (_, block) in sorted(found.items()))]
    (ROOT / "locks" / f"{name}.txt").write_text("".join(lines), encoding="utf-8")


def make(*options: str) -> None:
    """Make all lock files; versions that are locked already stay, unless the options say otherwise."""
    kept = [] if options else [f"--constraint=locks/{name}.txt" for name in LOCKS if read(f"locks/{name}.txt")]
    before: Entries = {}
    for name, files in LOCKS.items():
        found = resolve(files, "--generate-hashes", *options, *kept)
        if name not in ALONE:
            found, before = {key: found[key] for key in found.keys() - before.keys()}, before | found
        if name == "app":
            write("cuda", files, {key: entry for key, entry in found.items() if CUDA.match(key)})
            found = {key: entry for key, entry in found.items() if not CUDA.match(key)}
        write(name, files, found)


def problems() -> Iterator[str]:
    """Yield what is wrong with the lock files."""
    for name, files in {**LOCKS, "cuda": [APP]}.items():
        path = ROOT / "locks" / f"{name}.txt"
        if not path.is_file() or not path.read_text(encoding="utf-8").startswith(head(files)):
            yield f"locks/{name}.txt was not made from {' and '.join(files)} as they are now"
    pinned = pins([APP, TESTS, BENCHMARKS])
    for name in (*LOCKS, "cuda", "torch-cpu"):
        for key, (version, block) in read(f"locks/{name}.txt").items():
            if not version or not HASH.search(block):
                yield f"locks/{name}.txt: {key} has no version or no hash"
            if name != "tools" and key in pinned and version.partition("+")[0] != pinned[key]:
                yield f"locks/{name}.txt has {key} {version}, not {pinned[key]}"
    missing = pinned.keys() - {key for name in LOCKS for key in read(f"locks/{name}.txt")}
    yield from (f"no lock file has {key}" for key in sorted(missing))


def outdated() -> Iterator[str]:
    """Yield the rows of a table of the pins that are older than the newest release that fits the others."""
    pinned = pins([APP, TESTS, BENCHMARKS])
    newest = resolve(["-"], given="\n".join(pinned))
    yield "| package | pinned | newest |\n|---|---|---|"
    for key, version in pinned.items():
        if newest[key][0] != version:
            yield f"| {key} | {version} | {newest[key][0]} |"


def main(arguments: list[str]) -> int:
    """Do what the arguments say and return the exit status."""
    if arguments == ["--check"]:
        found = list(problems())
        sys.stderr.writelines(f"{problem}\n" for problem in found)
        if found:
            sys.stderr.write("Run .ci/lock.py after a change of a requirements file.\n")
        return bool(found)
    if arguments == ["--outdated"]:
        sys.stdout.writelines(f"{row}\n" for row in outdated())
    elif arguments in ([], ["--upgrade"]):
        make(*arguments)
    else:
        sys.stderr.write(__doc__ or "")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
