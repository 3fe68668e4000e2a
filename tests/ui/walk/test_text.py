"""Tests of the sentences about a walk: every number is counted here again, on links read from the graph."""

import re
from bisect import insort
from dataclasses import replace

import numpy as np
import pytest

from retriever.graph.misses import Miss
from tests.support.page import assert_harmless, words_of
from tests.support.small import HOSTILE, sentences
from tests.support.walks import STARVED, by_hnswlib, count_found, lab, true_scores
from ui.walk.text import connectivity_facts, miss_sentence, missed_list, step_sentence, walk_summary
from ui.walk.trace import trace_question, trace_walk

NAME = r"Text (\d+) · t\.txt \((-?[\d.]+)\)"
DESCENT = re.compile(
    rf"Step ([\d,]+) of ([\d,]+), layer (\d+): from {NAME} it looks at (\d+) (neighbours?)"
    rf"(?:; none is nearer, so it goes down to layer (\d+)| and goes to the nearest, {NAME})\. "
    r"([\d,]+) distances? computed so far\."
)
GROUND = re.compile(
    rf"Step ([\d,]+) of ([\d,]+), ground layer: the nearest candidate not yet followed is {NAME}; of its neighbours "
    r"(\d+) (is|are) new\. It keeps (\d+) (candidates?); (\d+) of the best (\d+) (?:is a|are) true neighbours?\. "
    r"([\d,]+) distances? computed so far\."
)
FOUND = re.compile(
    r"At ef=(\d+) the walk finds (?:(all|\d+ of) (\d+)|the one) true neighbours? and computes ([\d,]+) distances? in "
    r"([\d,]+) steps?; exact search computes ([\d,]+)\."
)


def integer(written):
    return int(written.replace(",", ""))


def replayed(indexed, query, width):
    """Search the links again, with a sorted list; return (layer, node, looked at, kept, distances) of each step."""
    graph, far = indexed.measurements.graph, 1 - true_scores(indexed, query)
    links = [[[other for other in row if other >= 0] for row in layer.tolist()] for layer in graph.links]
    steps, at, count = [], graph.entry_point, 1
    for layer in range(len(links) - 1, 0, -1):
        while True:
            near = links[layer][at]
            count += len(near)
            best = min([at, *near], key=lambda node: far[node])
            steps.append((layer, at, near, [best], count))
            if best == at:
                break
            at = best
    seen, todo, kept = {at}, [(far[at], at)], [(far[at], at)]
    count += 1
    while todo and todo[0][0] <= kept[-1][0]:
        _, node = todo.pop(0)
        new = [other for other in links[0][node] if other not in seen]
        seen |= set(new)
        count += len(new)
        for other in new:
            if len(kept) < width or far[other] < kept[-1][0]:
                insort(todo, (far[other], other))
                insort(kept, (far[other], other))
                del kept[width:]
        steps.append((0, node, new, [other for _, other in kept], count))
    return steps


@pytest.fixture(scope="module")
def starved(fake_encoder):
    return lab(fake_encoder, sentences(400), **STARVED)


@pytest.fixture(scope="module")
def good(fake_encoder):
    return lab(fake_encoder, sentences(300))


@pytest.fixture(scope="module")
def equal(fake_encoder):
    """A collection of thirty equal texts, all equally near."""
    return lab(fake_encoder, ["amber river"] * 30)


def true_of(trace):
    return np.argsort(-true_scores(trace.indexed, trace.query), kind="stable")[: len(trace.true_ids)].tolist()


# --- each step


