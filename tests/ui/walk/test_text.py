"""Tests of the sentences about a walk. Its steps and misses are checked in tests/retriever/graph; here, how they read.

Scores, ranks and the nearest passages are counted again in float64, what is found by hnswlib's own search.
"""

import re

import numpy as np
import pytest

from retriever.graph.miss_reasons import Miss
from tests.support.page import figure_of, words_of
from tests.support.small import sentences
from tests.support.walks import by_hnswlib, count_found, lab, traced, true_scores
from ui.render.numbers import format_megabytes
from ui.walk.figures import map_figure
from ui.walk.text import STOP, connectivity_facts, miss_sentence, missed_list, step_sentence, walk_summary

SCORED = re.compile(r"(Text (\d+) · t\.txt) \((-?[\d.]+)\)")


def read(trace, sentence):
    """Return a sentence's words without the nodes' scores, which are checked."""
    words, scores = words_of(sentence), true_scores(trace.indexed, trace.query)
    for _, node, score in SCORED.findall(words):
        assert float(score) == pytest.approx(scores[int(node)], abs=0.00051)
    assert SCORED.search(words)
    return SCORED.sub(r"\1", words)


def counted(count, word):
    return f"{count:,} {word}" + "s" * (count != 1)


def true_of(trace):
    return np.argsort(-true_scores(trace.indexed, trace.query), kind="stable")[: len(trace.true_ids)].tolist()


# --- each step


def told(trace, step):
    """Return the words of a step between its number and its cost."""
    node, looked = f"Text {step.node} · t.txt", len(step.looked_at)
    if step.layer:
        head = f"layer {step.layer}: from {node} it looks at {counted(looked, 'neighbour')}"
        if step.kept[0] == step.node:
            return f"{head}; none is nearer, so it goes down to layer {step.layer - 1}."
        return f"{head} and goes to the nearest, Text {step.kept[0]} · t.txt."
    true = len(set(step.kept[:10]) & set(true_of(trace)))
    return (
        f"ground layer: the nearest candidate not yet followed is {node}; of its neighbours {looked} "
        f"{'is' if looked == 1 else 'are'} new. It keeps {counted(len(step.kept), 'candidate')}; {true} of the best "
        f"{min(10, len(step.kept))} {'is' if true == 1 else 'are'} among the nearest passages."
    )


def test_each_step_says_what_it_does(starved):
    said = ""
    for question, ef in zip(starved.queries, (10, 40, 10), strict=False):
        trace = traced(starved, question, ef=ef)
        for number, step in enumerate(trace.walk.steps, 1):
            words = read(trace, step_sentence(trace, number))
            cost = counted(step.distances, "distance")
            stops = STOP if number == len(trace.walk.steps) else ""
            assert (
                words == f"Step {number} of {len(trace.walk.steps)}, {told(trace, step)} {cost} computed so far.{stops}"
            )
            said += words
        followed = {each.node for each in trace.walk.steps if each.layer == 0}
        assert followed.issuperset(step.kept), "as the last sentence says"
        assert f"{trace.found} of the best 10" in words, "at the last step as many as the summary finds"
    cases = [
        "1 neighbour and",
        "1 neighbour;",
        "neighbours and",
        "neighbours;",
        "1 is new",
        "are new",
        "1 of the best 10 is among",
    ]
    assert [case for case in cases if case not in said] == [], "each case is to have come up"


def test_equally_near_ones_are_as_true_as_any(equal):
    trace = traced(equal)
    assert "10 of the best 10 are among the nearest" in words_of(step_sentence(trace, len(trace.walk.steps)))


def test_a_single_neighbour_candidate_and_step_are_singular(fake_encoder):
    for texts in (["amber"], ["amber", "river"]):
        trace = traced(lab(fake_encoder, texts), "winter", 1, 1)
        steps = [step_sentence(trace, number + 1) for number in range(len(trace.walk.steps))]
        words = words_of(" ".join([walk_summary(trace), *steps]))
        assert not re.search(r"\b1 (steps|distances|neighbours|candidates|passages|vectors|are)\b", words)


# --- the summary


def advice(trace):
    """Return what is advised where some are missed, by how many of these no ef finds."""
    never = sum(miss.smallest_ef is None for miss in trace.missed)
    if never == len(trace.missed):
        return "No ef finds what is missed here." if never else ""
    if not never:
        return "Raise ef until none is missed, and read what that costs."
    return f"Raise ef to find more, and read what that costs; {never} of the missed ones no ef finds."


def test_the_summary_counts_what_hnswlib_finds_and_what_it_cost(starved, good, equal):
    said = ""
    cases = [(starved, 10, 10), (starved, 10, 400), (starved, 3, 1), (starved, 1, 1), (good, 10, 200), (equal, 9, 9)]
    for indexed, question, k, ef in [(indexed, row, k, ef) for indexed, k, ef in cases for row in range(8)]:
        trace = traced(indexed, indexed.queries[question], k, ef)
        width, found = max(k, ef), count_found(indexed, trace.query, k, max(k, ef))
        amount = f"{found} of the {k}" if found < k else f"all {k}" if k > 1 else "the one"
        cost = f"{counted(trace.walk.distances, 'distance')} in {counted(len(trace.walk.steps), 'step')}"
        head = f"At ef={width} the walk finds {amount} nearest {'passage' if k == 1 else 'passages'} and computes "
        words = words_of(walk_summary(trace))
        assert words.startswith(f"{head}{cost}; exact search computes {len(indexed)}. {advice(trace)}".rstrip())
        drawn = sum(len(dots.x) for dots in figure_of(map_figure(trace, 1)).data[:1])
        assert words.endswith(
            f"The map shows {drawn} of {counted(len(indexed), 'vector')}, flattened to two dimensions: "
            "what is near on it need not be near."
        )
        said += words
    wanted = ["0 of the 1 ", "the one ", "all 10 ", "Raise ef until", "No ef", "Raise ef to find more"]
    assert [case for case in wanted if case not in said] == [], "each case is to have come up"


