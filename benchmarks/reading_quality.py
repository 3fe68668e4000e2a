"""Words lost and glued in reading real PDF, DOCX and HTML files, and the time, against what else reads them.

Each tool is judged by the majority of the others, this project's reader among them. Tools that rest on one engine have
one vote and do not judge one another: what pdfminer.six glues, pdfplumber and markitdown both glue. The time is that of
the processor, as the tools work in this process.
"""

import logging
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.documents import pinned_files
from benchmarks.protocol import Comparison, Target, Values, interleaved
from benchmarks.report import Stage, Unavailable, main
from benchmarks.words import glued_words, lost_words, majority_of, words_of
from retriever.documents.loading import load_documents

OURS = "retriever"
ENGINE = {"pdfplumber": "pdfminer.six", "markitdown": "pdfminer.six"}
ROUNDS = 3  # of the full form
QUICK = 8  # of how many files the quick form reads one
WORST, EXAMPLES = 3, 5  # files of a format, and words of each, that the notes name
MOST_LOST, MOST_GLUED = 200.0, 3.0  # of 10,000 words of a PDF
Words = Mapping[str, Sequence[Sequence[str]]]  # tool -> the words of each file


@dataclass(frozen=True)
class Score:
    """What a tool made of one file. read: the number of words that the majority of the other tools read."""

    read: int
    lost: Counter[str]
    glued: Counter[str]


def run(full: bool) -> Stage:
    """Let all tools of a format read its files, and compare each tool's words with those of the others."""
    comparisons: list[Comparison] = []
    notes: list[str] = []
    data: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder, _quiet():
        files, missing = _write_files(Path(folder), 1 if full else QUICK)
        if not any(files.values()):
            raise Unavailable(missing[0])
        for suffix, paths in files.items():
            if paths:
                found, words, failed = _compare(
                    suffix.removeprefix(".").upper(), TOOLS[suffix], paths, ROUNDS if full else 1
                )
                comparisons += found
                notes += [*failed, *_worst_files(paths, words)]
                data[f"{suffix} files, words"] = [len(paths), sum(map(len, words[OURS]))]
    return Stage("Reading real files", comparisons, data, {}, [*missing, *notes])


def _write_files(folder: Path, every: int) -> tuple[dict[str, list[Path]], list[str]]:
    """Write each of so many pinned files under its own name; return the paths by format, and what is missing."""
    paths: dict[str, list[Path]] = {suffix: [] for suffix in TOOLS}
    missing = []
    for suffix in paths:
        for number, file in enumerate(
            islice((file for file in pinned_files() if file.suffix == suffix), 0, None, every)
        ):
            try:
                content = file.read()
            except FileNotFoundError as error:
                missing.append(f"Not measured: {error}.")
                continue
            path = folder / f"{suffix[1:]}{number}" / file.name
            path.parent.mkdir(parents=True)
            path.write_bytes(content)
            paths[suffix].append(path)
    return paths, missing


def _compare(
    name: str, tools: Mapping[str, Callable[[Path], str]], paths: Sequence[Path], rounds: int
) -> tuple[list[Comparison], Words, list[str]]:
    """Return the lines of one format, the words that each tool read of each file, and what a tool could not read."""
    texts: dict[str, list[str]] = {}
    failed: dict[str, None] = {}

    def reading(tool: str) -> Callable[[], float]:
        def measured() -> float:
            warmed_up = tool in texts  # which the first file does in the round that is discarded
            texts[tool] = []
            start = time.process_time()
            for path in paths if warmed_up else paths[:1]:
                try:
                    texts[tool].append(tools[tool](path))
                except Exception as error:  # a file that a tool cannot read is lost with all its words
                    texts[tool].append("")
                    failed[f"{tool} cannot read {_short_name(path)}: {type(error).__name__}: {error}"[:200]] = None
            return time.process_time() - start

        return measured

    seconds = interleaved({tool: reading(tool) for tool in tools}, rounds)
    words = {tool: [words_of(text) for text in found] for tool, found in texts.items()}
    scores = {tool: [score_of(tool, words, number) for number in range(len(paths))] for tool in tools}
    lost = {tool: _per_10_000(found, [file.lost for file in found]) for tool, found in scores.items()}
    glued = {tool: _per_10_000(found, [file.glued for file in found]) for tool, found in scores.items()}
    peers = [Target(1.0, tool) for tool in tools if tool != OURS]
    limits = ([Target(MOST_LOST)], [Target(MOST_GLUED)]) if name == "PDF" else ([], [])
    lines = [
        Comparison(f"{name}: words lost of 10,000", "", lost, [*limits[0], *peers]),
        Comparison(f"{name}: words glued of 10,000", "", glued, [*limits[1], *peers]),
        Comparison(f"{name}: time for {len(paths)} files", "s", seconds, peers),
    ]
    return lines, words, list(failed)


