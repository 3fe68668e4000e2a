"""The session: what one visitor has loaded."""

from dataclasses import dataclass, field, replace

from retriever.datasets.collection import Collection
from retriever.errors import CollectionError
from retriever.evaluation.judged_queries import JudgedQueries
from retriever.indexing.collection import IndexedCollection
from ui.jobs.job import Job
from ui.judgments import OwnJudgments
from ui.uploads.parse import ParsedFiles


@dataclass(eq=False)
class Session:
    """One visitor's state; handlers never change it, they return a new one.

    indexed: the loaded collection. sample: the name of the sample that it is; empty for the visitor's own documents.
    source: key of what it was built from and how it was embedded, so that a change of the graph's settings alone is
    recognized. chosen: whether the visitor chose the collection; then no sample replaces it. job: a running build.
    overlay: the same vectors with a second graph, drawn over the curve. parsed_files: the contents of uploaded files.
    judgments: the visitor's own, of the loaded collection's documents.
    """

    indexed: IndexedCollection | None = None
    source: str = ""
    chosen: bool = False
    job: Job[IndexedCollection] | None = None
    overlay: IndexedCollection | None = None
    parsed_files: ParsedFiles[Collection] = field(default_factory=ParsedFiles)
    judgments: OwnJudgments = field(default_factory=OwnJudgments)
    sample: str = ""

    def with_collection(self, indexed: IndexedCollection, source: str = "", *, sample: str = "") -> "Session":
        """Return the session after the visitor has loaded another collection.

        Own judgments stay if the passages are the same: with another graph, or embedded with another model.
        """
        judgments = self.judgments
        if not (judgments and self.indexed and self.indexed.retriever.passages == indexed.retriever.passages):
            judgments = OwnJudgments()
        loaded = replace(self, indexed=indexed, sample=sample, source=source, chosen=True, job=None, overlay=None)
        return replace(loaded, judgments=judgments)

    def with_graph(self, graph: IndexedCollection) -> "Session":
        """Return the session with another graph, built meanwhile; unchanged if the vectors are no longer loaded."""
        return replace(self, indexed=graph, chosen=True) if self._shares_vectors(graph) else self

    def with_overlay(self, overlay: IndexedCollection | None) -> "Session":
        """Return the session with a second graph, built meanwhile; unchanged if the vectors are no longer loaded."""
        fits = overlay is None or self._shares_vectors(overlay)
        return replace(self, overlay=overlay) if fits else self

    def _shares_vectors(self, graph: IndexedCollection) -> bool:
        return self.indexed is not None and self.indexed.retriever.vectors is graph.retriever.vectors

    def own_judged(self) -> JudgedQueries | None:
        """Return what the visitor has judged of the loaded collection, or None."""
        collection = self.indexed.judged if self.indexed else None
        return self.judgments.judged_queries(collection) if self.judgments else None

    def loaded(self) -> IndexedCollection:
        """Return the loaded collection. Raises CollectionError if there is none yet."""
        if self.indexed is None:
            raise CollectionError(
                "Nothing is loaded yet: the first sample is still being prepared. Wait a moment, or load your own "
                "documents in the tab Documents."
            )
        return self.indexed
