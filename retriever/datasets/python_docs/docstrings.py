"""Documents from the docstrings of installed packages, a sample that needs no download.

The sources are parsed with `ast`; nothing is imported or run, so reading needs no more than the files and cannot
run another package's code. A definition is named as users import it (`numpy.linspace`, though it is defined in
`numpy/_core/function_base.py`): the exports of every public module are followed, and the shortest name wins.
"""

import inspect
import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from retriever.datasets.python_docs.modules import Definition
from retriever.datasets.python_docs.packages import DOCUMENTED_PACKAGES, is_public, source_files
from retriever.datasets.python_docs.public_names import PublicNames
from retriever.documents.document import Document

MAX_CHARACTERS = 300  # keeps the mean near 40 tokens, of which a 2-core machine encodes some 4,300 a second

# If several public classes share a private base class, its methods are listed under the one that most people use.
_FAMILIAR = (
    "numpy.polynomial.Polynomial",
    "pandas.DataFrame",
    "pandas.Series",
    "pandas.api.typing.DataFrameGroupBy",
    "pathlib.PurePath",
    "scipy.sparse.csr_array",
)
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[0-9])(?=[A-Z][a-z])|(?<=[A-Z])(?=[A-Z][a-z]{2})")
_SIGNATURE = re.compile(r"[\w.]+\s?\(.*\)( *->.*)?(\n--)?$", re.DOTALL)
_NOT_PROSE = re.compile(
    r"\.\. |>>>|:\w+.*:|[-*+] |\S.*\n *([-=~^])\1{2,} *(\n|$)"
    r"|(Args?|Arguments?|Attributes?|Examples?|Note|Notes|Parameters?|Raises|Returns?|See also|Usage|Yields) ?:"
)
_PLACEHOLDER = re.compile(r"%\(\w+\)s|\{\w+\}|\$\{?\w+\}|%s")
_TEMPLATE_LINE = re.compile(rf"^[ \t]*(?:{_PLACEHOLDER.pattern})[ \t]*$\n?", re.MULTILINE)
_DEPRECATED = re.compile(r"\W*deprecated|.*^\.\. deprecated|.*^deprecated\b", re.IGNORECASE | re.DOTALL | re.MULTILINE)


def read_python_docs(
    packages: Sequence[str] = DOCUMENTED_PACKAGES,
    *,
    whole: bool = False,
    progress: Callable[[float], None] | None = None,
) -> list[Document]:
    """Return one document per public function, class, method or property, ordered by package and name.

    whole: use the docstring as written, and no text twice; otherwise the text is its beginning. `progress` is called
    with the fraction of the files read, rising to 1.0; an exception it raises ends the reading. Raises CollectionError
    if a package is not installed.
    """
    files = {package: source_files(package) for package in packages}
    total, done = sum(map(len, files.values())), 0
    documents: list[Document] = []
    seen: set[tuple[str, str]] = set()
    for package, paths in files.items():

        def report(fraction: float, before: int = done, share: int = len(paths)) -> None:
            if progress:
                progress((before + fraction * share) / total)

        found: dict[str, Document] = {}
        for name, definition in _read_package(paths, report):
            text = _whole_docstring(definition.doc) if whole else _summary(definition.doc)
            # skip a text repeated under the same last name of a package, or a repeated docstring
            key = ("", text) if whole else (f"{package}.{name.rpartition('.')[2]}", text)
            if text and name not in found and key not in seen:
                seen.add(key)
                found[name] = Document(name, text, name, {"source": package, "kind": definition.kind})
        documents += [found[name] for name in sorted(found)]
        report(1.0)
        done += len(paths)
    return documents


def name_in_words(name: str) -> str:
    """Split a qualified name at dots, underscores and capitals: embedding models know words, not identifiers."""
    return " ".join(_CAMEL.sub(" ", name.replace(".", " ").replace("_", " ")).split())


def _read_package(files: dict[str, Path], report: Callable[[float], None]) -> Iterator[tuple[str, Definition]]:
    """Yield public names and definitions, the shortest names first, members after their class."""
    file_numbers = itertools.count(1)
    sources = PublicNames(files, lambda: report(min(1.0, next(file_numbers) / len(files))))
    names = sources.public_definitions(is_public)
    yielded: set[Definition] = set()
    stack = sorted(
        ((name, found) for found, name in names.items()), key=lambda pair: _name_order(pair[0]), reverse=True
    )
    while stack:
        name, definition = stack.pop()
        if definition not in yielded:
            yielded.add(definition)
            yield name, definition
            members = [(f"{name}.{part}", found) for part, found in sources.members(definition, names).items()]
            stack += [(part, found) for part, found in members if found not in names and is_public(part)]


def _name_order(name: str) -> tuple[int, int, int, str]:
    familiar = _FAMILIAR.index(name) if name in _FAMILIAR else len(_FAMILIAR)
    return familiar, name.count("."), len(name), name


def _whole_docstring(doc: str) -> str:
    """Return a docstring as written, without lines of template placeholders; empty if it has fewer than three words."""
    text = _TEMPLATE_LINE.sub("", inspect.cleandoc(doc)).strip()
    return "" if text.count(" ") < 2 else text


def _summary(doc: str) -> str:
    """Return the summary and first paragraph of a docstring; empty if it is deprecated, a template or not prose."""
    beginning = inspect.cleandoc("\n\n".join(re.split(r"\n\s*\n", doc, maxsplit=4)[:4]))
    if _DEPRECATED.match(beginning):
        return ""
    beginning = re.split(r"\n.+\n *-{3,} *(?:\n|$)", beginning, maxsplit=1)[0]  # a heading ends the prose
    paragraphs = [part for part in beginning.split("\n\n") if not _SIGNATURE.match(part)]
    prose = itertools.takewhile(lambda part: not _NOT_PROSE.match(part), paragraphs[:2])
    text = _without_markup(" ".join(itertools.takewhile(lambda part: not _PLACEHOLDER.search(part), prose)))
    return "" if text.count(" ") < 2 else _shorten(text)


def _without_markup(text: str) -> str:
    """Remove reStructuredText markup: roles, backticks, emphasis, footnotes."""
    text = re.sub(r":[\w:+-]+:`[~!]?([^`<]*?)(\s*<[^`>]*>)?`", r"\1", text)
    text = re.sub(r"(?<![\w`])`([^`'\s]+)'", r"'\1'", text)  # quotation marks of the old style
    text = re.sub(r"`+([^`<]*?)(\s*<[^`>]*>)?`+_*", r"\1", text)
    text = re.sub(r"\s?\[\w+\]_|\s\[\d+\](?=[\s.,;:)]|$)", "", text).replace("::", ":")
    return " ".join(re.sub(r"\*{1,2}(\w[^*\n]*)\*{1,2}", r"\1", text).split())


def _shorten(text: str) -> str:
    """Cut a text after the last sentence that fits, or, if that would lose more than half, after the last word."""
    if len(text) <= MAX_CHARACTERS:
        return text
    head = text[: MAX_CHARACTERS - 1]
    ends = [match.end() for match in re.finditer(r"(?<!e\.g)(?<!i\.e)[.!?](?=\s)", head)]
    if ends and ends[-1] > MAX_CHARACTERS // 2:
        return head[: ends[-1]]
    return head.rpartition(" ")[0].rstrip(" ,;:") + "\u2026"
