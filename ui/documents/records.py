"""The run record of a build."""

from retriever.indexing.collection import IndexedCollection
from retriever.run_record import RunRecord
from ui.render.records import record_data, record_settings


def build_record(indexed: IndexedCollection) -> RunRecord:
    """Return the run record of a build: seconds by stage, bytes, and what of the files was not read or guessed."""
    observed = {f"seconds_{stage.replace(' ', '_')}": value for stage, value in indexed.seconds.items()}
    observed["vectors_kept"] = indexed.n_kept
    observed["vector_bytes"] = indexed.retriever.vectors.nbytes
    observed["graph_link_bytes"] = indexed.retriever.hnsw.link_bytes
    failed = {"files_not_read": dict(indexed.failed)} if indexed.failed else {}
    notes = {"notes_on_reading": {name: list(said) for name, said in indexed.notes.items()}} if indexed.notes else {}
    return RunRecord(
        "Build of a collection",
        record_settings(indexed),
        record_data(indexed),
        {**observed, **failed, **notes},
        kind="build",
    )
