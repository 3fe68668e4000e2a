"""The session: what one visitor has loaded."""

from dataclasses import dataclass, field, replace

from retriever.datasets.collection import Collection
from retriever.errors import CollectionError
from retriever.indexing.collection import IndexedCollection
from ui.jobs.job import Job
from ui.uploads.parse import ParsedFiles


@dataclass(eq=False)
class Session:
    """One visitor's state; handlers never change it, they return a new one.

    indexed: the loaded collection. source: key of what it was built from and how it was embedded, so that a change of
    the graph's settings alone is recognized. chosen: whether the visitor chose the collection; then no sample replaces
    it. job: a running build. overlay: the same vectors with a second graph, drawn over the curve. parsed_files: the
    contents of uploaded files.
    """

    indexed: IndexedCollection | None = None
    source: str = ""
    chosen: bool = False
    job: Job[IndexedCollection] | None = None
    overlay: IndexedCollection | None = None
    parsed_files: ParsedFiles[Collection] = field(default_factory=ParsedFiles)

    def with_collection(self, indexed: IndexedCollection, source: str = "") -> "Session":
        """Return the session after the visitor has loaded another collection."""
        return replace(self, indexed=indexed, source=source, chosen=True, job=None, overlay=None)

    def loaded(self) -> IndexedCollection:
        """Return the loaded collection. Raises CollectionError if there is none yet."""
        if self.indexed is None:
            raise CollectionError(
                "Nothing is loaded yet: the first sample is still being prepared. Wait a moment, or load your own "
                "documents in the first tab."
            )
        return self.indexed
