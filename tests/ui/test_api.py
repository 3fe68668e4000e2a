"""Tests of the API as programs see it: its endpoints, a session for each client, and a page that needs no model."""

import json
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import gradio as gr
import httpx
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

from tests.support.judged import beir_zip
from tests.support.paths import ROOT
from tests.support.serving import GRADIO_WARNINGS, build, call, served
from tests.support.small import HOSTILE, sentences
from ui.blocks import _nearest as nearest_of
from ui.inputs import SLIDER_MAX_EF, SLIDER_MAX_K
from ui.jobs.shared_samples import SharedSamples
from ui.programs.words import PARAMETERS

pytestmark = [pytest.mark.filterwarnings(warning) for warning in GRADIO_WARNINGS]
MODELS = {"first": "all-MiniLM-L6-v2", "second": "wordllama-256"}
NO_FILES = {"archive": None, "qrels": None, "queries": None}
BEES = "Honey bees dance to tell the way."


@pytest.fixture(scope="module")
def url(minilm):
    """The address of the app with the small sample prepared."""
    shared_samples = SharedSamples(("documents",))
    shared_samples.start()
    shared_samples.prepare("documents").result()
    with served(shared_samples) as address:
        yield address


@pytest.fixture(scope="module")
def new_client(url):
    """A function that makes clients, each a visitor of its own."""
    clients = []

    def make():
        clients.append(Client(url, verbose=False, download_files=False))
        return clients[-1]

    yield make
    with ThreadPoolExecutor(8) as pool:  # each takes a second
        list(pool.map(Client.close, clients))


@pytest.fixture(scope="module")
def client(new_client):
    return new_client()


def paste(client, text, **values):
    return build(client, source="text", pasted=text, **values)


def error_of(call, *args, **kwargs):
    with pytest.raises(AppError) as raised:
        call(*args, **kwargs)
    return str(raised.value)


def test_only_the_named_endpoints_are_public_and_name_their_parameters(client):
    info = client.view_api(return_format="dict", print_info=False)
    assert info["unnamed_endpoints"] == {}
    names = {
        name: [parameter["parameter_name"] for parameter in endpoint["parameters"]]
        for name, endpoint in info["named_endpoints"].items()
    }
    built = "source sample files pasted model_name chunk_size chunk_overlap M ef_construction text_columns title_column"
    compared = (
        "collection first second k ef M ef_construction archive qrels queries relevance_level part split third fourth"
    )
    assert names == {
        "/build": built.split(),
        "/search": ["question", "k", "ef", "beside"],
        "/measure": ["k", "ef"],
        "/compare": compared.split(),
    }


def test_every_parameter_is_described_and_files_and_all_with_a_usual_value_may_be_left_out(client):
    endpoints = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    assert all(endpoint["description"].endswith(".") for endpoint in endpoints.values())
    parameters = [parameter for endpoint in endpoints.values() for parameter in endpoint["parameters"]]
    assert all(len(parameter["python_type"]["description"]) > 15 for parameter in parameters)
    assert {parameter["parameter_name"] for parameter in parameters} == set(PARAMETERS)
    required = [parameter["parameter_name"] for parameter in parameters if not parameter["parameter_has_default"]]
    assert required == ["question"]
    for endpoint in endpoints.values():
        [part] = endpoint["returns"]
        words = part["python_type"]["description"]
        assert len(words) > 15 and words in endpoint["description"], "the page shows the description alone"
    printed = client.view_api(return_format="str", print_info=False)
    assert "archive: filepath | None (not required" in printed and "a whole number from 1 to 50" in printed


def test_what_the_page_shows_for_curl_works_and_names_what_is_wrong(url):
    """As the API view writes it: the values by name, and no session."""

    def post(**values):
        return httpx.post(f"{url}/gradio_api/call/v2/search", json=values, timeout=60)

    event = post(question="how hot should the water be for green tea?", k=2).json()["event_id"]
    answer = httpx.get(f"{url}/gradio_api/call/search/{event}", timeout=60).text
    [found] = json.loads(re.search(r"^event: complete\ndata: (.*)$", answer, re.MULTILINE).group(1))
    assert found["record"]["settings"]["k"] == 2 and "tea" in found["results"][0]["place"]
    for values, words in (
        ({"k": 2}, "needs the parameter question"),
        ({"question": "x", "n": 2}, "has no parameter n"),
    ):
        refused = post(**values)
        assert refused.status_code == 400 and f"search {words}; its parameters are: question" in refused.text
    assert httpx.post(f"{url}/gradio_api/call/v2/predict", json={}).status_code == 404


