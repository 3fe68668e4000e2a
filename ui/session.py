"""Session: what one visitor has loaded."""

from dataclasses import dataclass

from retriever.errors import CollectionError
from retriever.indexed import IndexedCollection
from ui.job import Job


@dataclass(eq=False)
class Session:
    """Hold one visitor's state; handlers never change it, they return a new one.

    indexed: what is loaded. source: names what it was built from and how it was embedded, so that a change of the
    graph's settings alone is recognized. chosen: whether the visitor chose it, then no sample ever replaces it.
    job: a build under way. overlay: the same vectors with a second graph, laid over the curve.
    """

    indexed: IndexedCollection | None = None
    source: str = ""
    chosen: bool = False
    job: Job[IndexedCollection] | None = None
    overlay: IndexedCollection | None = None

    def loaded(self) -> IndexedCollection:
        """Return what is loaded, or raise CollectionError if there is nothing yet."""
        if self.indexed is None:
            raise CollectionError(
                "Nothing is loaded yet: the first sample is still being prepared. Wait a moment, or load your own "
                "documents in the first tab."
            )
        return self.indexed
