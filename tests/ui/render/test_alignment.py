"""The picture of late interaction: every word shows its partner, in the row, in the passage and in the table."""

import re

from retriever.retrievers.alignment import Alignment, TokenMatch
from tests.support.page import Elements, assert_harmless, words_of
from tests.support.small import HOSTILE
from ui.render.alignment import alignment_picture

TEXT = "A lighthouse warns ships. The light is seen far out."
MATCHES = [
    TokenMatch("[CLS]", None, False, "[SEP]", None, 0.5),
    TokenMatch("light", (0, 5), False, "light", (2, 7), 0.9),
    TokenMatch("houses", (5, 11), True, "house", (7, 12), 0.75),
    TokenMatch("ship", (12, 16), False, "ships", (19, 24), -0.1),
    TokenMatch("boat", (17, 21), False, "ships", (19, 24), 0.625),
]
ALIGNMENT = Alignment("lighthouses ship boat", TEXT, MATCHES)


def marks(picture):
    return re.findall(r'<mark data-at="(\d+)"[^>]*--near:([0-9.]+)">(.*?)</mark>', picture)


def test_a_word_names_its_partner_which_is_marked_in_the_text():
    picture = alignment_picture(ALIGNMENT)
    assert marks(picture) == [("0", "0.90", "light"), ("1", "0.75", "house"), ("2", "0.62", "ships")]
    buttons = re.findall(r'data-to="(\w+)" aria-label="(.*?)"', picture)
    assert [number for number, _ in buttons] == ["none", "0", "1", "2", "2"]
    assert buttons[1][1] == "“light” takes “light”, similarity 0.900" and buttons[3][1].endswith("similarity −0.100")
    assert TEXT in Elements(picture).text, "nothing of the passage is lost or doubled"
    assert "2.675" in words_of(picture), "the score that the similarities add up to"


def test_the_table_has_the_same_words_and_numbers():
    rows = re.findall(r'<tr><th scope="row">(.*?)</th><td>(.*?)</td><td>(.*?)</td>', alignment_picture(ALIGNMENT))
    assert rows[0] == ("[CLS]", "[SEP] (a mark of the model)", "0.500")
    assert [row[:2] for row in rows[1:]] == [(match.word, match.partner) for match in MATCHES[1:]]


def test_partners_that_overlap_are_marked_once():
    taken = [("abc", (0, 3)), ("cd", (2, 4)), ("e", (4, 5))]
    matches = [TokenMatch("a", (0, 1), False, partner, span, 0.2) for partner, span in taken]
    picture = alignment_picture(Alignment("a", "abcdef", matches))
    assert [text for _, _, text in marks(picture)] == ["abcd", "e"]
    assert re.findall(r'data-to="(\w+)"', picture) == ["0", "0", "1"]


def test_a_hostile_passage_and_question_stay_text():
    match = TokenMatch(HOSTILE, (0, len(HOSTILE)), False, HOSTILE, (0, len(HOSTILE)), 1.0)
    assert_harmless(alignment_picture(Alignment(HOSTILE, HOSTILE, [match])))