def test_the_columns_of_a_table_are_chosen(client, tmp_path):
    path = tmp_path / "birds.csv"
    path.write_text('name,"habit, usual",where\nOwl,hunts at night,forest\nLark,sings,meadow\n')
    columns = {"text_columns": '"habit, usual", where', "title_column": "Name"}
    build(client, source="files", files=[handle_file(str(path))], **columns)
    found = client.predict("who sings?", 1, 5, api_name="/search")["results"][0]
    assert (
        found["place"].startswith("Lark · birds.csv · row 2") and found["text"] == "habit, usual: sings\nwhere: meadow"
    )
    message = error_of(build, client, source="files", files=[handle_file(str(path))], text_columns="habits")
    assert 'no column "habits"' in message and '"habit, usual"' in message


def test_a_program_may_leave_out_what_it_sends_by_position(url):
    """As one does that was written before there were columns to choose."""
    values = ["text", "", None, BEES, "wordllama-256", 40, 0, 4, 20]
    assert call(url, "build", values, "older")["settings"]["M"] == 4
    assert call(url, "search", ["bees", 1], "older")["results"][0]["text"] == BEES


# --- building, searching and measuring


def test_who_has_built_nothing_searches_the_sample(new_client):
    answer = new_client().predict("how hot should the water be for green tea?", 3, 30, api_name="/search")
    exact = [row for row in answer["results"] if row["search"] == "exact"]
    assert "tea" in exact[0]["place"].lower()
    assert [row["rank"] for row in exact] == [1, 2, 3]
    assert exact[0]["score"] >= exact[1]["score"] >= exact[2]["score"]
    assert answer["recall"] == 1.0
    assert set(answer["seconds"]) == {"embedding", "HNSW", "exact"}
    assert all(0 < seconds < 60 for seconds in answer["seconds"].values())
    assert answer["record"]["settings"]["ef"] == 30
    assert answer["record"]["versions"]["hnswlib"]


def test_a_third_answer_is_made_when_it_is_first_asked_for(new_client):
    visitor = new_client()
    paste(visitor, f"{BEES} Cranes fly in a wedge. The bee is a hive's worker.", chunk_size=12)
    answer = visitor.predict("dancing bees", 2, 5, "bm25", api_name="/search")
    found = [row for row in answer["results"] if row["search"] == "BM25"]
    assert [row["rank"] for row in found] == [1, 2] and found[0]["text"].startswith("Honey bees dance")
    assert answer["record"]["settings"]["beside"]["k1"] == 0.9 and answer["seconds"]["BM25"] > 0
    assert "bm25, late" in error_of(visitor.predict, "bees", 2, 5, "google", api_name="/search")


def test_a_text_is_built_searched_and_measured(client):
    texts = sentences(120)
    record = paste(client, " ".join(texts), chunk_size=20, M=6, ef_construction=40)
    assert record["data"]["collection"] == "Pasted text"
    assert record["data"]["vectors"] > 50
    assert (record["settings"]["M"], record["settings"]["ef_construction"]) == (6, 40)
    assert record["settings"]["model"] == "wordllama-256"
    assert record["observed"]["seconds_embedding"] > 0
    answer = client.predict(texts[17], 1, 60, api_name="/search")
    assert " ".join(texts[17].split()[:4]) in answer["results"][0]["text"]
    measured = client.predict(5, 10, api_name="/measure")
    hnsw, recall = measured["hnsw"], measured["recall"]
    assert (hnsw["ef"], measured["settings"]["M"]) == (10, 6)
    assert len(recall) == measured["data"]["measuring_queries"]
    assert hnsw["mean_recall"] == pytest.approx(sum(recall) / len(recall), abs=1e-5)
    assert measured["exact"]["mean_recall"] == 1.0
    assert hnsw["p50_seconds"] <= hnsw["p95_seconds"]


def test_files_are_built_and_bad_ones_told(client, tmp_path):
    good, bad = ROOT / "samples" / "documents" / "earthquakes.pdf", tmp_path / "empty.txt"
    bad.write_bytes(b"")
    record = build(client, source="files", files=[handle_file(str(good)), handle_file(str(bad))])
    assert list(record["observed"]["files_not_read"]) == ["empty.txt"]
    assert "empty" in record["observed"]["files_not_read"]["empty.txt"]
    answer = client.predict("how strong is an earthquake on the magnitude scale?", 2, 20, api_name="/search")
    assert "earthquakes.pdf" in answer["results"][0]["place"]


