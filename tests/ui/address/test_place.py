"""Tests of what an address says: a link that the page made brings everything back, and a bad one says what is bad."""

from dataclasses import replace

import pytest

from retriever.indexing.collection import IndexSettings
from tests.support.small import collection_of, sentences
from ui.address.place import Place
from ui.render.links import lab_link, loaded_query


def test_an_address_of_the_page_says_all_of_a_place():
    place = Place.of(
        "?tab=recall&sample=python_docs&model=wordllama-256&M=4&efConstruction=20&k=5&ef=30&axis=distances"
        "&target=0.9&__theme=dark"
    )
    assert place == Place(
        "recall",
        "python_docs",
        IndexSettings("wordllama-256", M=4, ef_construction=20),
        values={"k": 5, "ef": 30, "axis": "distances", "target": 0.9},
    )
    assert Place.of("") == Place() == Place.of("?unknown=1&utm_source=mail")
    asked = Place.of("?tab=search&q=how+do+I+zip%3F&k=10&ef=11")
    assert (asked.sample, asked.values["q"]) == ("", "how do I zip?")
    assert Place.of("?tab=search&q=tea&beside=late").values == {"q": "tea", "beside": "late"}
    assert Place.of("?tab=documents&own=1").own
    step = Place.of("?tab=learn&lesson=misses&step=first")
    assert step == Place("learn", values={"lesson": "misses", "step": "first"})


@pytest.mark.parametrize("chunk_size", [None, 64])
def test_what_is_loaded_comes_back_with_its_settings(fake_encoder, chunk_size):
    settings = IndexSettings("all-MiniLM-L6-v2", chunk_size, 0 if chunk_size is None else 7, 8, 50)
    indexed = replace(collection_of(fake_encoder, sentences(5)), settings=settings, chunked=True)
    assert Place.of(loaded_query("documents", indexed)) == Place("", "documents", settings)
    assert loaded_query("", indexed) == "own=1" and loaded_query("documents", None) == ""


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("tab=nowhere", "tab='nowhere'"),
        ("sample=<b>", "sample='<b>'"),
        ("ef=many", "no whole number from 1 to 400"),
        ("ef=nan", "no whole number"),
        ("k=2.5", "no whole number from 1 to 50"),
        ("compared=yes", "neither 0 nor 1"),
        ("target=nan", "no number from 0.5 to 1"),
        ("target=inf", "no number from 0.5 to 1"),
        ("model=gpt", "no such model"),
        ("on=Nothing", "no such collection"),
        ("lesson=none", "no such lesson: it is one of misses, recall"),
        ("step=none", "no such step of a lesson"),
        ("beside=google", "no such third answer: it is one of bm25, late"),
        ("q=" + "a" * 3_000, "at most 2,000 characters"),
        ("q=" + "a" * 30_000, "too long"),
        ("&".join(f"p{number}=1" for number in range(200)), "too long"),
    ],
)
def test_what_cannot_be_read_is_named_and_left_out(query, named):
    place = Place.of(f"?{query}")
    [problem] = place.problems
    assert named in problem
    assert replace(place, problems=()) == Place()


@pytest.mark.parametrize(("query", "value"), [("ef=0", 1), ("ef=999", 400), ("ef=-5", 1), ("k=70", 50), ("M=900", 64)])
def test_a_number_out_of_range_becomes_the_nearest_that_the_page_has(query, value):
    place = Place.of(query)
    assert not place.problems and value in (*place.values.values(), place.settings.M)


def test_a_link_names_only_what_it_sets():
    link = lab_link("<why?>", "walk", q='a "b" & c', k=10, ef=10)
    assert link == '<a class="lab-go" href="?tab=walk&amp;q=a+%22b%22+%26+c&amp;k=10&amp;ef=10">&lt;why?&gt;</a>'


def test_an_engine_holds_only_in_a_lab_that_has_it(monkeypatch):
    monkeypatch.delenv("LAB_MILVUS_URI", raising=False)
    without = Place.of("?tab=recall&engine=milvus&ef=20")
    assert without.values == {"ef": 20}
    assert "this lab has no Milvus server: it measures in its own process. It was left out." in without.problems[0]
    assert Place.of("?tab=recall&engine=process").values == {"engine": "process"}
    monkeypatch.setenv("LAB_MILVUS_URI", "http://127.0.0.1:19530")
    assert Place.of("?tab=recall&engine=milvus").values == {"engine": "milvus"}
    assert "it is one of process, milvus" in Place.of("?engine=faiss").problems[0]
