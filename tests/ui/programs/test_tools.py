"""The tools as programs have them: asked with the real MCP client, and compared with what the library finds."""

import json

import numpy as np
import pytest

from retriever.experiments.search_comparison import answer_question
from tests.support.mcp_client import ask, call_tool
from tests.support.serving import GRADIO_WARNINGS, served
from ui.jobs.shared_samples import SharedSamples
from ui.programs.answers import MOST_TEXT

pytestmark = [pytest.mark.filterwarnings(warning) for warning in GRADIO_WARNINGS]
K = 5
ARGUMENTS = {
    "search_sample": ["sample", "question", "k", "ef"],
    "measure_ef": ["sample", "k", "ef", "M", "ef_construction"],
    "compare_retrievers": ["sample", "retrievers", "k", "ef"],
    "explain_miss": ["sample", "question", "k", "ef", "steps"],
}


@pytest.fixture(scope="module")
def shared_samples(minilm):
    """The shared samples with the small one prepared."""
    shared_samples = SharedSamples(("documents",))
    shared_samples.start()
    shared_samples.prepare("documents").result()
    return shared_samples


@pytest.fixture(scope="module")
def address(shared_samples):
    with served(shared_samples) as address:
        yield address


@pytest.fixture(scope="module")
def call(address):
    """A function that calls a tool and returns what it found."""

    def call(name, **arguments):
        answer = call_tool(address, name, **arguments)
        assert not answer.isError, answer.content[0].text
        assert json.loads(answer.content[0].text) == answer.structuredContent
        return answer.structuredContent

    return call


@pytest.fixture(scope="module")
def sample(shared_samples):
    return shared_samples.ready("documents")


@pytest.fixture(scope="module")
def hard(sample):
    """The question that HNSW does worst on."""
    return sample.queries[int(np.argmin(sample.measurements.recalls(K, K)))]


def test_there_are_four_tools_and_every_argument_has_a_type_bounds_and_words(address):
    welcome, listed = ask(address, lambda session: session.initialize(), lambda session: session.list_tools())
    assert welcome.serverInfo.name == "dense-retrieval-lab" and "measured" in welcome.instructions
    assert {tool.name: list(tool.inputSchema["properties"]) for tool in listed.tools} == ARGUMENTS
    for tool in listed.tools:
        assert (
            tool.annotations.readOnlyHint
            and len(tool.description) > 200
            and "run record" in " ".join(tool.description.split())
        )
        for name, argument in tool.inputSchema["properties"].items():
            assert argument["description"].endswith(".") and argument["type"] in ("string", "integer", "array")
            assert (name in tool.inputSchema["required"]) == ("default" not in argument)
            assert argument["type"] != "integer" or {"minimum", "maximum"} <= set(argument)
    k = listed.tools[0].inputSchema["properties"]["k"]
    assert (k["minimum"], k["maximum"], k["default"]) == (1, 50, 10)


def test_a_search_tells_ranks_misses_distances_and_seconds(call, sample, hard):
    found = call("search_sample", sample="documents", question=hard, k=K, ef=K)
    both = answer_question(sample, hard, K, ef=K)
    assert [hit["passage_id"] for hit in found["nearest_passages"]] == [hit.passage.passage_id for hit in both.exact]
    assert [hit["passage_id"] for hit in found["hnsw_hits"]] == [hit.passage.passage_id for hit in both.hnsw]
    assert found["recall"] < 1 and len(found["missed_ranks"]) == round((1 - found["recall"]) * K)
    assert [hit["missed_by_hnsw"] for hit in found["nearest_passages"]] == both.missed
    order = np.argsort(-(sample.retriever.vectors @ both.vector), kind="stable")  # exact search, by other means
    ranks = {sample.retriever.passages[row].passage_id: rank for rank, row in enumerate(order.tolist(), 1)}
    assert [hit["exact_rank"] for hit in found["hnsw_hits"]] == [ranks[hit["passage_id"]] for hit in found["hnsw_hits"]]
    assert 0 < found["distances"]["hnsw"] < found["distances"]["exact"] == len(sample)
    assert set(found["seconds"]) == {"embedding", "HNSW", "exact"}
    assert all(0 < len(hit["text"]) <= MOST_TEXT + 2 for hit in found["nearest_passages"])
    assert ["text" in hit for hit in found["hnsw_hits"]] == [hit["exact_rank"] > K for hit in found["hnsw_hits"]]
    assert found["record"]["settings"]["question"] == hard and found["record"]["versions"]["hnswlib"]


