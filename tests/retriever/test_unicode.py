"""Cleaning of text, and its normal forms."""

import time

from retriever.unicode import normalize


def test_a_normal_form_takes_time_in_proportion_to_the_text():
    few, many = "a" + "\u0316\u0315" * 15, "a" + "\u0315\u0316" * 200_000
    began = time.perf_counter()
    assert normalize("NFC", many) == normalize("NFC", few), "thirty marks on one character are kept"
    assert time.perf_counter() - began < 5, "Python's own takes hours"
    assert normalize("NFC", "cafe\u0301") == "caf\u00e9" and normalize("NFD", "caf\u00e9") == "cafe\u0301"