def score_of(tool: str, words: Words, number: int) -> Score:
    """Return what a tool lost and glued of a file, by its number, against the majority of the other engines."""
    others: list[Sequence[str]] = []
    votes: dict[str, Counter[str]] = {}
    for other, found in words.items():
        engine = ENGINE.get(other, other)
        if engine != ENGINE.get(tool, tool):
            others.append(found[number])
            votes[engine] = votes.get(engine, Counter()) | Counter(found[number])
    majority, own = majority_of(list(votes.values())), words[tool][number]
    return Score(majority.total(), lost_words(own, majority), glued_words(own, majority, others))


def _per_10_000(scores: Sequence[Score], counts: Sequence[Counter[str]]) -> Values:
    return np.array([sum(count.total() for count in counts) * 1e4 / max(1, sum(score.read for score in scores))])


def _worst_files(paths: Sequence[Path], words: Words) -> Iterator[str]:
    """Yield a sentence on each of the files of which the retriever lost or glued the most words."""
    scores = [(path, score_of(OURS, words, number)) for number, path in enumerate(paths)]
    for what in ("lost", "glued"):
        counts = {path: (getattr(score, what), score.read) for path, score in scores if getattr(score, what)}
        for path, (count, read) in islice(sorted(counts.items(), key=lambda item: -item[1][0].total()), WORST):
            examples = ", ".join(word for word, _ in count.most_common(EXAMPLES))
            yield f"{_short_name(path)}: {count.total():,} words {what} of {read:,}, such as {examples}."


def _short_name(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the tools' warnings about single files off the screen."""
    logging.disable(logging.ERROR)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


# --- how each tool reads a file, as its manual shows it


def _retriever(path: Path) -> str:
    documents = load_documents(path)
    if not documents and documents.failed:
        raise ValueError(next(iter(documents.failed.values())))
    return "\n\n".join(document.text for document in documents)


def _pypdf(path: Path) -> str:
    from pypdf import PdfReader

    return "\n".join(page.extract_text() for page in PdfReader(path).pages)


def _pdfplumber(path: Path) -> str:
    import pdfplumber

    with pdfplumber.open(path) as document:
        return "\n".join(page.extract_text() for page in document.pages)


def _markitdown(path: Path) -> str:
    return str(_converter().convert(path).text_content)


@cache
def _converter() -> Any:  # noqa: ANN401 - the peer is imported when it is needed
    from markitdown import MarkItDown

    return MarkItDown()


def _python_docx(path: Path) -> str:
    import docx
    from docx.table import Table

    texts = []
    for block in docx.Document(str(path)).iter_inner_content():
        if isinstance(block, Table):
            texts += ["\t".join(cell.text for cell in row.cells) for row in block.rows]
        else:
            texts.append(block.text)
    return "\n".join(texts)


def _trafilatura(path: Path) -> str:
    import trafilatura

    return trafilatura.extract(path.read_bytes()) or ""


TOOLS: dict[str, dict[str, Callable[[Path], str]]] = {  # format -> tool -> how it reads a file
    ".pdf": {OURS: _retriever, "pypdf": _pypdf, "pdfplumber": _pdfplumber, "markitdown": _markitdown},
    ".docx": {OURS: _retriever, "markitdown": _markitdown, "python-docx": _python_docx},
    ".html": {OURS: _retriever, "markitdown": _markitdown, "trafilatura": _trafilatura},
}


if __name__ == "__main__":
    main(run)
