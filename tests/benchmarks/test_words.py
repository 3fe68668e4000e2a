"""What counts as a word, as the majority, as lost and as glued; which real files are pinned, and what is missing."""

import hashlib
from collections import Counter

import pytest

from benchmarks.documents import PinnedFile, pinned_files
from benchmarks.reading_quality import TOOLS, score_of
from benchmarks.words import glued_words, lost_words, majority_of, words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Owls (2) HUNT, at_night.", ["owls", "2", "hunt", "at", "night"]),
        ("of\ufb01ce Stra\u00dfe \uff11\uff12", ["office", "strasse", "12"]),
        ("a hyphen-\n ated and well-known, 10-20", ["a", "hyphenated", "and", "wellknown", "10", "20"]),
        ("soft\u00adly hyphen\ufffe\r\nated", ["softly", "hyphenated"]),
        ("cafe\u0301 zero\u200bwidth", ["caf\u00e9", "zerowidth"]),
        ("\u6771\u4eac to Kyoto", ["\u6771", "\u4eac", "to", "kyoto"]),
    ],
)
def test_a_word_is_a_run_of_letters_and_digits_and_a_hyphen_joins(text, words):
    assert words_of(text) == words


def test_the_majority_has_a_word_as_often_as_more_than_half_read_it():
    votes = [Counter("aab"), Counter("aac"), Counter("ab")]
    assert majority_of(votes) == Counter("aab")
    assert majority_of(votes[:2]) == Counter("aa"), "of two both are needed"


def test_lost_words_are_counted_as_often_as_they_are_missing():
    assert lost_words(["red", "kite"], Counter(red=3, owl=1)) == Counter(red=2, owl=1)


def test_glued_words_are_neighbors_put_together_neither_words_themselves_nor_symbols():
    others = ["total 01 3 01 3 smith on line no one knows x 2".split()] * 2
    majority = majority_of([Counter(other) for other in others]) + Counter(online=1)
    read = "total 013 013smith online oneno lineno x2".split()
    assert glued_words(read, majority, others) == Counter({"01|3": 1, "01|3|smith": 1, "line|no": 1})


def test_a_word_whose_parts_were_read_as_well_is_not_glued():
    others = ["by the way it is there".split()] * 2
    read = "by the way it is there bythe bythe".split()
    assert glued_words(read, majority_of([Counter(other) for other in others]), others) == Counter()
    assert glued_words(read[1:], majority_of([Counter(other) for other in others]), others).total() == 0
    assert glued_words(read[2:], majority_of([Counter(other) for other in others]), others) == Counter({"by|the": 1})


def test_tools_of_one_engine_have_one_vote_and_do_not_judge_one_another():
    words = {
        "retriever": [["the", "sea"]],
        "pypdf": [["the", "sea"]],
        "pdfplumber": [["thesea"]],
        "markitdown": [["thesea"]],
    }
    assert score_of("retriever", words, 0).lost.total() == 0
    found = score_of("pdfplumber", words, 0)
    assert (found.read, found.lost, found.glued) == (2, Counter(the=1, sea=1), Counter({"the|sea": 1}))


def test_the_pinned_files_are_enough_of_each_format():
    files = pinned_files()
    formats = Counter(file.suffix for file in files)
    assert set(formats) == set(TOOLS)
    assert all(formats[suffix] >= least for suffix, least in ((".pdf", 20), (".docx", 10), (".html", 40)))
    assert len({file.sha256 for file in files}) == len(files)


def test_a_file_that_is_missing_or_another_one_is_named(tmp_path):
    file = PinnedFile("debian", "owls-doc", "1.0", "doc/owls.html", hashlib.sha256(b"Owls").hexdigest())
    with pytest.raises(FileNotFoundError, match=r"owls-doc/owls\.html is missing: run .+, or install owls-doc 1\.0"):
        file.read(tmp_path)
    (tmp_path / "doc").mkdir()
    (tmp_path / file.path).write_bytes(b"Owl")
    with pytest.raises(FileNotFoundError, match=r"is another one than that of owls-doc 1\.0"):
        file.read(tmp_path)
    (tmp_path / file.path).write_bytes(b"Owls")
    assert file.read(tmp_path) == b"Owls"
