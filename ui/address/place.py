"""A place of the page as its address says it: the tab, the collection, and the values of the tab's controls."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import parse_qsl

from retriever.chunking.chunker import default_chunk_size
from retriever.encoders.catalogue import MODELS, model_card
from retriever.errors import ParameterError
from retriever.indexing.collection import IndexSettings
from ui.compare.controls import COMPARED_GRAPHS, NONE
from ui.compare.request import COLLECTIONS
from ui.compare.retrievers.choices import RETRIEVERS
from ui.documents.job import index_settings
from ui.inputs import SLIDER_EF_CONSTRUCTION, SLIDER_M, SLIDER_MAX_EF, SLIDER_MAX_K
from ui.jobs.shared_samples import SAMPLE_TITLES
from ui.lessons.lesson import lessons
from ui.recall.engine import IN_PROCESS, MILVUS
from ui.render.links import OWN, TAB_TITLES
from ui.search.beside import CHOICES
from ui.settings import limits, milvus_address

MOST_CHARACTERS, MOST_PARAMETERS = 20_000, 100  # of an address; what has more was not made by the page


@dataclass(frozen=True)
class Place:
    """What an address says.

    tab: the tab to open, or empty. sample: the name of a sample, or empty to keep what is loaded; settings: how it is
    indexed. own: whether it was made while the visitor's own documents were loaded. values: of the tab's controls, by
    parameter; what is left out stays as it is. problems: what could not be read, as sentences.
    """

    tab: str = ""
    sample: str = ""
    settings: IndexSettings = field(default_factory=IndexSettings)
    own: bool = False
    values: Mapping[str, Any] = field(default_factory=dict)
    problems: tuple[str, ...] = ()

    @classmethod
    def of(cls, query: str) -> Self:
        """Return the place that a query string says; what is unknown is passed over.

        What cannot be read is left out, and named in the problems.
        """
        if len(query) > MOST_CHARACTERS or query.count("&") > MOST_PARAMETERS:
            return cls(problems=("The address is too long to be one of this page, so nothing of it was read.",))
        given = dict(parse_qsl(query.removeprefix("?"), errors="replace"))
        read: dict[str, Any] = {}
        problems = []
        for name in [name for name in READERS if name in given]:
            try:
                read[name] = READERS[name](given[name])
            except (ValueError, ParameterError) as error:
                problems.append(f"The address says {name}={_short(given[name])}, but {error} It was left out.")
        model = read.pop("model", IndexSettings().model_name)
        settings = index_settings(
            model,
            chunk_size=read.pop("chunk", default_chunk_size(model_card(model))),
            chunk_overlap=read.pop("overlap", 0),
            M=read.pop("M", IndexSettings().M),
            ef_construction=read.pop("efConstruction", IndexSettings().ef_construction),
        )
        own, tab, sample = bool(read.pop(OWN, False)), read.pop("tab", ""), read.pop("sample", "")
        return cls(tab, sample, settings, own, read, tuple(problems))


def _short(value: str) -> str:
    """Return a value as it is quoted in a sentence."""
    return repr(value if len(value) <= 40 else f"{value[:39]}…")


def _one_of(names: Any, what: str) -> Callable[[str], str]:  # noqa: ANN401 - any collection of texts
    """Return a reader of one of some names."""

    def read(value: str) -> str:
        if value not in names:
            raise ValueError(f"there is no such {what}: it is one of {', '.join(names)}.")
        return value

    return read


def _number(low: float, high: float, kind: Callable[[str], float] = int) -> Callable[[str], float]:
    """Return a reader of a number, which is brought into a range as the page's own controls do."""

    def read(value: str) -> float:
        try:
            number = kind(value)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise ValueError(f"that is no {'whole ' * (kind is int)}number from {low:g} to {high:g}.")
        return min(max(number, low), high)

    return read


def _flag(value: str) -> bool:
    """Read what is said by a 1."""
    if value not in ("0", "1"):
        raise ValueError("that is neither 0 nor 1.")
    return value == "1"


def _question(value: str) -> str:
    """Read a question."""
    if len(value) > limits().question_characters:
        raise ValueError(f"a question has at most {limits().question_characters:,} characters.")
    return value


def _engine(value: str) -> str:
    """Read an engine; one that this lab does not have is named as such, whatever lab made the address."""
    if value == MILVUS and milvus_address() is None:
        raise ValueError("this lab has no Milvus server: it measures in its own process.")
    return _one_of((IN_PROCESS, MILVUS), "engine")(value)


# of every parameter, a function that reads its value; it raises ValueError with the end of a sentence
READERS: dict[str, Callable[[str], Any]] = {
    "tab": _one_of(TAB_TITLES, "tab"),
    "sample": _one_of(SAMPLE_TITLES, "sample"),
    OWN: _flag,
    "model": _one_of(MODELS, "model"),
    "chunk": _number(8, 4096),
    "overlap": _number(0, 4096),
    "M": _number(*SLIDER_M),
    "efConstruction": _number(*SLIDER_EF_CONSTRUCTION),
    "k": _number(1, SLIDER_MAX_K),
    "ef": _number(1, SLIDER_MAX_EF),
    "q": _question,
    "beside": _one_of(CHOICES, "third answer"),
    "axis": _one_of(("latency", "distances"), "axis"),
    "engine": _engine,
    "target": _number(0.5, 1, float),
    "on": _one_of(COLLECTIONS, "collection"),
    "first": _one_of(RETRIEVERS, "model"),
    "second": _one_of(RETRIEVERS, "model"),
    "third": _one_of((NONE, *RETRIEVERS), "model"),
    "fourth": _one_of((NONE, *RETRIEVERS), "model"),
    "graph": _one_of(COMPARED_GRAPHS, "graph"),
    "compared": _flag,
    "lesson": _one_of(lessons(), "lesson"),
    "step": _one_of({step.name for lesson in lessons().values() for step in lesson.steps}, "step of a lesson"),
}
