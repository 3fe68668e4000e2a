"""Sentences about a walk: each step, each miss, and how the graph is connected. All text is escaped."""

import numpy as np

from retriever.graph.misses import Miss
from retriever.graph.traversal import Step
from retriever.indexing.collection import IndexedCollection
from ui.render.controls import SLIDER_MAX_EF
from ui.render.html import escape
from ui.render.numbers import format_megabytes
from ui.render.passages import passage_place
from ui.walk.trace import WalkTrace

BEAM = "as nearer candidates filled the beam"


def walk_summary(trace: WalkTrace) -> str:
    """Return what a walk found and what it cost."""
    n, asked = len(trace.indexed), len(trace.true_ids)
    computed = f"<b>{_count(trace.walk.distances, 'distance')}</b> in {_count(trace.walk.hops, 'step')}"
    head = f"At ef={trace.walk.ef} the walk finds "
    cost = f"and computes {computed}; exact search computes {n:,}."
    if not trace.missed:
        return f"{head}<b>{f'all {asked}' if asked > 1 else 'the one'}</b> true {_noun(asked, 'neighbour')} {cost}"
    return f"{head}<b>{trace.found} of {asked}</b> true {_noun(asked, 'neighbour')} {cost} {_advice(trace)}"


def _advice(trace: WalkTrace) -> str:
    """Return whether a larger ef would help."""
    never = sum(miss.smallest_ef is None for miss in trace.missed)
    if not never:
        return "Raise ef until none is missed, and read what that costs."
    if never == len(trace.missed):
        return "No ef finds what is missed here."
    return f"Raise ef to find more, and read what that costs; {never} of the missed ones no ef finds."


def step_sentence(trace: WalkTrace, number: int) -> str:
    """Return what one step does; number is counted from 1."""
    steps = trace.walk.steps
    if not steps:
        return "The collection is empty: there is nowhere to walk."
    step = steps[number - 1]
    head = f"<b>Step {number:,} of {len(steps):,}</b>, "
    words = _descent_sentence(trace, step) if step.layer else _ground_sentence(trace, step)
    return f"{head}{words} {_count(step.distances, 'distance')} computed so far."


def _descent_sentence(trace: WalkTrace, step: Step) -> str:
    """Return what a step on an upper layer does."""
    [reached] = step.kept
    neighbours = _count(len(step.looked_at), "neighbour")
    looked = f"layer {step.layer}: from {_node_name(trace, step.node)} it looks at {neighbours}"
    if reached == step.node:
        return f"{looked}; none is nearer, so it goes down to layer {step.layer - 1}."
    return f"{looked} and goes to the nearest, {_node_name(trace, reached)}."


def _ground_sentence(trace: WalkTrace, step: Step) -> str:
    """Return what a step on the ground layer does."""
    kept = step.kept
    best = kept[: trace.walk.k]
    true = trace.true_among(best)
    return (
        f"ground layer: the nearest candidate not yet followed is {_node_name(trace, step.node)}; of its neighbours "
        f"{len(step.looked_at)} {'is' if len(step.looked_at) == 1 else 'are'} new. It keeps "
        f"{_count(len(kept), 'candidate')}; {true} of the best {len(best)} "
        f"{'is a true neighbour' if true == 1 else 'are true neighbours'}."
    )


def miss_sentence(trace: WalkTrace, miss: Miss) -> str:
    """Return why one true neighbour was missed."""
    rank = trace.true_ids.tolist().index(miss.node) + 1
    name = f"{_node_name(trace, miss.node)}, true neighbour {rank},"
    if miss.smallest_ef is None and not miss.linking:
        return f"{name} cannot be reached: no node links to it on the ground layer, so no ef finds it."
    if miss.smallest_ef is None:
        return f"{name} cannot be reached: {_linking(miss)}, and no ef leads the walk there."
    graph = trace.indexed.measurements.graph
    distances = graph.walk(trace.query, trace.walk.k, miss.smallest_ef, beams=False).distances
    beyond = f" (beyond this slider's {SLIDER_MAX_EF})" if miss.smallest_ef > SLIDER_MAX_EF else ""
    found = f"ef={miss.smallest_ef}{beyond} finds it, for {distances:,} distances"
    return f"{name} was never looked at: {_linking(miss)}; {found}."


def _linking(miss: Miss) -> str:
    """Return how many nodes link to a missed node, and how near the walk came."""
    if not miss.linking:
        return "no node links to it on the ground layer"
    if len(miss.linking) == 1:
        one = "only 1 node links to it"
        return (
            f"{one}; it was looked at, but not followed, {BEAM}" if miss.looked_at else f"{one}, and was not looked at"
        )
    nodes = f"{len(miss.linking)} nodes link to it"
    if not miss.looked_at:
        return f"{nodes}, and none of them was looked at"
    seen = f"{len(miss.looked_at)} of them {'was' if len(miss.looked_at) == 1 else 'were'} looked at"
    return f"{nodes}; {seen}, but not followed, {BEAM}"


def connectivity_facts(indexed: IndexedCollection) -> str:
    """Return how the graph is connected, in four numbers."""
    graph = indexed.measurements.graph
    degrees, unreachable = graph.in_degree, len(graph.unreachable)
    few = int((degrees <= 2).sum())
    facts = [
        ("nodes a layer, from the ground up", " · ".join(f"{count:,}" for count in graph.nodes_per_level)),
        ("links that lead to a node, median", f"{np.median(degrees) if len(graph) else 0:g}"),
        ("nodes with at most 2 links leading to them", f"{few:,}, and {unreachable:,} that no walk can reach"),
        ("links in memory", format_megabytes(indexed.retriever.hnsw.link_bytes)),
    ]
    cells = "".join(f'<div class="lab-card"><i>{name}</i><b>{value}</b></div>' for name, value in facts)
    return f'<div class="lab-four">{cells}</div>'


def missed_list(trace: WalkTrace) -> str:
    """Return the reason of every miss, or a note if there is none."""
    if not trace.missed:
        return f'<p class="lab-hint">Nothing is missed at ef={trace.walk.ef}.</p>'
    items = "".join(f"<li>{miss_sentence(trace, miss)}</li>" for miss in trace.missed)
    return f'<ul class="lab-misses">{items}</ul>'


def _node_name(trace: WalkTrace, node: int) -> str:
    """Return the place of a node's passage, and its similarity to the question."""
    return f"<b>{escape(passage_place(trace.indexed.retriever.passages[node]))}</b> ({1 - trace.walk.to_all[node]:.3f})"


def _count(number: int, word: str) -> str:
    """Return a number with its noun, singular or plural."""
    return f"{number:,} {_noun(number, word)}"


def _noun(number: int, word: str) -> str:
    """Return a noun in the singular or the plural."""
    return word if number == 1 else f"{word}s"
