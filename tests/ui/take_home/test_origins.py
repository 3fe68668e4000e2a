"""Tests of scripts over a visitor's own documents: they read the same files again, and refuse any other."""

import shutil
from dataclasses import replace

import pytest

from retriever.documents.document import TableColumns
from retriever.indexing.collection import IndexSettings
from retriever.run_record import RunRecord
from retriever.storage.archive import pack_folder
from tests.support.judged import beir_zip
from tests.support.small import sentences
from tests.ui.take_home.test_script import run_here
from ui.compare.job import plan_comparison
from ui.compare.records import comparison_record
from ui.compare.request import BEIR, LOADED, CompareRequest
from ui.compare.retrievers.index_cache import IndexCache
from ui.documents.job import PASTE, SAVED, UPLOAD, BuildRequest, plan_build
from ui.documents.records import build_record
from ui.jobs.shared_samples import SharedSamples
from ui.render.export import record_section
from ui.session import Session
from ui.take_home.script import TakeHome, why_not

SETTINGS = IndexSettings("wordllama-256", 40, M=8)
TEXT = "Green tea wants water of eighty degrees. Bread rises because of wild 'yeast'.\n\n\"Bees\" dance.\n" * 12
TABLE = "name,habit,where\nOwl,hunts at night,forest\nLark,sings at dawn,meadow\n"


def build(**parts):
    session = Session()
    planned = plan_build(BuildRequest(settings=SETTINGS, **parts), session, SharedSamples(()))
    return session.with_collection(planned.submit().result(), planned.source)


@pytest.fixture
def here(tmp_path, monkeypatch, wordllama):
    """The folder in which a script runs, with the user's own folder in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "documents").mkdir()
    (tmp_path / "uploaded").mkdir()
    return tmp_path


def uploaded(here, **files):
    """Write files into the user's folder, and return the paths of their uploaded copies."""
    for name, text in files.items():
        (here / "documents" / name).write_text(text, encoding="utf-8")
        shutil.copy(here / "documents" / name, here / "uploaded" / name)
    return [str(here / "uploaded" / name) for name in files]


def test_files_are_read_again_in_their_order_and_a_changed_one_is_refused(here):
    paths = uploaded(here, **{"z first.md": TEXT, "birds.csv": TABLE})
    columns = TableColumns(("habit", "where"), "name")
    run = build_record(build(source=UPLOAD, files=paths, columns=columns).indexed)
    source = TakeHome(run).script
    assert "yeast" not in source and "Owl" not in source, "what is in the files does not stand in the script"
    assert run_here(source)[0] == ""
    (here / "documents" / "birds.csv").write_text(TABLE.replace("dawn", "dusk"), encoding="utf-8")
    assert run_here(source)[0] == "birds.csv is not the recorded file: its SHA-256 is another."
    (here / "documents" / "z first.md").unlink()
    assert run_here(source)[0].startswith("z first.md is not in documents; put the recorded files there")


def test_a_short_pasted_text_stands_in_the_script_and_a_long_one_is_not_promised(here):
    run = build_record(build(source=PASTE, text=TEXT).indexed)
    assert run_here(TakeHome(run).script)[0] == ""
    run = build_record(build(source=PASTE, text=TEXT * 10).indexed)
    assert TEXT not in run.to_json()
    with pytest.raises(ValueError, match="upload it as a file"):
        _ = TakeHome(run).script
    assert "upload it as a file" in record_section(run) and ".ipynb" not in record_section(run)


def test_a_saved_collection_is_loaded_again_with_another_graph(here):
    indexed = build(source=PASTE, text=TEXT).indexed
    indexed.save(here / "saved")
    for folder in ("documents", "uploaded"):
        pack_folder(here / "saved", here / folder / "tea.zip")
        if folder == "documents":
            shutil.copy(here / "documents" / "tea.zip", here / "uploaded" / "tea.zip")
    loaded = build(source=SAVED, saved=str(here / "uploaded" / "tea.zip")).indexed
    for one in (loaded, loaded.with_graph(4, 20)):
        run = build_record(one)
        assert run.data["origin"]["kind"] == "saved"
        ended, variables = run_here(TakeHome(run).script)
        assert ended == "" and variables["indexed"].settings.M == one.settings.M


def compare(session, **parts):
    request = CompareRequest(first="BM25", second="wordllama-256", **parts)
    plan = plan_comparison(request, session, IndexCache(), SharedSamples(()))
    for need in plan.needs:
        need.result()
    return comparison_record(plan.work(lambda stage, fraction: None), 12)


def test_an_archive_is_compared_on_again(here):
    texts = sentences(40)
    queries = [(f"q{row}", " ".join(texts[row].split()[:3])) for row in range(6)]
    judged = [(f"q{row}", f"d{row}", 2) for row in range(6)]
    path = beir_zip(
        here / "documents" / "lamps.zip", [(f"d{row}", text) for row, text in enumerate(texts)], queries, judged
    )
    shutil.copy(path, here / "uploaded" / "lamps.zip")
    run = compare(Session(), collection=BEIR, archive=str(here / "uploaded" / "lamps.zip"), relevance_level=2)
    assert run_here(TakeHome(run).script)[0] == ""


def test_own_judgments_stand_in_the_script_unless_they_are_many(here):
    session = build(source=PASTE, text=TEXT)
    for number, passage in enumerate(session.indexed.retriever.passages):
        session.judgments.judge(f'What of "bees" {number}?', passage.doc_id, 1)
    run = compare(session, collection=LOADED)
    assert len(run.data["judgments"]["queries"]) > 1
    assert run_here(TakeHome(run).script)[0] == ""
    without = replace(run, data={key: value for key, value in run.data.items() if key != "judgments"})
    assert "Judgments this long" in why_not(without)


def test_what_cannot_be_read_again_is_said():
    def reason(kind="build", **origin):
        return why_not(RunRecord("t", {}, {"origin": origin} if origin else {}, {}, kind=kind))

    assert reason("sonata").startswith("No script is made")
    assert "where the documents come from" in reason()
    twice = [{"name": "a.txt", "sha256": "1"}, {"name": "a.txt", "sha256": "2"}]
    assert "same name" in why_not(RunRecord("t", {}, {"origin": {"kind": "files", "files": twice}}, {}, kind="build"))
    assert why_not(RunRecord("t", {}, {"origin": {"kind": "sample", "name": "documents"}}, {}, kind="build")) == ""