def test_a_miss_is_explained_and_the_ef_that_is_told_finds_it(call, hard):
    found = call("explain_miss", sample="documents", question=hard, k=K, ef=K, steps=2)
    searched = call("search_sample", sample="documents", question=hard, k=K, ef=K)
    assert [miss["exact_rank"] for miss in found["missed"]] == searched["missed_ranks"]
    assert found["distances"] == searched["distances"]
    assert f"finds {found['found']} of the {K} nearest passages" in found["explanation"]
    assert len(found["first_steps"]) == 2 and found["first_steps"][0].startswith(f"Step 1 of {found['steps']}, ")
    assert "<" not in json.dumps(found["first_steps"])
    for miss in found["missed"]:
        ef = miss["smallest_ef_that_finds_it"]
        assert f"ef={ef} finds it" in miss["reason"]
        assert (
            miss["exact_rank"]
            not in call("search_sample", sample="documents", question=hard, k=K, ef=ef)["missed_ranks"]
        )


def test_where_nothing_is_missed_that_is_said(call, hard):
    found = call("explain_miss", sample="documents", question=hard, k=K, ef=400, steps=0)
    assert found["missed"] == [] and found["explanation"].endswith("Nothing is missed at ef=400.")


def test_a_measurement_is_of_both_sides_and_of_the_graph_that_is_asked_for(call, sample):
    found = call("measure_ef", sample="documents", k=K, ef=K)
    assert found["recall"] == pytest.approx(sample.measurements.recalls(K, K).tolist())
    assert found["hnsw"]["mean_distances"] < found["exact"]["mean_distances"] == len(sample)
    assert found["exact"]["p50_seconds"] > 0 and found["record"]["observed"]["hnsw"] == found["hnsw"]
    poor = call("measure_ef", sample="documents", k=K, ef=K, M=2, ef_construction=10)
    assert poor["recall"] == pytest.approx(sample.with_graph(2, 10).measurements.recalls(K, K).tolist())
    assert (poor["settings"]["M"], poor["record"]["settings"]["ef_construction"]) == (2, 10)


def test_retrievers_are_compared_with_a_verdict_intervals_and_p(call):
    names = ["wordllama-256", "BM25"]
    found = call("compare_retrievers", sample="everyday_science", retrievers=names, k=3)
    assert found["retrievers"] == dict(zip(("first", "second"), names, strict=True))
    rate = found["scores"]["success_3"]
    assert rate["difference"][1] <= rate["difference"][0] <= rate["difference"][2] and 0 <= rate["corrected_p"] <= 1
    assert "of 176 questions" in found["verdict"] and "ef=10" in found["costs"]
    assert found["record"]["observed"]["second_costs"]["p50_seconds_a_question"] > 0


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("search_sample", {"question": "tea", "k": 0}, "k is 0; it must be a whole number from 1 to 50."),
        ("search_sample", {"question": "tea", "k": "5"}, "k is '5'; it must be a whole number."),
        ("search_sample", {"question": " "}, "The question is empty"),
        ("search_sample", {"question": "x" * 2_001}, "at most 2,000 are taken"),
        ("search_sample", {"question": {"path": "/etc/passwd"}}, "send one text"),
        ("search_sample", {"question": "tea", "sample": "/etc/passwd"}, "sample is '/etc/passwd'; it must be one of: "),
        ("search_sample", {"question": "tea", "sample": ["documents"]}, "it must be one of: python_docs, documents, "),
        ("search_sample", {"question": "tea", "top_k": 3}, "has no argument 'top_k'; its arguments are: sample, "),
        ("search_sample", {}, "needs the argument question"),
        ("measure_ef", {"ef": 401}, "ef is 401; it must be a whole number from 1 to 400."),
        ("measure_ef", {"M": 65}, "M is 65; it must be a whole number from 2 to 64."),
        ("measure_ef", {"ef_construction": 1e9}, "it must be a whole number from 10 to 800."),
        ("explain_miss", {"question": "tea", "steps": 101}, "steps is 101; it must be a whole number from 0 to 100."),
        ("compare_retrievers", {"retrievers": ["BM25", "wordllama-256"]}, "one of: everyday_science, python_docs."),
        ("compare_retrievers", {"sample": "python_docs", "retrievers": ["BM25"]}, "1 names; name two to four"),
        ("compare_retrievers", {"sample": "python_docs", "retrievers": "BM25"}, "must be a list of names"),
        ("compare_retrievers", {"sample": "python_docs", "retrievers": ["BM25", "BM25"]}, "BM25 is chosen twice"),
        ("compare_retrievers", {"sample": "python_docs", "retrievers": ["BM25", "google"]}, "catalogue"),
        ("delete_everything", {}, "There is no tool 'delete_everything'; choose one of: search_sample, measure_ef, "),
    ],
)
def test_what_is_wrong_is_a_readable_error_of_the_tool(address, name, arguments, words):
    answer = call_tool(address, name, **{"sample": "documents", **arguments})
    assert answer.isError and words in answer.content[0].text and len(answer.content[0].text) < 300
