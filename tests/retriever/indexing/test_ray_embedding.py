"""Files of texts through Ray Data into Milvus: what is read of them, and that no death on the way loses any."""

import json
import os
import signal
import subprocess
import sys
import uuid
from contextlib import suppress

import numpy as np
import pytest

from retriever.errors import CollectionError
from retriever.indexing.ray_embedding import files_of, read_passages
from retriever.retrievers.dense import DenseRetriever
from retriever.retrievers.milvus import MilvusRetriever
from tests.support import ray_run
from tests.support.milvus import fresh_name
from tests.support.paths import ROOT
from tests.support.serving import until

MODEL = "wordllama-256"
WORDS = "tea bread bicycle lighthouse earthquake honey river glass engine winter garden compass".split()


def test_a_folder_is_all_its_files_of_lines_in_order(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "empty").mkdir()
    for name in ("b.jsonl", "a.txt", "deep/c.ndjson.gz", "notes.pdf"):
        (tmp_path / name).touch()
    assert [path.name for path in files_of(tmp_path)] == ["a.txt", "b.jsonl", "c.ndjson.gz"]
    assert [path.name for path in files_of([tmp_path / "notes.pdf", tmp_path / "b.jsonl"])] == ["notes.pdf", "b.jsonl"]
    with pytest.raises(CollectionError, match="There is no file or folder"):
        files_of(tmp_path / "absent")
    with pytest.raises(CollectionError, match=r"holds no file that ends with \.jsonl"):
        files_of(tmp_path / "empty")


def test_each_line_keeps_its_own_metadata_and_only_line_feeds_end_it(tmp_path):
    """Another key would be another content, and so another id."""
    rows = [{"text": "one\u2028line", "metadata": {"page": 1}}, {"text": " two ", "author": "A."}, {"text": " "}]
    path = tmp_path / "texts.jsonl"
    path.write_text("\n\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    assert [(one.text, one.metadata) for one in read_passages(path)] == [
        ("one\u2028line", {"page": 1}),
        ("two", {"author": "A."}),
    ]
    plain = tmp_path / "texts.txt"
    plain.write_text('{"text": "as it is"}\r\n\r\n second \n', encoding="utf-8")
    assert [one.text for one in read_passages(plain)] == ['{"text": "as it is"}', "second"]
    path.write_text('{"text": "fine"}\n{"title": "none"}\n', encoding="utf-8")
    with pytest.raises(CollectionError, match=r"texts\.jsonl, line 2 has no text"):
        list(read_passages(path))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Four files of 1,500 texts each, 100 of which all files share."""
    folder = tmp_path_factory.mktemp("texts")
    for file in range(4):
        with open(folder / f"{file}.jsonl", "w", encoding="utf-8") as out:
            for number in range(1_500):
                which = number if number < 100 else 10_000 * (file + 1) + number
                said = " ".join(WORDS[(which // 7**place) % len(WORDS)] for place in range(20))
                out.write(json.dumps({"text": f"{said} {which}", "metadata": {"which": which}}) + "\n")
    return folder


TEXTS, DIFFERENT = 6_000, 5_700


def run(folder, uri, collection, notes, killed="nothing"):
    """Run the pipeline in a process of its own; return what it did, or None if it was killed. notes: as ray_run's."""
    mark = uuid.uuid4().hex
    command = [sys.executable, "-m", "tests.support.ray_run", str(folder), uri, collection, killed]
    own = {ray_run.MARK: mark, ray_run.FOLDER: str(notes), "PYTHONPATH": str(ROOT)}
    try:
        ended = subprocess.run(command, cwd=ROOT, env=os.environ | own, capture_output=True, text=True, timeout=300)
        until(lambda: not ray_run.processes(mark), 60)  # Ray's own processes end with the one that started them
    finally:
        for process in ray_run.processes(mark):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
    if ended.returncode == -signal.SIGKILL:
        return None
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout.splitlines()[-1])  # Ray says of a dead worker what it knows before


def stored(retriever, folder):
    """Return what a collection holds, text and metadata -> vector; the number of its rows is checked as well."""
    retriever.save(folder)
    held = DenseRetriever.load(folder)
    texts = zip(held.texts, (json.dumps(one, sort_keys=True) for one in held.metadata), strict=True)
    found = dict(zip(texts, held.vectors, strict=True))
    assert len(found) == len(held.texts), "none is doubled"
    return found


@pytest.mark.ray
def test_two_workers_store_what_one_process_does_though_one_is_killed(folder, milvus_server, tmp_path):
    """With a model whose vectors do not depend on the texts beside it they are the same bit for bit."""
    alone, shared = MilvusRetriever(milvus_server, fresh_name(), MODEL), fresh_name()
    alone.add(passage for path in files_of(folder) for passage in read_passages(path))
    summary = run(folder, milvus_server, shared, tmp_path, killed="worker")
    assert (tmp_path / "died").exists()
    assert (summary["texts"], summary["new"], summary["stored"]) == (TEXTS, DIFFERENT, DIFFERENT)
    expected = stored(alone, tmp_path / "alone")
    found = stored(MilvusRetriever.load(milvus_server, shared), tmp_path / "shared")
    assert found.keys() == expected.keys()
    np.testing.assert_array_equal([found[key] for key in expected], list(expected.values()))


@pytest.mark.ray
def test_a_run_goes_on_where_the_last_was_killed(folder, milvus_server, tmp_path):
    collection = fresh_name()
    assert run(folder, milvus_server, collection, tmp_path, killed="driver") is None
    before = len(MilvusRetriever.load(milvus_server, collection).passages)
    assert 0 < before < DIFFERENT
    summary = run(folder, milvus_server, collection, tmp_path)
    assert (summary["texts"], summary["new"], summary["stored"]) == (TEXTS, DIFFERENT - before, DIFFERENT)
    again = run(folder, milvus_server, collection, tmp_path)
    assert (again["texts"], again["embedded"], again["stored"]) == (TEXTS, 0, DIFFERENT)


@pytest.mark.ray
def test_what_a_worker_cannot_read_is_said_by_file_and_line(tmp_path, milvus_server):
    (tmp_path / "odd.jsonl").write_text('{"text": "fine"}\n[]\n', encoding="utf-8")
    with pytest.raises(AssertionError, match=r"CollectionError: odd\.jsonl, line 2 is not an object"):
        run(tmp_path, milvus_server, fresh_name(), tmp_path)
