"""Tests of one question's answers as HTML: the marks are the ones passed in, and the bar splits the time."""

import re
from dataclasses import replace

from retriever.experiments.search_comparison import compare_searches
from tests.support.encoders import FakeEncoder
from tests.support.page import Elements
from tests.support.small import collection_of, hit, sentences
from ui.inputs import SearchSettings
from ui.search.records import search_record
from ui.search.text import hit_list, search_summary, time_bar


def test_hits_show_text_score_place_and_mark():
    found = [hit("Water boils.", 0.87654, title="Tea", source="tea.txt"), hit("Bees fly.", 0.5, title="Bees")]
    plain, marked = re.findall(r"<li.*?</li>", hit_list(found, [False, True], side="exact"), flags=re.DOTALL)
    assert all(part in plain for part in ("Water boils.", "0.877", "<b>tea.txt</b>"))
    assert "missed by HNSW" not in plain and "lab-marked" not in plain
    assert "missed by HNSW" in marked and "lab-marked" in marked
    extra = hit_list(found[1:], [True], side="hnsw")
    assert "missed by HNSW" not in extra and "lab-marked" in extra


def test_a_long_hit_can_be_read_whole():
    text = " ".join(f"word{number}" for number in range(300))
    assert text in Elements(hit_list([hit(text)], [False], side="exact")).text


def test_a_question_that_is_cut_is_told_with_how_much_of_it_was_read():
    class Prompted(FakeEncoder):
        def count_query_tokens(self, texts):
            return [count + 10 for count in self.count_tokens(texts)]  # a prompt

    indexed = collection_of(Prompted(), sentences(30))
    settings = SearchSettings(5, 10)
    for words, tokens, read in ((52, 64, 64), (53, 65, 64), (2_000, 2_012, 64)):
        question = "amber " * words
        both = compare_searches(indexed.retriever, question, 5, ef=10)
        told = search_summary(question, both, settings, indexed).striptags()
        cut = f"of its {tokens:,} tokens fake reads the first {read}, so what follows changes nothing"
        assert (cut in told, "is cut" in told) == (tokens > read, tokens > read)
        observed = search_record(indexed, question, settings, both).observed
        assert (observed["question_tokens"], observed["question_tokens_read"]) == (tokens, read)
    whole = replace(both, tokens=0, tokens_read=0)  # of a model that reads texts of any length
    assert "is cut" not in search_summary(question, whole, settings, indexed)
    assert "question_tokens" not in search_record(indexed, question, settings, whole).observed


def test_what_a_model_reads_in_place_of_a_question_is_told_only_where_it_differs(fake_encoder, monkeypatch):
    indexed, asked = collection_of(fake_encoder, sentences(30)), SearchSettings(5, 10)
    both = compare_searches(indexed.retriever, "amber", 5, ef=10)
    assert "prompt" not in search_summary("amber", both, asked, indexed)
    monkeypatch.setattr("ui.search.text.loaded_prompts", lambda name: ("query: ", "passage: "))
    assert "the question that it reads is “query: amber”." in search_summary("amber", both, asked, indexed)


def test_the_time_bar_splits_in_proportion():
    source = time_bar({"embedding": (0.003, "a"), "HNSW": (0.001, "b"), "exact": (0.004, "c")})
    assert [float(share) for share in re.findall(r"flex-grow:([0-9.]+)", source)] == [0.375, 0.125, 0.5]
    assert re.findall(r"<b>(.*?)</b>", source) == ["3.00 ms", "1.00 ms", "4.00 ms"]
    assert "flex-grow:0" in time_bar({"embedding": (0.0, "a")}), "of no time at all"
