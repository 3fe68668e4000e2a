"""Drawing of queries from texts, for a collection without queries."""

from hypothesis import given
from hypothesis import strategies as st

from retriever.datasets.drawn_queries import QUERY_CHARACTERS, draw_queries

PARTS = [
    "This is the first sentence of a text.",
    "Here comes another one,\n  also long enough!",
    "And is this the third of them?",
]
ONE_LINE = {" ".join(part.split()) for part in PARTS}


def test_sentences_are_drawn_whole_and_on_one_line():
    assert set(draw_queries([" ".join(PARTS), "Short. Also short."])) == ONE_LINE


def test_another_seed_draws_others():
    texts = [f"Sentence number {n} of the text is here. Another number {n} follows it there." for n in range(200)]
    first = draw_queries(texts, count=20)
    assert len(set(first)) == 20
    assert draw_queries(iter(texts), count=20) == first
    assert draw_queries(texts, count=20, seed=1) != first
    assert set(draw_queries(texts, count=1000)) == {part + "." for text in texts for part in text[:-1].split(". ")}


def test_a_sentence_that_is_a_whole_text_is_not_drawn_and_halves_if_nothing_else_is_left():
    assert set(draw_queries([" ".join(PARTS), PARTS[0]])) == ONE_LINE - {PARTS[0]}
    assert draw_queries([PARTS[0]]) == ["This is the first"]
    assert draw_queries(["x" * 1000]) == ["x" * 200]
    assert draw_queries(["東京タワーは高い"]) == ["東京タワ"]
    for nothing in (["a"], ["", "  "], []):
        assert draw_queries(nothing) == []


SENTENCES = st.lists(
    st.sampled_from(["lamp", "sea. ", "bread! ", "\n\n", " wild yeast rises ", "。", "x" * 60]), max_size=9
)


@given(st.lists(SENTENCES.map("".join), max_size=8), st.integers(0, 5), st.integers(0, 9))
def test_no_drawn_query_is_a_whole_text(texts, count, seed):
    drawn = draw_queries(texts, count=count, seed=seed)
    assert drawn == draw_queries(texts, count=count, seed=seed)
    assert len(drawn) == len(set(drawn)) <= count
    assert not set(drawn) & {text.strip() for text in texts}
    assert all(query.strip() and len(query) <= QUERY_CHARACTERS[1] for query in drawn)