@pytest.mark.parametrize(("graph", "ef"), [("starved", 10), ("starved", 40), ("good", 10)])
def test_each_step_says_what_it_does(request, graph, ef):
    indexed, ends = request.getfixturevalue(graph), set()
    for question in indexed.queries[:2]:
        trace = trace_question(question, 10, ef, indexed)
        steps, true, scores = replayed(indexed, trace.query, ef), true_of(trace), true_scores(indexed, trace.query)
        assert len(trace.walk.steps) == len(steps)
        for number, (layer, node, looked, kept, distances) in enumerate(steps, 1):
            words = words_of(step_sentence(trace, number))
            found = (GROUND if not layer else DESCENT).fullmatch(words)
            assert found, words
            at, of, *rest, computed = found.groups()
            assert (int(at), int(of), integer(computed)) == (number, len(steps), distances)
            if layer:
                on, name, score, count, noun, down, to, to_score = rest
                assert (int(on), int(count)) == (layer, len(looked))
                assert noun == ("neighbour" if len(looked) == 1 else "neighbours")
                assert (down is None) == (kept[0] != node)
                if down is None:
                    assert int(to) == kept[0]
                    assert float(to_score) == pytest.approx(scores[kept[0]], abs=0.00051)
                else:
                    assert int(down) == layer - 1
                ends.add((noun, down is None))
            else:
                name, score, count, verb, keeps, noun, hits, best = rest
                assert (int(count), verb) == (len(looked), "is" if len(looked) == 1 else "are")
                assert (int(keeps), noun) == (len(kept), "candidate" if len(kept) == 1 else "candidates")
                assert int(hits) == len(set(kept[:10]) & set(true))
                assert int(best) == min(10, len(kept))
                ends.add(verb)
            assert int(name) == node
            assert float(score) == pytest.approx(scores[node], abs=0.00051)
        assert f"Step {len(steps)} of {len(steps)}, ground layer" in words, "a walk ends on the ground"
        assert int(hits) == trace.found
    cases = {"is", "are", ("neighbours", True), ("neighbours", False)}
    assert graph == "good" or cases <= ends, "each case is to have come up"


def test_a_first_step_counts_the_entry_point(starved):
    trace = trace_question(starved.queries[0], 10, 10, starved)
    looked = len(trace.walk.steps[0].looked_at)
    graph = starved.measurements.graph
    assert f"layer {len(graph.links) - 1}: from Text {graph.entry_point} " in words_of(step_sentence(trace, 1))
    assert f"{1 + looked:,} distance" in words_of(step_sentence(trace, 1))


def test_at_the_last_step_as_many_are_true_neighbours_as_the_summary_finds(equal, starved):
    for indexed in (starved, equal):
        trace = trace_question("amber", 10, 10, indexed)
        last = GROUND.fullmatch(words_of(step_sentence(trace, len(trace.walk.steps))))
        assert int(last.group(9)) == trace.found, "equally near ones are as true as any"


def test_a_single_neighbour_candidate_and_step_are_singular(fake_encoder):
    words = set()
    for texts in (["amber"], ["amber", "river"]):
        indexed = lab(fake_encoder, texts)
        trace = trace_question("winter", 1, 1, indexed)
        words.add(words_of(walk_summary(trace)))
        words |= {words_of(step_sentence(trace, at)) for at in range(1, len(trace.walk.steps) + 1)}
    for sentence in words:
        wrong = re.search(r"\b1 (steps|distances|neighbours|candidates|true neighbours|are)\b", sentence)
        assert not wrong, sentence


def test_an_empty_walk_is_told(good):
    trace = trace_question("amber", 10, 10, good)
    assert "empty" in step_sentence(replace(trace, walk=replace(trace.walk, steps=())), 0)


# --- the summary


@pytest.mark.parametrize(
    ("graph", "k", "ef"),
    [("starved", 10, 10), ("starved", 10, 400), ("starved", 3, 1), ("good", 10, 200), ("good", 2, 2), ("equal", 9, 10)],
)
def test_the_summary_counts_what_hnswlib_finds_and_what_it_cost(request, graph, k, ef):
    indexed = request.getfixturevalue(graph)
    for question in indexed.queries[:2]:
        trace = trace_question(question, k, ef, indexed)
        width, words = max(k, ef), words_of(walk_summary(trace))
        found = FOUND.match(words)
        assert found, words
        at, share, asked, distances, steps, n = found.groups()
        expected, replay = count_found(indexed, trace.query, k, width), replayed(indexed, trace.query, width)
        assert (int(at), int(asked), integer(n)) == (width, k, len(indexed))
        assert share == ("all" if expected == k else f"{expected} of")
        assert ("Raise ef" in words) <= (expected < k)
        if graph != "equal":
            assert (integer(distances), integer(steps)) == (replay[-1][-1], len(replay))


def test_none_found_and_all_found_are_told(starved, good):
    summaries = [words_of(walk_summary(trace_question(text, 1, 1, starved))) for text in starved.queries[:8]]
    assert any("finds 0 of 1 true" in words for words in summaries)
    assert "finds all 10 true" in words_of(walk_summary(trace_question("amber", 10, 300, good)))


