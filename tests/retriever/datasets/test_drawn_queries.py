"""Drawing of queries from texts, for a collection without queries."""

from hypothesis import given
from hypothesis import strategies as st

from retriever.datasets.drawn_queries import QUERY_CHARACTERS, draw_queries

LONG = "This is the first sentence of a text. Here comes another one, also long enough! And is this the third of them?"


def test_sentences_are_drawn_whole():
    drawn = draw_queries([LONG, "Short. Also short."])
    assert set(drawn) == {
        "This is the first sentence of a text.",
        "Here comes another one, also long enough!",
        "And is this the third of them?",
    }


def test_the_draw_is_the_same_each_time_and_another_with_another_seed():
    texts = [f"Sentence number {n} of the text is here. Another number {n} follows it there." for n in range(200)]
    first = draw_queries(texts, count=20)
    assert len(set(first)) == 20
    assert draw_queries(iter(texts), count=20) == first
    assert draw_queries(texts, count=20, seed=1) != first
    assert set(draw_queries(texts, count=1000)) == {part + "." for text in texts for part in text[:-1].split(". ")}


def test_a_sentence_that_is_a_whole_text_is_not_drawn():
    whole = "This is the first sentence of a text."
    assert whole not in draw_queries([LONG, whole])
    assert draw_queries([whole]) == ["This is the first"]  # nothing else: a half
    assert draw_queries(["a"]) == []
    assert draw_queries(["", "  "]) == []
    assert draw_queries([]) == []


def test_texts_without_spaces_give_halves_of_bounded_length():
    assert draw_queries(["x" * 1000]) == ["x" * 200]
    assert draw_queries(["東京タワーは高い"]) == ["東京タワ"]


SENTENCES = st.lists(
    st.sampled_from(["lamp", "sea. ", "bread! ", "\n\n", " wild yeast rises ", "。", "x" * 60]), max_size=9
)


@given(st.lists(SENTENCES.map("".join), max_size=8), st.integers(0, 5), st.integers(0, 9))
def test_no_drawn_query_is_a_whole_text(texts, count, seed):
    drawn = draw_queries(texts, count=count, seed=seed)
    assert drawn == draw_queries(texts, count=count, seed=seed)
    assert len(drawn) == len(set(drawn)) <= count
    assert not set(drawn) & {text.strip() for text in texts}
    for query in drawn:
        assert query.strip()
        assert len(query) <= QUERY_CHARACTERS[1]


def test_a_drawn_sentence_is_one_line():
    lens = "Fresnel lenses let a small\nlamp be seen far  out at sea."
    dough = "Sourdough rises because of\n wild yeast in the dough."
    drawn = draw_queries([f"{lens} {dough}"])
    assert set(drawn) == {
        "Fresnel lenses let a small lamp be seen far out at sea.",
        "Sourdough rises because of wild yeast in the dough.",
    }
