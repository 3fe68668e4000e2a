"""What of a run record is measured again: the numbers that must be equal, and the seconds, which may differ.

The names are those that the templates use for the same numbers.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from retriever.evaluation.measures import measure_names
from ui.take_home.facts import Facts

Numbers = dict[str, Any]


def search_numbers(facts: Facts) -> tuple[Numbers, Numbers]:
    """Return what both searches found, and a third one; and the times of all."""
    observed = facts.observed
    numbers: Numbers = {"recall": observed[f"recall_at_{facts.settings['k']}"]}
    for side, name in (("exact", "exact"), ("hnsw", "HNSW")):
        numbers[f"{name}: passages"] = [passage for passage, _ in observed[side]]
        numbers[f"{name}: scores"] = [score for _, score in observed[side]]
    seconds = {name: observed[f"seconds_{name}"] for name in ("embedding", "exact", "HNSW")}
    if beside := facts.beside:
        numbers[f"{beside}: passages"] = [passage for passage, _ in observed[beside]]
        seconds[beside] = observed[f"seconds_{beside}"]
    return numbers, seconds


def measurement_numbers(facts: Facts) -> tuple[Numbers, Numbers]:
    """Return recall, and distances where they were counted, at each ef; and the median times."""
    numbers: Numbers = {"exact: recall": facts.observed["exact"]["mean_recall"]}
    seconds: Numbers = {"exact: median": facts.observed["exact"]["p50_seconds"]}
    for ef, step in sorted(facts.steps.items()):
        _add_step(numbers, seconds, f"HNSW, ef={ef}", step)
    return numbers, seconds


def milvus_numbers(facts: Facts) -> tuple[Numbers, Numbers]:
    """Return the recall of HNSW in Milvus at each ef, whose graph differs from build to build; and the median times."""
    numbers: Numbers = {}
    seconds: Numbers = {"round trip: median": facts.observed["round_trip"]["p50_seconds"]}
    for ef, step in sorted(facts.milvus_steps.items()):
        _add_step(numbers, seconds, f"HNSW in Milvus, ef={ef}", step)
    return numbers, seconds


def build_lab_numbers(facts: Facts) -> tuple[Numbers, Numbers]:
    """Return recall, distances and bytes of each graph; and the seconds of its build and of a search."""
    numbers: Numbers = {}
    seconds: Numbers = {}
    for (M, ef_construction), result in facts.graphs.items():
        name = f"HNSW, M={M}, efConstruction={ef_construction}"
        numbers[f"{name}: bytes of links"] = result["link_bytes"]
        seconds[f"{name}: build"] = result["build_seconds"]
        _add_step(numbers, seconds, name, result)
    return numbers, seconds


def size_lab_numbers(facts: Facts) -> tuple[Numbers, Numbers]:
    """Return recall and distances of both searches at each size; and their median times."""
    numbers: Numbers = {}
    seconds: Numbers = {}
    for size, both in facts.observed.items():
        for side, name in (("hnsw", "HNSW"), ("exact", "exact")):
            _add_step(numbers, seconds, f"{name}, {size}", both[side])
    return numbers, seconds


def shard_lab_numbers(facts: Facts) -> tuple[Numbers, Numbers]:
    """Return recall, distances and bytes of every number of shards; and their median times."""
    numbers: Numbers = {}
    seconds: Numbers = {}
    for shards, found in facts.observed.items():
        name = f"HNSW, {shards}"
        numbers[f"{name}: recall"] = found["mean_recall"]
        numbers[f"{name}: distances"] = found["mean_distances"]
        numbers[f"{name}: bytes"] = [found["bytes"], found["bytes_of_largest_shard"]]
        seconds[f"{name}: slowest, median"] = found["wait_seconds"]["p50"]
        seconds[f"{name}: slowest, 95th percentile"] = found["wait_seconds"]["p95"]
        seconds[f"{name}: all, median"] = found["p50_seconds_of_all_shards"]
    return numbers, seconds


def walk_numbers(facts: Facts) -> tuple[Numbers, Numbers]:
    """Return what a walk found and missed, and its distances and steps; nothing of it is timed."""
    observed = facts.observed
    missed = observed["missed"]
    return {
        "HNSW: nearest passages": observed["nearest_passages"],
        "HNSW: found": observed["found"],
        "HNSW: distances": observed["distances"],
        "HNSW: steps": observed["steps"],
        "HNSW: passages": observed["ids"],
        "HNSW: rows of the missed": [miss["node"] for miss in missed],
        "HNSW: smallest ef that finds them": [miss["smallest_ef"] for miss in missed],
    }, {}


def build_numbers(facts: Facts) -> tuple[Numbers, Numbers]:
    """Return how many documents, tokens and bytes a build made; and its seconds by stage."""
    observed, data = facts.observed, facts.data
    numbers = {
        "documents": data["documents"],
        "tokens": data["tokens"],
        "measuring queries": data["measuring_queries"],
        "bytes of vectors": observed["vector_bytes"],
        "HNSW: bytes of links": observed["graph_link_bytes"],
    }
    stages = ("embedding", "graph")
    return numbers, {stage: observed[f"seconds_{stage}"] for stage in stages if f"seconds_{stage}" in observed}


def ef_below_k_numbers(facts: Facts) -> tuple[Numbers, Numbers]:
    """Return the recall at ef=k, and whether a smaller ef finds the same; nothing of it is timed."""
    observed = facts.observed
    return {"HNSW: recall at ef=k": observed[f"recall_at_{facts.k}"], "HNSW: below k": observed["outcome"]}, {}


def copies_numbers(facts: Facts) -> tuple[Numbers, Numbers]:
    """Return both recalls over passages that are stored twice; nothing of it is timed."""
    observed = facts.observed
    return {
        "HNSW: recall by score": observed["recall_by_score"],
        "HNSW: recall by number": observed["recall_by_id"],
        "HNSW: questions with other copies": observed["questions_with_other_copies"],
    }, {}


def graph_again_numbers(facts: Facts) -> tuple[Numbers, Numbers]:
    """Return recall and distances of three graphs over the same vectors, and their median times."""
    numbers: Numbers = {}
    seconds: Numbers = {}
    for name, step in facts.observed.items():
        _add_step(numbers, seconds, f"HNSW, {name}", step)
    return numbers, seconds


def comparison_numbers(facts: Facts) -> tuple[Numbers, Numbers]:
    """Return every measure of every retriever and pair, by kind of question too, and what was lost; and the times."""
    observed, names = facts.observed, facts.sides
    numbers: Numbers = {}
    seconds: Numbers = {}
    for measure in measure_names(facts.k):
        found = observed[measure]
        for place, name in names.items():
            numbers[f"{measure}, {name}"] = found[place]
        for pair, tested in _pairs(found, names).items():
            numbers[f"{measure}, {pair}"] = tested["difference"]
            numbers[f"{measure}, {pair}: p and corrected p"] = [tested["p"], tested["corrected_p"]]
            numbers[f"{measure}, {pair}: wins, ties, losses"] = tested["wins_ties_losses"]
    for kind, found in observed["kinds"].items():
        for place, name in names.items():
            numbers[f"kind {kind}, {name}"] = found[place]
    for place, name in names.items():
        lost = observed[f"{place}_two_errors"]
        numbers[f"lost by the model, {name}"] = lost["lost_by_model"]
        if "lost_by_index" in lost:
            numbers[f"lost by HNSW, {name}"] = lost["lost_by_index"]
        if f"{place}_costs" in observed:
            seconds[f"a question, {name}"] = observed[f"{place}_costs"]["p50_seconds_a_question"]
    return numbers, seconds


def _pairs(found: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Mapping[str, Any]]:
    """Return what was tested of each pair: two retrievers have it beside their scores, more under "pairs"."""
    places: Sequence[str] = list(names)
    pairs = found.get("pairs", {f"{places[0]}_minus_{places[1]}": found})
    return {" minus ".join(names[place] for place in pair.split("_minus_")): tested for pair, tested in pairs.items()}


def _add_step(numbers: Numbers, seconds: Numbers, name: str, step: Mapping[str, Any]) -> None:
    """Add the recall, the distances if they were counted, and the median time of one measurement."""
    numbers[f"{name}: recall"] = step["mean_recall"]
    if "mean_distances" in step:
        numbers[f"{name}: distances"] = step["mean_distances"]
    seconds[f"{name}: median"] = step["p50_seconds"]