@pytest.mark.parametrize("ef", [10, 400])
def test_raising_ef_until_none_is_missed_is_advised_only_where_that_can_be(starved, ef):
    seen = set()
    for question in starved.queries[:8]:
        trace = trace_question(question, 10, ef, starved)
        never = [miss for miss in trace.missed if miss.smallest_ef is None]
        seen.add((len(never) > 0, len(never) < len(trace.missed)))
        if never:
            words = walk_summary(trace)
            assert "until none is missed" not in words, f"no ef finds {len(never)} of {len(trace.missed)} missed"
    assert seen & {(True, True), (True, False)}, "else this tests nothing"


# --- each miss


def check_miss(trace, miss, words):
    """Check a sentence about a miss against the links, hnswlib's search and a replay."""
    indexed, node, true = trace.indexed, miss.node, true_of(trace)
    linking = np.flatnonzero((indexed.measurements.graph.links[0] == node).any(axis=1)).tolist()
    steps = replayed(indexed, trace.query, trace.walk.ef)
    seen = {other for layer, at, looked, *_ in steps if not layer for other in (at, *looked)}
    looked_at = len(set(linking) & seen)
    name, score, rank = re.match(rf"{NAME}, true neighbour (\d+), ", words).groups()
    assert int(name) == node
    assert float(score) == pytest.approx(true_scores(indexed, trace.query)[node], abs=0.00051)
    assert true[int(rank) - 1] == node
    assert node not in seen
    assert node not in by_hnswlib(indexed, trace.query, trace.walk.k, trace.walk.ef)
    count = re.search(r"(only 1 node links|\d+ nodes link|no node links) to it", words).group(1)
    expected = {0: "no node links", 1: "only 1 node links"}.get(len(linking), f"{len(linking)} nodes link")
    assert count == expected
    if linking:
        assert ("looked at, but not followed" in words) == bool(looked_at)
        if looked_at and len(linking) > 1:
            assert f"{looked_at} of them {'was' if looked_at == 1 else 'were'} looked at" in words
    ef = re.search(r"ef=(\d+) finds it, for ([\d,]+) distances?\.", words)
    assert bool(ef) == (node in by_hnswlib(indexed, trace.query, trace.walk.k, len(indexed)))
    assert ("cannot be reached" in words) == (not ef)
    if ef:
        width = int(ef.group(1))
        assert node in by_hnswlib(indexed, trace.query, trace.walk.k, width)
        assert node not in by_hnswlib(indexed, trace.query, trace.walk.k, width - 1)
        assert integer(ef.group(2)) == replayed(indexed, trace.query, width)[-1][-1]
        assert "was never looked at" in words
        assert node not in {other for _, at, looked, *_ in steps for other in (at, *looked)}, "nor on a layer above"
    return count.split()[0], bool(looked_at), bool(ef)


@pytest.mark.parametrize(("k", "ef"), [(10, 10), (10, 30), (3, 3)])
def test_each_miss_is_explained_by_the_graph_as_it_is(starved, k, ef):
    cases = set()
    for question in starved.queries[: 3 if k == 10 else 1]:
        trace = trace_question(question, k, ef, starved)
        items = re.findall(r"<li>(.*?)</li>", missed_list(trace))
        assert len(items) == len(trace.missed)
        for miss, item in zip(trace.missed, items, strict=True):
            cases.add(check_miss(trace, miss, words_of(item)))
    if k == 10:
        assert {("no", False, False)} < cases
        assert any(case[2] for case in cases)
        assert any(case[1] for case in cases)


def test_misses_among_repeated_texts_are_explained_too(fake_encoder):
    repeated = lab(fake_encoder, [text for text in sentences(40) for _ in range(5)], **STARVED)
    cannot = 0
    for question in repeated.queries[:4]:
        trace = trace_question(question, 10, 400, repeated)
        for miss in trace.missed:
            words = words_of(miss_sentence(trace, miss))
            found = miss.node in by_hnswlib(repeated, trace.query, 10, len(repeated))
            assert ("no ef" in words) == (not found)
            cannot += not found
    assert cannot > 5, "else this tests nothing"


