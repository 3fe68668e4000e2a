"""The plan of a large index: its arithmetic, by hand and beside hnswlib; and the tables of docs/scaling.md."""

import math

import numpy as np
import pytest

from benchmarks.scaling.engines import take_turns
from benchmarks.scaling.plan import Rates, Setting, disk_bytes, link_bytes, plan
from benchmarks.scaling.tables import observed_in, table, tables_of
from benchmarks.scaling.tail import expected_tail, scaled
from retriever.indexes.hnsw import HNSWIndex
from tests.support.paths import ROOT

RATES = Rates({"model": 100.0}, linked=1_000.0, linked_at=10_000, growth=0.5)


@pytest.mark.parametrize("M", [4, 16])
def test_the_bytes_of_links_are_those_of_hnswlib(M):
    vectors = np.random.default_rng(0).standard_normal((3_000, 8), dtype=np.float32)
    index = HNSWIndex(vectors, M=M, ef_construction=10)
    assert link_bytes(M) == pytest.approx(index.link_bytes / len(index), rel=0.02)


def test_a_disk_index_fills_whole_sectors():
    assert disk_bytes(384) == 4096 / 2  # 1,536 bytes of numbers and 57 of 4 bytes: two in a sector
    assert disk_bytes(1024) == 2 * 4096  # more than a sector: two of its own


def test_a_plan_by_hand():
    setting = Setting(
        dimension=250, M=16, node_gb=10, node_cores=4, fill=0.5, segment_gb=1, most_nodes=20, day_hours=10
    )
    found = plan(100_000_000, RATES, setting)
    bytes_each = 1_000 + link_bytes(16)
    assert found.segments == 100
    assert found.memory_gb == pytest.approx(bytes_each / 10)
    assert found.nodes["float32"] == math.ceil(bytes_each / 10 / 5) == 23, "more than 20 nodes"
    assert (found.storage, found.nodes["SQ8"], found.nodes_in_all) == ("SQ8", 8, 16)
    assert (found.cores, found.on_a_core) == (92, 2), "5 segments on a node of 4 cores"
    assert found.build_hours == pytest.approx(1e8 / 1_000 * 10 / 3600), "a graph of 1,000,000: 100 times 10,000 vectors"
    assert found.embedding_hours["model"] == pytest.approx(1e6 / 3600)
    assert found.machines["model"] == math.ceil(1e6 / 3600 / 40)
    with pytest.raises(ValueError, match="at least one vector, not 0"):
        plan(0, RATES)


def test_where_no_storage_fits_the_smallest_is_taken():
    found = plan(10_000_000_000, RATES, Setting(most_nodes=1))
    assert found.storage == min(found.nodes, key=found.nodes.get) == "PQ"


def test_a_query_waits_for_the_slowest_segment_and_a_core_for_all_of_its_own():
    latencies = np.array([1.0] * 99 + [11.0])
    few, many = (plan(vectors, RATES, Setting(node_cores=10**6)) for vectors in (600_000, 600_000_000))
    assert (few.segments, many.on_a_core) == (1, 1)
    assert expected_tail(few, latencies).median == 1
    assert expected_tail(many, latencies).median == 11, "one of 922 is slow"
    one_core = plan(600_000_000, RATES, Setting(node_cores=1))
    assert expected_tail(one_core, np.ones(5)).median == one_core.on_a_core > 1
    assert scaled(latencies, 100, 400, 0.5).tolist() == (2 * latencies).tolist()


def test_searches_take_turns_query_by_query():
    asked = []
    searches = [lambda query, name=name: asked.append((name, float(query[0, 0]))) for name in "ab"]
    seconds = take_turns(searches, np.arange(2, dtype=np.float32)[:, None])
    assert asked[:4] == [("a", 0), ("b", 0), ("a", 1), ("b", 1)]
    assert seconds.shape == (2, 4), "two of three rounds are kept"


def test_a_table_aligns_and_writes_three_digits():
    assert table(["a", "b"], [["x", 1234], ["y", 0.1234]]) == "| a | b |\n|---|--:|\n| x | 1,234 |\n| y | 0.12 |"


def test_the_page_shows_the_tables_of_the_last_run():
    text = (ROOT / "docs" / "scaling.md").read_text(encoding="utf-8")
    for title, shown in tables_of(observed_in()).items():
        assert shown in text, f"docs/scaling.md lacks the table {title!r} of the record"
