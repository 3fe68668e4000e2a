"""The report of a build, as HTML."""

from retriever.indexing.collection import IndexedCollection
from ui.render.html import Html, render
from ui.render.numbers import format_megabytes, format_seconds
from ui.render.passages import passage_noun

SHORTEST_STAGE = 0.001  # seconds below which a stage did nothing, such as loading a model that is loaded


def build_report(indexed: IndexedCollection) -> Html:
    """Return what a build made: counts, megabytes, seconds by stage, and what of the files was not read or guessed."""
    vectors = format_megabytes(indexed.retriever.vectors.nbytes)
    built = {
        "documents": f"{indexed.n_documents:,}",
        passage_noun(indexed): f"{len(indexed):,}",
        "tokens": f"{indexed.n_tokens:,}",
        "vectors": f"{len(indexed):,} × {indexed.retriever.dimension} = {vectors}",
        "graph links": format_megabytes(indexed.retriever.hnsw.link_bytes),
        "measuring queries": f"{len(indexed.queries)}, {'drawn from the documents' if indexed.drawn else 'its own'}",
    }
    copies = indexed.measurements.copies
    if copies.vectors or copies.texts:
        built["copies"] = f"{copies.vectors:,} with the same vector as another, {copies.texts:,} with the same text"
    if indexed.n_kept:
        built["not embedded again"] = f"{indexed.n_kept:,}: the same text was loaded before, with the same model"
    if indexed.n_packed:
        built["embedded beforehand"] = (
            f"{indexed.n_packed:,}: these vectors come with the lab; a sample of them was embedded again and agreed"
        )
    stages = {name: format_seconds(value) for name, value in indexed.seconds.items() if value >= SHORTEST_STAGE}
    when = "Time by stage, when it was first built" if indexed.from_saved else "Time by stage"
    return render(
        "documents/report.html", built=built, when=when, stages=stages, failed=indexed.failed, notes=indexed.notes
    )
