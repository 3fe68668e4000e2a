"""The script of a measurement in Milvus: it needs a server, says so, and measures again what was recorded."""

import subprocess
import sys
from dataclasses import replace

import pytest

from retriever.errors import StorageError
from retriever.indexes.milvus.connection import MilvusConnection
from retriever.indexes.milvus.index import MilvusIndex
from retriever.indexing.client_measurements import ClientMeasurements
from retriever.indexing.sample_cache import cached_sample
from tests.support.records import EF, K
from tests.ui.take_home.test_script import run_here
from ui.recall.records import client_record
from ui.take_home.script import TakeHome, why_not


@pytest.fixture
def run(milvus_index, minilm):
    """A record that was measured in an embedded server."""
    indexed = cached_sample("documents")
    vectors, exact = indexed.retriever.vectors, indexed.retriever.exact
    index, lone = milvus_index(vectors), milvus_index(vectors[:1])
    measured = ClientMeasurements(index, lone, exact, indexed.query_vectors)
    pair = measured.recent(K, EF).value
    return client_record(indexed, pair, measured.curve(K), [], index.layout(), "http://milvus.test:19530")


def test_it_measures_again_in_a_server_that_the_environment_names(run, milvus_server, monkeypatch, tmp_path):
    assert why_not(run) == ""
    script = TakeHome(run).script
    assert "MILVUS_URI" in script and "milvus.test" not in script and "from retriever." not in script
    monkeypatch.delenv("MILVUS_URI", raising=False)
    assert run_here(script)[0].startswith("Set MILVUS_URI to the address of a Milvus server")
    monkeypatch.setenv("MILVUS_URI", milvus_server)
    ended, variables = run_here(script)
    assert ended == "" and variables["outcome"].different == []
    assert variables["numbers"][f"HNSW in Milvus, ef={EF}: recall"] == pytest.approx(
        run.observed["milvus"]["mean_recall"], abs=0.05
    )
    assert set(variables["RECORD"]["seconds"]) <= set(variables["seconds"]) and "pymilvus==" in script
    (tmp_path / "take.py").write_text(script, encoding="utf-8")
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--select", "E4,E7,E9,F,I", str(tmp_path)]
    checked = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout


def test_a_script_that_fails_leaves_nothing_on_the_server(run, milvus_server, monkeypatch):
    made = []

    class Refused(MilvusIndex):
        def __init__(self, uri, name, **settings):
            made.append(name)
            if name.endswith("_one"):
                raise StorageError("The Milvus server refused making a collection: there are too many.")
            super().__init__(uri, name, **settings)

    monkeypatch.setattr("retriever.MilvusIndex", Refused)
    monkeypatch.setenv("MILVUS_URI", milvus_server)
    with pytest.raises(StorageError, match="too many"):
        run_here(TakeHome(run).script)
    connection = MilvusConnection(milvus_server)
    assert made[1] == f"{made[0]}_one"
    assert not set(made) & set(connection.call("listing collections", "list_collections"))
    connection.close()


def test_a_record_of_another_kind_does_not_ask_for_the_client_of_milvus(run):
    assert "pymilvus" not in TakeHome(_as_measurement(run)).script


def _as_measurement(run):
    observed = {"hnsw": run.observed["milvus"], "exact": run.observed["exact"]}
    return replace(run, kind="measurement", observed=observed)