@pytest.mark.parametrize(
    ("linking", "looked_at", "ef", "present", "absent"),
    [
        ((), (), None, ["cannot be reached", "no node links to it", "no ef finds it"], ["looked at"]),
        ((5,), (), None, ["cannot be reached", "only 1 node links to it", "no ef leads"], ["none of them"]),
        ((5,), (), 40, ["only 1 node links to it", "ef=40 finds it"], ["none of them", "cannot"]),
        ((5,), (5,), 40, ["only 1 node links to it; it was looked at, but not followed"], ["none", "of them"]),
        ((5, 6), (), 40, ["2 nodes link to it, and none of them was looked at"], ["cannot", "not followed"]),
        ((5, 6), (5,), 40, ["2 nodes link to it; 1 of them was looked at, but not followed"], ["none"]),
        ((5, 6, 7), (5, 7), None, ["cannot be", "3 nodes link to it; 2 of them were looked at"], ["ef=", "none"]),
    ],
)
def test_a_miss_of_each_kind_in_words(good, linking, looked_at, ef, present, absent):
    trace = trace_question("amber", 10, 10, good)
    words = words_of(miss_sentence(trace, Miss(int(trace.true_ids[3]), linking, looked_at, (), ef)))
    assert words.startswith(f"Text {trace.true_ids[3]} · t.txt")
    assert ", true neighbour 4, " in words
    for part in present:
        assert part in words
    for part in absent:
        assert part not in words
    if ef:
        count = replayed(good, trace.query, ef)[-1][-1]
        assert words.endswith(f"ef={ef} finds it, for {count:,} distances.")


def test_where_nothing_is_missed_the_list_says_so_and_at_which_ef(good):
    assert words_of(missed_list(trace_question("amber", 10, 300, good))) == "Nothing is missed at ef=300."


# --- how the graph is connected


def cards_of(indexed):
    return dict(re.findall(r"<i>(.*?)</i><b>(.*?)</b>", connectivity_facts(indexed)))


@pytest.mark.parametrize("graph", ["starved", "good", "equal"])
def test_connectivity_in_four_numbers(request, graph):
    indexed = request.getfixturevalue(graph)
    layers, median, few, memory = cards_of(indexed).values()
    degrees = np.zeros(len(indexed), int)
    for row in indexed.measurements.graph.links[0].tolist():
        for target in row:
            degrees[target] += target >= 0
    levels = indexed.measurements.graph.levels
    assert layers == " · ".join(f"{int((levels >= layer).sum()):,}" for layer in range(levels.max() + 1))
    assert layers.startswith(f"{len(indexed):,}")
    assert abs(float(median) - np.median(degrees)) < 0.05
    unreachable = indexed.measurements.graph.unreachable
    assert few == f"{(degrees <= 2).sum():,}, and {len(unreachable):,} that no walk can reach"
    assert memory == f"{indexed.retriever.hnsw.link_bytes / 1e6:.2f} MB"


def test_a_median_between_two_numbers_is_not_cut(fake_encoder):
    degrees = {}
    for n in range(10, 60, 2):
        indexed = lab(fake_encoder, sentences(n), M=4, ef_construction=20)
        degrees[float(np.median(indexed.measurements.graph.in_degree))] = indexed
    halves = [median for median in degrees if median % 1]
    assert halves, "else this tests nothing"
    _, shown, *_ = cards_of(degrees[halves[0]]).values()
    assert float(shown) == halves[0]


def test_no_search_finds_what_connectivity_counts_as_out_of_reach(starved):
    unreachable = set(starved.measurements.graph.unreachable.tolist())
    assert unreachable
    for query in starved.query_vectors[:5]:
        assert not unreachable & set(by_hnswlib(starved, query, 400, 400))
    assert f"{len(unreachable)} that no walk can reach" in connectivity_facts(starved)


# --- text stays text


def test_hostile_titles_and_questions_stay_text(fake_encoder):
    metadata = [{"doc_id": HOSTILE, "title": HOSTILE, "source": HOSTILE} for _ in range(200)]
    indexed = lab(fake_encoder, sentences(200), metadata=metadata, **STARVED)
    trace = trace_walk(HOSTILE, indexed.query_vectors[0], 10, 10, indexed)
    assert trace.missed
    sources = [walk_summary(trace), missed_list(trace), connectivity_facts(indexed)]
    sources += [step_sentence(trace, number) for number in range(1, len(trace.walk.steps) + 1)]
    for source in sources:
        assert_harmless(source)
    assert HOSTILE in words_of(sources[1])
    assert all(HOSTILE in words_of(source) for source in sources[3:])
