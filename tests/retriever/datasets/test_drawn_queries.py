"""Drawing of queries from texts, for a collection without queries."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retriever.datasets.drawn_queries import ENOUGH, QUERY_CHARACTERS, Grade, draw_queries, grade

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


# --- what is no question

GOOD = [
    f"{who} {does} the old {what} near the {place} before winter came."
    for who in ("The keeper", "A farmer", "My sister", "The captain")
    for does in ("repaired", "painted", "sold")
    for what in ("lamp", "boat", "barn")
    for place in ("harbour", "mill")
]
NAMES = [first + last for first in ("Al", "Ber", "Car", "Dor", "Ed") for last in ("win", "bert", "ton", "rik", "mund")]
FAULTY = {
    "rules": ["* * * * * * * * * * * * * * * *", "-" * 60, "=" * 40, "· · · · · · · · · · · · · · · · · ·"],
    "rows": [
        "| Lamp | 12.50 | 3 | in stock | red |",
        "Lamp\t12.50\t3\tin stock\tred",
        "Lamp     12.50     3    in stock",
    ],
    "numbers": ["12, 15, 18, 21, 24, 27, 30, 33, 36, 39.", "1887 1889 1921 1935 1948 1956 1961 1977 2001."],
    "headings": [
        "## How a lighthouse is built and kept",
        "CHAPTER IV. IN WHICH THE LAMP GOES OUT.",
        "The Keeper and the Lamp",
    ],
    "contents": ["The Keeper's Tale ................... 12", "Chapter One . . . . . . . . . . . . 3"],
    "numbers of books": ["The book has the ISBN 978-3-16-148410-0 in print."],
    "licences": [
        "This eBook is for the use of anyone under the terms of the Project Gutenberg License.",
        "Copyright 2021 by the authors of this book.",
        "All rights reserved by the publisher and the author.",
        'The software is provided "as is", without warranty of any kind.',
        "No part of this publication may be copied in any form.",
    ],
    "cookies": [
        "We use cookies to improve your experience on this website.",
        "Please read our privacy policy first of all.",
    ],
    "addresses": [
        "You find more at https://example.org/lamps today.",
        "Write to keeper@example.org for a visit today.",
    ],
    "code": [
        "The call lamp.light(level) returns what is lit.",
        "def light(lamp): return lamp.level + 1",
        "if (lamp.level == 3) { light(lamp); }",
        "The variable lamp_level holds the level of it.",
    ],
    "page headers": ["Lighthouses of the North, page 12", "Report of the Lamp Committee 2021"],
    "cut sentences": ["and so the lamp was lit again before the winter.", "The keeper went to the harbour and"],
    "dates": ["Monday, 3 March 2025, 14:30 to 16:00."],
}


@pytest.mark.parametrize("faulty", FAULTY.values(), ids=FAULTY)
def test_no_query_is_of_a_kind_that_nobody_asks_where_there_is_better(faulty):
    texts = [f"{GOOD[row]}\n\n{faulty[row % len(faulty)]} {row}\n\n{GOOD[-1 - row]}" for row in range(36)]
    texts += [f"{good}\n{bad}\n{good}" for good, bad in zip(GOOD, faulty, strict=False)]
    assert set(draw_queries(texts)) == set(GOOD)


@pytest.mark.parametrize("bad", [bad for each in FAULTY.values() for bad in each])
def test_each_of_these_is_graded_worse_than_a_sentence(bad):
    assert grade(bad) > Grade.GOOD
    assert grade(GOOD[0]) == Grade.GOOD


@pytest.mark.parametrize(
    "sentence",
    [
        "The tower is 330 m high and was built from 1887 to 1889.",
        "“Cookies taste best warm from the oven,” said Dr. Smith to J. R. Miller.",
        "Does a licence make a better driver?",
        "Der alte Leuchtturm steht seit vielen Jahren auf der Insel im Norden.",
        "Старый маяк стоит на острове уже много лет.",
        "这座古老的灯塔已经在岛上矗立了很多年了。",
        "古い灯台は何年も前から島の北に立っています。",
        "المنارة القديمة تقف على الجزيرة منذ سنوات عديدة.",
        "پرانا مینار کئی سالوں سے جزیرے پر کھڑا ہے۔",
        "पुराना प्रकाशस्तंभ कई वर्षों से द्वीप पर खड़ा है।",
        "오래된 등대는 여러 해 동안 섬의 북쪽에 서 있습니다.",
        "¿Cuántos años lleva el viejo faro en la isla?",
    ],
)
def test_sentences_of_any_language_are_drawn_whole(sentence):
    others = [f"* * *\n\nLAMPS OF {row}\n{sentence} {GOOD[row]}\n\n| a | {row} |" for row in range(2)]
    assert grade(sentence) == Grade.GOOD
    assert set(draw_queries(others, count=3)) == {sentence, *GOOD[:2]}


def test_what_stands_on_each_page_is_not_drawn():
    footer = "This lesson was made for the museum of lamps."
    texts = [f"{GOOD[row]} {GOOD[row + 36]}\n\n{footer}" for row in range(36)]
    assert set(draw_queries(texts)) == set(GOOD)
    overlapping = [" ".join(GOOD[row : row + 4]) for row in range(60)]  # each sentence in four texts, as chunks overlap
    assert len(draw_queries(overlapping)) > 50


def test_values_of_a_table_are_drawn_without_their_names():
    rows = [f"name: Lamp {row}\nprice: {row}.50\ntext: {GOOD[row]}" for row in range(40)]
    assert set(draw_queries(rows)) == set(GOOD[:40])


def test_texts_without_a_good_sentence_still_give_some():
    headings = [
        f"The Keeper of the Lamp {name}\n\nLamps and Boats of the {name}\n\n* * * * * * * * * *" for name in NAMES
    ]
    drawn = draw_queries(headings)
    assert len(drawn) == ENOUGH and not any("*" in query for query in drawn)
    for row in (
        "| Lamp | 12.50 | 3 | in stock | red | {} |",
        "{}: https://example.org/lamps",
        "* * * * * * {} * * * *",
    ):
        assert 0 < len(draw_queries([f"{row}\n{row}".format(n, n + 1) for n in range(90)])) <= ENOUGH


def test_a_few_good_ones_are_filled_up_with_fair_ones_only_to_what_is_enough():
    texts = [
        f"{good}\n\n{title} of the Lamps and Boats\n\nno. 12; no. 12; no. 12; no. 12; no. 12"
        for good, title in zip(GOOD, "Keepers Masters Friends Makers Owners".split(), strict=False)
    ]
    texts += [f"The Keeper of the Lamp {name}\n\nThe Keeper of the Boat {name}" for name in NAMES]
    drawn = draw_queries(texts)
    assert len(drawn) == ENOUGH and set(GOOD[:5]) < set(drawn)
    assert "12" not in " ".join(drawn)
