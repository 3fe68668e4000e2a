"""Sentences about a walk as HTML: each step, each miss, and how the graph is connected."""

import numpy as np

from retriever.fair_lock import MACHINE_LOCK
from retriever.graph.miss_reasons import Miss
from retriever.graph.traversal import Step
from retriever.indexing.collection import IndexedCollection
from ui.render.controls import SLIDER_MAX_EF
from ui.render.html import HINT, Html, explained, render
from ui.render.numbers import count_of, format_megabytes
from ui.render.passages import cut_question, passage_place
from ui.walk.figures import BACKGROUND_DOTS, background_stride
from ui.walk.trace import WalkTrace

STOP = " Here the walk stops: all candidates it keeps were followed, and nothing else it has seen is nearer."
MAP = "The map shows {:,} of {}, flattened to two dimensions: what is near on it need not be near."
BEAM = "as nearer candidates filled the beam"


def walk_summary(trace: WalkTrace) -> Html:
    """Return what a walk found and what it cost, and what the map shows of it."""
    shown = len(range(0, len(trace.indexed), background_stride(len(trace.indexed), BACKGROUND_DOTS)))
    note = Html('<small class="lab-when">{}</small>').format(MAP.format(shown, count_of(len(trace.indexed), "vector")))
    return found_sentence(trace) + " " + note


def found_sentence(trace: WalkTrace) -> Html:
    """Return what a walk found and what it cost."""
    asked, walk = len(trace.true_ids), trace.walk
    found = f"{trace.found} of the {asked}" if trace.missed else f"all {asked}" if asked > 1 else "the one"
    head = Html("At ef={} the walk finds <b>{}</b> nearest {} ")
    head = head.format(walk.ef, found, "passage" if asked == 1 else "passages")
    cost = Html("and computes <b>{}</b> in {}; exact search computes {:,}.")
    words = head + cost.format(count_of(walk.distances, "distance"), count_of(walk.hops, "step"), len(trace.indexed))
    words += cut_question(trace.indexed.settings.model_name, trace.tokens, trace.tokens_read)
    return words + " " + _advice(trace) if trace.missed else words


def _advice(trace: WalkTrace) -> str:
    """Return whether a larger ef would help."""
    never = sum(miss.smallest_ef is None for miss in trace.missed)
    if not never:
        return "Raise ef until none is missed, and read what that costs."
    if never == len(trace.missed):
        return "No ef finds what is missed here."
    return f"Raise ef to find more, and read what that costs; {never} of the missed ones no ef finds."


def step_sentence(trace: WalkTrace, number: int) -> Html:
    """Return what one step does; number is counted from 1."""
    steps = trace.walk.steps
    step = steps[number - 1]
    words = _descent_sentence(trace, step) if step.layer else _ground_sentence(trace, step)
    sentence = Html("<b>Step {:,} of {:,}</b>, {} {} computed so far.{}")
    stops = STOP if number == len(steps) else ""
    return sentence.format(number, len(steps), words, count_of(step.distances, "distance"), stops)


def _descent_sentence(trace: WalkTrace, step: Step) -> Html:
    """Return what a step on an upper layer does."""
    [reached] = step.kept
    looked = Html("layer {}: from {} it looks at {}").format(
        step.layer, _node_name(trace, step.node), count_of(len(step.looked_at), "neighbour")
    )
    if reached == step.node:
        return looked + f"; none is nearer, so it goes down to layer {step.layer - 1}."
    return looked + Html(" and goes to the nearest, {}.").format(_node_name(trace, reached))


def _ground_sentence(trace: WalkTrace, step: Step) -> Html:
    """Return what a step on the ground layer does."""
    best = step.kept[: trace.walk.k]
    new, near = len(step.looked_at), trace.true_among(best)
    followed = Html("ground layer: the nearest candidate not yet followed is {}; of its neighbours ")
    return followed.format(_node_name(trace, step.node)) + (
        f"{new} {'is' if new == 1 else 'are'} new. It keeps {count_of(len(step.kept), 'candidate')}; "
        f"{near} of the best {len(best)} {'is' if near == 1 else 'are'} among the nearest passages."
    )


def missed_list(trace: WalkTrace) -> Html:
    """Return the reason of every miss, or a note if there is none."""
    if not trace.missed:
        return HINT.format(f"Nothing is missed at ef={trace.walk.ef}.")
    return render("walk/misses.html", reasons=[miss_sentence(trace, miss) for miss in trace.missed])


def miss_sentence(trace: WalkTrace, miss: Miss) -> Html:
    """Return why one of the nearest passages was missed."""
    rank = trace.true_ids.tolist().index(miss.node) + 1
    return Html("{}, rank {} in exact search, {}").format(_node_name(trace, miss.node), rank, _reason(trace, miss))


def _reason(trace: WalkTrace, miss: Miss) -> str:
    """Return why one of the nearest passages was missed, and which ef finds it."""
    if miss.smallest_ef is None and not miss.linking:
        return "cannot be reached: no node links to it on the ground layer, so no ef finds it."
    if miss.smallest_ef is None:
        return f"cannot be reached: {_linking(miss)}, and no ef leads the walk there."
    graph = trace.indexed.measurements.graph
    with MACHINE_LOCK.shared():
        distances = graph.walk(trace.query, trace.walk.k, miss.smallest_ef, beams=False).distances
    beyond = f" (beyond this slider's {SLIDER_MAX_EF})" if miss.smallest_ef > SLIDER_MAX_EF else ""
    found = f"ef={miss.smallest_ef}{beyond} finds it, for {count_of(distances, 'distance')}"
    return f"was never looked at: {_linking(miss)}; {found}."


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


def connectivity_facts(indexed: IndexedCollection) -> Html:
    """Return how the graph is connected, in four numbers."""
    graph = indexed.measurements.graph
    degrees, unreachable = graph.in_degree, len(graph.unreachable)
    few = int((degrees <= 2).sum())
    facts = {
        Html("nodes a {}, from the ground up").format(explained("layer")): " · ".join(
            f"{count:,}" for count in graph.nodes_per_level
        ),
        "links that lead to a node, median": f"{np.median(degrees):g}",
        "nodes with at most 2 links leading to them": f"{few:,}, and {unreachable:,} that no walk can reach",
        "links in memory": format_megabytes(indexed.retriever.hnsw.link_bytes),
    }
    return render("walk/facts.html", facts=facts)


def _node_name(trace: WalkTrace, node: int) -> Html:
    """Return the place of a node's passage, and its similarity to the question."""
    place = passage_place(trace.indexed.retriever.passages[node])
    return Html("<b>{}</b> ({:.3f})").format(place, trace.walk.scores[node])