# --- each miss


def test_each_miss_is_listed_with_its_rank_and_the_ef_that_finds_it(starved, repeated):
    found, cannot = 0, 0
    for indexed, question, ef in [(starved, 0, 10), (starved, 1, 30), (starved, 2, 10), (repeated, 0, 400)]:
        trace = traced(indexed, indexed.queries[question], ef=ef)
        reasons = re.findall(r"<li>(.*?)</li>", missed_list(trace))
        for miss, reason in zip(trace.missed, reasons, strict=True):
            words = read(trace, reason)
            rank = (true_of(trace) if indexed is starved else trace.true_ids.tolist()).index(miss.node) + 1
            assert words.startswith(f"Text {miss.node} · t.txt, rank {rank} in exact search, ")
            reachable = miss.node in by_hnswlib(indexed, trace.query, 10, len(indexed))
            assert reachable == ("was never looked at" in words) == ("cannot be reached" not in words)
            if reachable:
                [(width, distances)] = re.findall(r"; ef=(\d+) finds it, for ([\d,]+) distances\.$", words)
                finds = [miss.node in by_hnswlib(indexed, trace.query, 10, int(width) - less) for less in (1, 0)]
                assert finds == [False, True]
                assert distances == f"{traced(indexed, trace.question, ef=int(width)).walk.distances:,}"
            found, cannot = found + reachable, cannot + (not reachable)
    assert found > 5 and cannot > 5, "else this tests nothing"


@pytest.mark.parametrize(
    ("linking", "looked_at", "ef", "words"),
    [
        ((), (), None, "cannot be reached: no node links to it on the ground layer, so no ef finds it."),
        ((), (), 40, "was never looked at: no node links to it on the ground layer; ef=40 finds"),
        ((5,), (), None, "cannot be reached: only 1 node links to it, and was not looked at, and no ef leads"),
        ((5,), (), 401, "1 node links to it, and was not looked at; ef=401 (beyond this slider's 400) finds it"),
        ((5,), (5,), 40, "only 1 node links to it; it was looked at, but not followed, as nearer candidates filled"),
        ((5, 6), (), 40, "was never looked at: 2 nodes link to it, and none of them was looked at; ef=40 finds"),
        ((5, 6), (5,), 40, "2 nodes link to it; 1 of them was looked at, but not followed, as nearer candidates"),
        ((5, 6, 7), (5, 7), None, "3 nodes link to it; 2 of them were looked at, but not followed, as nearer"),
    ],
)
def test_a_miss_of_each_kind_in_words(good, linking, looked_at, ef, words):
    trace = traced(good)
    sentence = read(trace, miss_sentence(trace, Miss(int(trace.true_ids[3]), linking, looked_at, (), ef)))
    assert sentence.startswith(f"Text {trace.true_ids[3]} · t.txt, rank 4 in exact search, ")
    assert words in sentence


def test_where_nothing_is_missed_the_list_says_so_and_at_which_ef(good):
    assert words_of(missed_list(traced(good, ef=300))) == "Nothing is missed at ef=300."


# --- how the graph is connected


def cards_of(indexed):
    return dict(re.findall(r"<i>(.*?)</i><b>(.*?)</b>", connectivity_facts(indexed)))


@pytest.mark.parametrize("graph", ["starved", "good", "equal"])
def test_connectivity_in_four_numbers(request, graph):
    indexed = request.getfixturevalue(graph)
    layers, median, few, memory = cards_of(indexed).values()
    targets = indexed.measurements.graph.links[0]
    degrees, levels = np.bincount(targets[targets >= 0], minlength=len(indexed)), indexed.measurements.graph.levels
    assert layers == " · ".join(f"{int((levels >= layer).sum()):,}" for layer in range(levels.max() + 1))
    assert float(median) == np.median(degrees)
    unreachable = set(indexed.measurements.graph.unreachable.tolist())
    assert few == f"{(degrees <= 2).sum():,}, and {len(unreachable):,} that no walk can reach"
    assert memory == format_megabytes(indexed.retriever.hnsw.link_bytes)
    for query in indexed.query_vectors[:5]:
        assert not unreachable & set(by_hnswlib(indexed, query, len(indexed), len(indexed)))
    assert unreachable or graph != "starved"


def test_a_median_between_two_numbers_is_not_cut(fake_encoder):
    graphs = (lab(fake_encoder, sentences(n), M=4, ef_construction=20) for n in range(10, 60, 2))
    indexed = next(one for one in graphs if np.median(one.measurements.graph.in_degree) % 1)
    assert float(cards_of(indexed)["links that lead to a node, median"]) % 1 == 0.5