def test_more_than_there_is(client):
    paste(client, BEES)
    assert len(client.predict("bees", 50, 50, api_name="/search")["results"]) == 2
    assert client.predict(50, 50, api_name="/measure")["hnsw"]["mean_recall"] == 1.0


# --- comparing models


def test_two_models_are_compared_on_an_uploaded_collection(new_client, tmp_path):
    corpus = [(f"d{row}", text) for row, text in enumerate(sentences(60))]
    queries = [("q1", "how do honey bees tell others where blossoms are?"), ("q2", "where do trains go?")]
    corpus.append(("bees", "Bees dance to tell of flowers."))
    path = beir_zip(tmp_path / "tiny.zip", corpus, queries, [("q1", "bees", "1"), ("q2", "gone", "1")])
    client, values = new_client(), {**MODELS, **NO_FILES, "archive": handle_file(path), "k": 1, "ef": 5}
    answer = client.predict(collection="beir", api_name="/compare", **values)
    assert answer["scores"]["success_1"]["first"][0] == 0.5  # the judged document of q2 is not there
    assert answer["two_errors"]["wordllama-256"]["questions"] == 2
    assert (answer["record"]["data"]["collection"], answer["record"]["data"]["vectors"]) == ("tiny", 61)
    assert answer["record"]["settings"]["first"]["model"] == "all-MiniLM-L6-v2"
    assert "of 2" in answer["verdict"] and "<" not in answer["verdict"].replace("p < ", "")
    said = {"qrels": ["The judgments of the split 'test' are read."]}
    assert answer["record"]["observed"]["notes_on_reading"] == said
    again = client.predict(collection="beir", api_name="/compare", **values)
    assert again["record"]["observed"]["seconds"] < answer["record"]["observed"]["seconds"] + 1
    assert again["scores"] == answer["scores"]


def test_up_to_four_retrievers_are_compared(new_client, tmp_path):
    corpus = [(f"d{row}", text) for row, text in enumerate(sentences(20))]
    queries = [(f"q{row}", " ".join(corpus[row][1].split()[:3])) for row in range(3)]
    path = beir_zip(tmp_path / "tiny.zip", corpus, queries, [(f"q{row}", f"d{row}", "1") for row in range(3)])
    names = ["wordllama-256", "BM25", "BM25 + wordllama-256"]
    chosen = dict(zip(("first", "second", "third"), names, strict=True))
    values = {**chosen, **NO_FILES, "archive": handle_file(path), "k": 1, "ef": 5}
    answer = new_client().predict(collection="beir", api_name="/compare", **values)
    rate = answer["scores"]["success_1"]
    assert rate["second"][0] == 1 and list(rate["pairs"]) == [
        "first_minus_second",
        "first_minus_third",
        "second_minus_third",
    ]
    assert list(answer["two_errors"]) == names
    assert "lost_by_index" in answer["two_errors"]["wordllama-256"]
    assert "lost_by_index" not in answer["two_errors"]["BM25"], "it has no index"
    settings, observed = answer["record"]["settings"], answer["record"]["observed"]
    assert (settings["second"]["retriever"], settings["second"]["k1"]) == ("BM25", 0.9)
    assert settings["third"]["fusion_k"] == 60 and settings["third"]["parts"] == [settings["second"], settings["first"]]
    for place in chosen:
        assert observed[f"{place}_costs"]["p50_seconds_a_question"] > 0
    assert observed["first_costs"]["bytes_searched"] == 20 * 256 * 4


def test_of_an_archive_with_several_collections_a_program_names_one(new_client, tmp_path):
    corpus, queries = [("bees", "Bees dance to tell of flowers.")], [("q1", "why do bees dance?")]
    path = beir_zip(tmp_path / "two.zip", corpus, queries, [("q1", "bees", "1")], folders=("a", "b"), split="dev")
    client, values = new_client(), {**MODELS, **NO_FILES, "archive": handle_file(path), "k": 1, "ef": 5}
    with pytest.raises(AppError, match="it holds 2 collections.*choose one of: a, b"):
        client.predict(collection="beir", api_name="/compare", **values)
    answer = client.predict(collection="beir", api_name="/compare", **values, part="b", split="dev")
    assert answer["record"]["data"]["collection"] == "two, b, split dev"


