"""Another graph over the same vectors, built in the build queue and within the memory budget."""

from functools import partial

from retriever.indexing.collection import IndexedCollection
from retriever.progress import Progress
from ui.jobs.build_queue import BUILD_QUEUE
from ui.jobs.job import Job
from ui.jobs.memory_budget import MEMORY_BUDGET, estimated_bytes


def submit_rebuild(indexed: IndexedCollection, M: int, ef_construction: int) -> Job[IndexedCollection]:
    """Submit the job that returns a collection with another graph, and return it."""
    return BUILD_QUEUE.submit(Job(partial(rebuild_graph, indexed, M, ef_construction), kind="graph"))


def rebuild_graph(indexed: IndexedCollection, M: int, ef_construction: int, progress: Progress) -> IndexedCollection:
    """Return a collection with another graph. Raises CollectionError if there is no memory for it."""
    MEMORY_BUDGET.check(estimated_bytes(len(indexed), indexed.retriever.dimension, M))
    return MEMORY_BUDGET.hold(indexed.with_graph(M, ef_construction, progress=progress))
