"""The tools of programs that speak MCP: questions to the lab's samples, answered by the code of the tabs.

They take names and numbers only, never a file, a path or an address, and need no session.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import anyio.to_thread

from retriever.errors import RetrieverError
from retriever.indexing.collection import IndexedCollection, IndexSettings
from retriever.progress import Progress
from retriever.shared_results import SharedResults
from ui.blocks import OwnersThreads
from ui.compare.job import plan_comparison
from ui.compare.request import CompareRequest
from ui.compare.retrievers.index_cache import IndexCache
from ui.compare.shown.marks import ORDINALS
from ui.inputs import SearchSettings, check_question
from ui.jobs.build_queue import BUILD_QUEUE
from ui.jobs.graph_rebuild import rebuild_graph
from ui.jobs.job import Job
from ui.jobs.shared_samples import PREPARED_SAMPLES, SAMPLE_TITLES, SharedSamples
from ui.jobs.watching import result_of
from ui.programs.answers import comparison_content, explanation_content, measured_content, search_content
from ui.programs.arguments import (
    JUDGED,
    Ef,
    EfConstruction,
    JudgedSample,
    K,
    LinksM,
    Question,
    Retrievers,
    Sample,
    Steps,
    check_retrievers,
    check_sample,
    check_steps,
    graph_settings,
)
from ui.session import Session

Result = TypeVar("Result")
THREADS = 8  # threads that all tools together hold at once, so that the page keeps the others
WAIT_SECONDS = 240.0  # seconds that a call waits for long work: clients give up after five minutes at the latest
KEPT_GRAPHS, GRAPH_SECONDS = 2, 600.0  # other graphs over samples that are kept for the next call, and for how long
GRAPH_PATIENCE = 600.0  # seconds that a call waits for another that builds the same graph
TOO_LONG = (
    "This took longer than {:.0f} s and was given up: it is much work, or the machine has much to do. Ask again in a "
    "few minutes (a sample that is being prepared will be ready then), or ask for less."
)


@dataclass(eq=False)
class Tools:
    """The four tools; a program is told what their docstrings and the annotations of their arguments say."""

    shared_samples: SharedSamples
    threads: OwnersThreads = field(default_factory=OwnersThreads)
    limiter: anyio.CapacityLimiter = field(default_factory=partial(anyio.CapacityLimiter, THREADS))
    wait_seconds: float = WAIT_SECONDS
    _index_cache: IndexCache = field(default_factory=IndexCache)  # of samples alone, so it serves all programs
    _graphs: SharedResults[tuple[IndexedCollection, int, int], IndexedCollection] = field(
        default_factory=lambda: SharedResults(GRAPH_SECONDS, most=KEPT_GRAPHS, patience=GRAPH_PATIENCE)
    )

    async def search_sample(self, sample: Sample, question: Question, k: K = 10, ef: Ef = 10) -> dict[str, Any]:
        """Search a sample for a question twice, exactly and by HNSW (approximate search on a graph), and compare both.

        Returns the nearest passages by exact search, each with whether HNSW missed it; the ranks of those it missed;
        the hits of HNSW, each with its rank in exact search, and with its text if it is not among the nearest; recall
        (the share of the nearest passages that HNSW found, 0 to 1); how many distances each search computed; the
        seconds of embedding and of each search; and the run record. Scores are cosine similarities, and long texts are
        cut.
        """
        settings, asked = SearchSettings.of(k, ef), check_question(question)
        indexed = await self._sample(sample, PREPARED_SAMPLES)
        return await self._in_thread(search_content, indexed, asked, settings)

    async def measure_ef(
        self,
        sample: Sample,
        k: K = 10,
        ef: Ef = 10,
        M: LinksM = IndexSettings.M,
        ef_construction: EfConstruction = IndexSettings.ef_construction,
    ) -> dict[str, Any]:
        """Measure what HNSW gives up and gains at an ef on a sample's fixed questions, against exact search.

        Both searches take turns in one measurement. Returns for each the mean recall at k (0 to 1), the mean distances
        a question, the median and the 95th percentile of the seconds a question and the questions a second; how many
        times as long exact search takes, with its range; the recall of each question; and the run record. With another
        M or ef_construction than the usual ones a graph is built first, which takes some seconds.
        """
        settings, graph = SearchSettings.of(k, ef), graph_settings(M, ef_construction)
        indexed = await self._sample(sample, PREPARED_SAMPLES)
        return await self._in_thread(measured_content, await self._with_graph(indexed, *graph), settings)

    async def compare_retrievers(
        self, sample: JudgedSample, retrievers: Retrievers, k: K = 10, ef: Ef = 10
    ) -> dict[str, Any]:
        """Compare two to four retrievers on judged questions: who finds more answers, and whether that could be chance.

        Returns a verdict in words; every measure of each retriever with its 95 % interval, the difference of each pair
        with interval and p (also corrected for all that was tested together); what the embedding model and what the
        HNSW index loses at ef; costs; and the run record. Takes seconds to minutes: a model that is used for the first
        time is loaded and embeds the sample.
        """
        settings, chosen = SearchSettings.of(k, ef), check_retrievers(retrievers)
        request = CompareRequest(
            collection=SAMPLE_TITLES[check_sample(sample, JUDGED)],
            k=settings.k,
            **dict(zip(ORDINALS, chosen, strict=False)),  # type: ignore[arg-type] # names of fields, and texts
        )
        planned = await self._in_thread(plan_comparison, request, Session(), self._index_cache, self.shared_samples)
        compared = await self._result_of(planned.submit())
        names = dict(zip(ORDINALS, chosen, strict=False))
        return {"retrievers": names, **await self._in_thread(comparison_content, compared, settings.ef)}

    async def explain_miss(
        self, sample: Sample, question: Question, k: K = 10, ef: Ef = 10, steps: Steps = 10
    ) -> dict[str, Any]:
        """Explain why HNSW missed some of a question's nearest passages, by walking its graph step by step.

        Returns what the walk found and what it cost, in words; of each missed passage its rank in exact search, how
        many nodes of the graph link to it, how many of those the walk looked at, the smallest ef that finds it (null if
        none does) and the reason in words; the first steps of the walk in words; and the run record. Where nothing is
        missed it says so: ask with a smaller ef, but at least k, or another question.
        """
        settings, asked = SearchSettings.of(k, ef), check_question(question)
        told = check_steps(steps)
        indexed = await self._sample(sample, PREPARED_SAMPLES)
        return await self._in_thread(explanation_content, indexed, asked, settings, told)

    async def _sample(self, name: object, names: tuple[str, ...]) -> IndexedCollection:
        """Return a sample, waiting until it is prepared."""
        sample = check_sample(name, names)
        ready = self.shared_samples.ready(sample)
        return await self._result_of(self.shared_samples.take(sample)) if ready is None else ready

    async def _with_graph(self, indexed: IndexedCollection, M: int, ef_construction: int) -> IndexedCollection:
        """Return a sample with the graph of these settings, built unless it is kept."""
        if (M, ef_construction) == (indexed.settings.M, indexed.settings.ef_construction):
            return indexed
        key = indexed, M, ef_construction
        kept = self._graphs.known(key)
        if kept is not None:
            return kept

        def work(progress: Progress) -> IndexedCollection:
            build = partial(rebuild_graph, indexed, M, ef_construction, progress)
            return self._graphs.get(key, build, meanwhile=partial(progress, "waiting for the same graph", 0.0)).value

        return await self._result_of(BUILD_QUEUE.submit(Job(work, kind="graph")))

    async def _result_of(self, job: Job[Result]) -> Result:
        """Return a job's result; it is cancelled if it takes too long, or if the program has gone."""
        try:
            async with asyncio.timeout(self.wait_seconds):
                return await result_of(job)
        except TimeoutError:
            raise RetrieverError(TOO_LONG.format(self.wait_seconds)) from None

    async def _in_thread(self, function: Callable[..., Result], *arguments: object) -> Result:
        """Call a function in one of the threads of the present owner, of which each has a few."""
        async with self.threads.one_of_mine():
            return await anyio.to_thread.run_sync(partial(function, *arguments), limiter=self.limiter)