def test_what_a_client_has_built_is_compared_with_judgments_of_its_own(new_client, tmp_path):
    client, texts = new_client(), sentences(40)
    paste(client, " ".join(texts), chunk_size=20)
    qrels, queries = tmp_path / "qrels.txt", tmp_path / "queries.tsv"
    qrels.write_text("q1 0 pasted-text 1\n")
    queries.write_text(f"q1\t{texts[3]}\n")
    files = {"archive": None, "qrels": handle_file(str(qrels)), "queries": handle_file(str(queries))}
    with pytest.raises(AppError, match="0 of 1 document ids"):
        client.predict(collection="loaded", api_name="/compare", **MODELS, **files)
    qrels.write_text("query-id\tcorpus-id\tscore\nq1\tpasted text\t1\n")
    files["qrels"] = handle_file(str(qrels))
    answer = client.predict(collection="loaded", api_name="/compare", **MODELS, **files)
    assert answer["scores"]["success_10"]["first"][0] == 1
    assert answer["record"]["settings"]["second"]["model"] == "wordllama-256"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"collection": "nothing"}, "everyday_science"),
        ({"second": "all-MiniLM-L6-v2"}, "chosen twice"),
        ({"second": "no-such-model"}, "catalogue"),
        ({"second": "intfloat/e5-small-v2"}, "could not be fetched"),
        ({"fourth": "BM25 + no-such-model"}, "catalogue"),
        ({"k": 0}, "k is 0"),
        ({"k": 2.5}, "k is 2.5"),
        ({"ef": -1}, "ef is -1"),
        ({"relevance_level": 0}, "relevance_level is 0"),
        ({"collection": "beir"}, "No file was chosen"),
    ],
)
def test_what_cannot_be_compared_is_a_clear_error(client, values, said):
    with pytest.raises(AppError, match=said):
        client.predict(api_name="/compare", **{"collection": "everyday_science", **MODELS, **NO_FILES, **values})


# --- errors


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"source": "nonsense"}, "nonsense"),
        ({"pasted": ""}, "empty"),
        ({"M": 1}, "M is 1"),
        ({"M": 2.5}, "M is 2.5"),
        ({"chunk_size": None}, "chunk_size is None"),
        ({"chunk_size": -5}, "-5"),
        ({"chunk_overlap": 400}, "400"),
        ({"model_name": "nonsense"}, "nonsense"),
        ({"source": "files", "files": None}, "files"),
        ({"source": "sample", "sample": "nonsense"}, "nonsense"),
        ({"source": HOSTILE}, "&lt;img"),
    ],
)
def test_a_bad_request_is_told_and_what_was_built_stays(client, values, words):
    paste(client, BEES)
    message = error_of(build, client, **{"source": "text", "pasted": "a b c", **values})
    assert words in message and "is lost" in message and "<" not in message
    assert client.predict("bees", 1, 10, api_name="/search")["results"][0]["text"] == BEES


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("empty.txt", b"", "empty"),
        ("broken.pdf", b"%PDF-1.4 no more", "broken.pdf"),
        ("broken.docx", b"PK\x03\x04 no more", "broken.docx"),
        ("rows.jsonl", b'{"text": \n{"text": ', "ine 1"),
        ("wrong.xyz", b"text", "wrong.xyz"),
        (f"{'x' * 20} & <b>.txt", b"", "empty"),
    ],
)
def test_a_bad_file_is_told_with_its_reason(client, tmp_path, name, content, words):
    path = tmp_path / name
    path.write_bytes(content)
    message = error_of(build, client, source="files", files=[handle_file(str(path))])
    assert words in message and "<b>" not in message


@pytest.mark.parametrize("number", [0, -1, 2.5, "many", None])
def test_an_impossible_k_or_ef_is_told(client, number):
    for endpoint, values in (("measure", (number, 10)), ("measure", (10, number)), ("search", ("tea", number, 10))):
        assert "whole number" in error_of(client.predict, *values, api_name=f"/{endpoint}")


def test_a_k_an_ef_or_a_question_beyond_the_limits_is_told(client):
    """The limits are those of the page's sliders."""
    for k, ef in ((SLIDER_MAX_K + 1, 10), (10, SLIDER_MAX_EF + 1)):
        assert "whole number from 1 to" in error_of(client.predict, k, ef, api_name="/measure")
        assert "whole number from 1 to" in error_of(client.predict, "tea", k, ef, api_name="/search")
        with pytest.raises(AppError, match="whole number from 1 to"):
            client.predict(collection="everyday_science", k=k, ef=ef, api_name="/compare", **MODELS, **NO_FILES)
    assert "empty" in error_of(client.predict, "  ", 3, 10, api_name="/search")
    assert "2,000" in error_of(client.predict, "x" * 2_001, 3, 10, api_name="/search")


