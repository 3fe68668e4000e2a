"""Tests of one question's answers as HTML: the marks are the ones passed in, and the bar splits the time."""

import re

from tests.support.page import Elements
from tests.support.small import hit
from ui.search.text import hit_list, time_bar


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


def test_the_time_bar_splits_in_proportion():
    source = time_bar({"embedding": (0.003, "a"), "HNSW": (0.001, "b"), "exact": (0.004, "c")})
    assert [float(share) for share in re.findall(r"flex-grow:([0-9.]+)", source)] == [0.375, 0.125, 0.5]
    assert re.findall(r"<b>(.*?)</b>", source) == ["3 ms", "1 ms", "4 ms"]
    assert "flex-grow:0" in time_bar({"embedding": (0.0, "a")}), "of no time at all"
