"""What to use for a collection, in words and as code to copy. Pure functions."""

import numpy as np

from retriever.indexing.collection import IndexedCollection
from retriever.measurement.measurement import Measurement, PairedMeasurement
from retriever.measurement.recommendation import Recommendation
from ui.inputs import SLIDER_MAX_EF
from ui.recall.text import best_recall
from ui.render.export import download_link
from ui.render.html import HINT, Html, render
from ui.render.numbers import count_of, format_megabytes, format_score, format_seconds, index_recall, speed_up_words

EXACT_CODE = """\
from retriever import DenseRetriever

texts = ["Put your passages here.", "Each becomes one vector."]
retriever = DenseRetriever("{model}")
retriever.index(texts)
for hit in retriever.search("your question", top_k={k}):  # without ef the search is exact
    print(f"{{hit['score']:.3f}}  {{hit['text']}}")
"""
HNSW_CODE = """\
from retriever import DenseRetriever

texts = ["Put your passages here.", "Each becomes one vector."]
retriever = DenseRetriever("{model}", M={M}, ef_construction={ef_construction})
retriever.index(texts)
for hit in retriever.search("your question", top_k={k}, ef={ef}):
    print(f"{{hit['score']:.3f}}  {{hit['text']}}")
"""


def advice_section(indexed: IndexedCollection, advice: Recommendation, *, second: bool = False) -> Html:
    """Return what to use, with its evidence and its code, as HTML.

    second: whether the graph to use is the second one, which is laid over.
    """
    code = code_to_copy(advice, indexed.settings.model_name)
    return render(
        "recall/advice.html",
        sentence=advice_sentence(advice, second=second),
        evidence=_evidence(indexed, advice, second=second),
        code=code,
        link=download_link("search.py", "text/x-python", code, "Python"),
    )


def advice_sentence(advice: Recommendation, *, second: bool = False) -> str:
    """Return what to use and why."""
    graph, step, n = advice.graph, advice.step, advice.n
    found = f"a {index_recall(step.k)} of {format_score(step.mean_recall)}"
    if graph is not None:
        whose = "the second graph, " if second else ""
        return (
            f"Use HNSW: {whose}M={graph.M}, efConstruction={graph.ef_construction}, and search it at ef={step.ef}: "
            f"{found}, for {_distances(step)} a query; exact search computes {n:,}."
        )
    if advice.reached:
        return (
            f"Use exact search, without an index: it misses nothing and computes {n:,} distances a query; HNSW "
            f"computes {_distances(step)} for {found}, at ef={step.ef}."
        )
    missing = f"This graph does not reach {advice.wanted:.3f} at any ef measured; its best is {best_recall([step]):.3f}"
    if advice.try_next:
        M, ef_construction = advice.try_next
        return (
            f"{missing}, at ef={step.ef}. Try a graph with M={M}, efConstruction={ef_construction} next (Documents, "
            "Graph: rich); or use exact search, which misses nothing."
        )
    return f"{missing}, at ef={step.ef}. Use exact search, which misses nothing and computes {n:,} distances a query."


def code_to_copy(advice: Recommendation, model: str) -> str:
    """Return a program that does with the library what is recommended; exact search where no graph is."""
    if advice.graph is None:
        return EXACT_CODE.format(model=model, k=advice.step.k)
    M, ef_construction = advice.graph.M, advice.graph.ef_construction
    return HNSW_CODE.format(model=model, M=M, ef_construction=ef_construction, k=advice.step.k, ef=advice.step.ef)


def _evidence(indexed: IndexedCollection, advice: Recommendation, *, second: bool) -> dict[str, str]:
    """Return what the recommendation rests on, and what it costs, by name."""
    graph, model = advice.graph, indexed.settings.model_name
    memory = f"{format_megabytes(advice.vector_bytes)} of vectors"
    evidence = {
        "model": f"{model}, {advice.dimension} dimensions: the loaded one. Whether another finds more answers, Compare "
        "models measures.",
        "measured with": f"{count_of(len(indexed.queries), 'query', 'queries')}, k={advice.step.k}{_before(advice)}",
    }
    if graph is None:
        return evidence | {"memory": memory, "to build": "nothing besides the vectors"}
    place, ef = "load this graph and set" if second else "set", advice.step.ef
    if (ef or 0) > SLIDER_MAX_EF:
        evidence["latency"] = f"ef={ef} is beyond this slider's {SLIDER_MAX_EF}: the program below times it"
    else:
        evidence["latency"] = f"{place} the slider to ef={ef}: its time and exact search's then stand below"
    evidence["memory"] = f"{memory} and {format_megabytes(graph.link_bytes)} of links"
    if graph.build_seconds is not None:
        evidence["to build"] = f"{format_seconds(graph.build_seconds)} for the graph"
    return evidence


def _before(advice: Recommendation) -> str:
    """Return what the next smaller ef of the curve reaches, which is too little."""
    curve = advice.graph.curve if advice.graph else ()
    smaller = [step for step in curve if step.ef is not None and step.ef < (advice.step.ef or 0)]
    return f"; ef={smaller[-1].ef} reaches {format_score(smaller[-1].mean_recall)}" if smaller else ""


def times_sentence(pair: PairedMeasurement, name: str = "HNSW") -> Html:
    """Return the times of both searches at the slider's ef with their spread, from the measurement that cards show.

    name: of the search that is not exact.
    """
    words = f"At the slider's ef={pair.hnsw.ef} {name} takes {_time(pair.hnsw)}, exact search {_time(pair.exact)}"
    return HINT.format(f"{words}: {speed_up_words(pair.speed_up, pair.speed_up_range)}.")


def _time(step: Measurement) -> str:
    """Return the median time of a query, and between which times the middle half are."""
    low, high = (format_seconds(float(np.percentile(step.seconds, share))) for share in (25, 75))
    return f"{format_seconds(step.p50)} a query (the middle half {low} to {high})"


def _distances(step: Measurement) -> str:
    """Return how many distances a query takes."""
    return count_of(round(step.mean_distances or 0), "distance")