@pytest.mark.parametrize("numeral", ["1e400", "9" * 400, "[10]", "{}", "true"])
def test_a_numeral_that_is_no_number_is_told(url, capfd, numeral):
    """As any program may send it; gradio_client sends none of these."""
    for endpoint, values in (("measure", f"{numeral}, 10"), ("measure", f"10, {numeral}")):
        assert "whole number" in raw_error(url, endpoint, values)
    for endpoint, values in (("search", f'"tea", {numeral}, 10'), ("search", f'"tea", 10, {numeral}')):
        assert "whole number" in raw_error(url, endpoint, values)
    assert "fault" not in "".join(capfd.readouterr())


@pytest.mark.parametrize("numeral", ["[10]", "{}", '"many"'])
def test_a_slider_takes_no_value_of_another_kind(url, caplog, capfd, numeral):
    """Gradio's own slider raises a TypeError for these, and its traceback in the log would quote them."""
    with urlopen(f"{url.rstrip('/')}/config", timeout=30) as answer:
        events = json.load(answer)["dependencies"]
    number = next(event["id"] for event in events if event["api_name"].startswith("move_ef"))
    body = f'{{"data": [{numeral}, null], "fn_index": {number}, "session_hash": "unfit"}}'.encode()
    asked = Request(f"{url.rstrip('/')}/gradio_api/run/predict", body, {"Content-Type": "application/json"})
    with pytest.raises(HTTPError) as raised:
        urlopen(asked, timeout=30)
    with raised.value as answer:
        assert "reload the page" in json.load(answer)["error"]
    assert "Traceback" not in caplog.text + "".join(capfd.readouterr())


def test_the_empty_field_of_a_slider_counts_as_its_least_number():
    """As the page sends it while a visitor types; Gradio's own slider raises a TypeError."""
    slider, number = gr.Slider(2, 64, 16, step=1), gr.Number(10, minimum=1)
    assert (nearest_of(slider, None), nearest_of(slider, 16.4), nearest_of(slider, float("inf"))) == (2, 16, 64)
    assert nearest_of(number, None) is None and nearest_of(gr.Slider(0.5, 1, 0.95, step=0.01), 0.9994) == 0.9994


def raw_error(url, endpoint, values):
    """Return the message of a call whose JSON is written by hand."""
    address = f"{url.rstrip('/')}/gradio_api/call/{endpoint}"
    asked = Request(address, f'{{"data": [{values}]}}'.encode(), {"Content-Type": "application/json"})
    with urlopen(asked, timeout=30) as answer:
        event = json.load(answer)["event_id"]
    with urlopen(f"{address}/{event}", timeout=30) as stream:
        content = stream.read().decode()
    assert content.startswith("event: error"), content
    return content


# --- visitors


def test_clients_do_not_see_each_others_collections(new_client):
    one, two, three = new_client(), new_client(), new_client()
    texts = ["Lighthouses warn ships of rocks.", "Sourdough rises because of wild yeast."]
    for client, text in zip((one, two), texts, strict=True):
        paste(client, text)
    question = "how do lighthouses reach ships far out at sea?"
    found = [client.predict(question, 1, 10, api_name="/search")["results"][0] for client in (one, two, three)]
    assert [row["text"] for row in found[:2]] == texts
    assert "lighthouses.html" in found[2]["place"]  # of the sample


def test_visitors_on_one_collection_get_the_ef_they_asked_for(new_client):
    """hnswlib's ef belongs to the whole index, and all visitors share that of the sample."""

    def visit(ef):
        client = new_client()
        return [client.predict(1, ef, api_name="/measure")["recall"] for _ in range(5)]

    alone = {ef: visit(ef)[0] for ef in (1, 60)}
    with ThreadPoolExecutor(4) as pool:
        for ef, recalls in zip((1, 60) * 2, pool.map(visit, (1, 60) * 2), strict=True):
            assert recalls == [alone[ef]] * 5
    assert sum(alone[1]) < sum(alone[60]), "else the two cannot be told apart"


def test_building_beside_another_build(new_client):
    def visit(number):
        client, texts = new_client(), sentences(60, seed=number)
        paste(client, " ".join(texts), chunk_size=20)
        return " ".join(texts[5].split()[:4]), client.predict(texts[5], 1, 60, api_name="/search")

    with ThreadPoolExecutor(3) as pool:
        for words, answer in pool.map(visit, range(3)):
            assert words in answer["results"][0]["text"]


# --- starting


def test_the_page_is_made_without_loading_a_model_library_and_without_analytics():
    code = (
        "import sys, app\n"
        "heavy = {'torch', 'sentence_transformers', 'transformers', 'scipy', 'sklearn', 'pymilvus', 'grpc', 'ray'}\n"
        "heavy &= set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "assert not app.demo.analytics_enabled\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
