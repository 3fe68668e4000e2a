"""The indexes that a comparison needs, one a model: shared by all visitors, cached, or made."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from retriever.datasets.collection import Collection, Origin
from retriever.errors import CollectionError
from retriever.evaluation.judged_queries import JudgedQueries
from retriever.evaluation.trec import judged_only, with_known_ids
from retriever.experiments.judged_index import JudgedIndex, check_judged, embed_judged_queries, with_lower_case_queries
from retriever.indexing.collection import IndexedCollection, IndexSettings
from retriever.indexing.pipeline import index_collection, with_model
from retriever.progress import Progress
from retriever.retrievers.document_runs import document_ids
from ui.compare.request import BEIR, FILE, JUDGED_SAMPLES, LOADED, OWN, THE_COLLECTIONS, CompareRequest
from ui.compare.retrievers.choices import dense_models
from ui.compare.retrievers.index_cache import IndexCache
from ui.jobs.job import Job
from ui.jobs.memory_budget import MEMORY_BUDGET, check_passages_fit, estimated_bytes
from ui.jobs.shared_samples import PREPARED_MODEL, SharedSamples
from ui.session import Session
from ui.settings import limits
from ui.uploads.parse import UploadedJudgments, missing_file_error, parse_beir_archive, parse_judgments

CHEAPEST_MODEL = "wordllama-256"  # to embed with where no model is compared, and an archive is read for its passages


@dataclass(frozen=True, eq=False)
class ModelIndexes:
    """The requested collection, indexed with one model or another; nothing that was embedded before is embedded again.

    All that it makes is kept in the index cache, and what all visitors share in shared_samples. own: what the visitor
    has judged, as it was when the comparison began: both models are scored by the same judgments.
    """

    request: CompareRequest
    session: Session
    index_cache: IndexCache
    shared_samples: SharedSamples
    own: JudgedQueries | None = None

    @property
    def judged_by(self) -> str:
        """Whose judgments score what is loaded: FILE, OWN or THE_COLLECTIONS; empty for other collections."""
        if self.request.collection != LOADED:
            return ""
        return FILE if self.request.qrels else OWN if self.own else THE_COLLECTIONS

    def needed_samples(self, model_names: Iterable[str]) -> list[Job[IndexedCollection]]:
        """Return the lab's jobs that index a requested sample with some models, which all visitors share."""
        name = JUDGED_SAMPLES.get(self.request.collection)
        return [self.shared_samples.prepare(name, model_name=model) for model in model_names] if name else []

    def of_model(self, model_name: str, progress: Progress) -> JudgedIndex:
        """Return one model's index with the judged queries, on the requested graph."""
        if self.request.collection in JUDGED_SAMPLES:
            found = self._sample(model_name)
        elif self.request.collection == BEIR:
            found = self._uploaded(model_name, progress)
        else:
            found = self._loaded(model_name, progress)
        graph = (self.request.M, self.request.ef_construction)
        settings = found.indexed.settings
        if graph == (settings.M, settings.ef_construction):
            return found

        def build_graph() -> JudgedIndex:
            progress("graph", 0.0)
            MEMORY_BUDGET.check(estimated_bytes(len(found.indexed), found.indexed.retriever.dimension, graph[0]))
            other = found.with_graph(*graph)
            MEMORY_BUDGET.hold(other.indexed)
            return other

        return self.index_cache.get_or_make((found, *graph), build_graph)

    def passages_model(self, names: Sequence[str]) -> str:
        """Return the model whose index gives the passages that the retrievers of these names without one search.

        Of the models compared the first; else one that costs nothing, as it is loaded or prepared, or little.
        """
        models = dense_models(names)
        if models:
            return models[0]
        if self.request.collection == LOADED:
            return self.session.loaded().settings.model_name
        return CHEAPEST_MODEL if self.request.collection == BEIR else PREPARED_MODEL

    def in_lower_case(self, index: JudgedIndex, progress: Progress) -> JudgedIndex:
        """Return an index with its questions in lower case."""
        make = partial(with_lower_case_queries, index, progress=progress)
        return self.index_cache.get_or_make(("lower case", index), make)

    def _sample(self, model_name: str) -> JudgedIndex:
        """Return a sample's index."""
        return self.shared_samples.judged(JUDGED_SAMPLES[self.request.collection], model_name=model_name)

    def _uploaded(self, model_name: str, progress: Progress) -> JudgedIndex:
        """Index a collection in BEIR layout; another relevance level changes nothing that is embedded."""
        request, parsed_files = self.request, self.index_cache.parsed_files
        archive, level, chosen = request.archive, request.relevance_level, (request.part, request.split)
        key = ("beir", parsed_files.digest(archive), *chosen, model_name)

        def embed() -> JudgedIndex:
            progress("reading", 0.0)
            read = partial(parse_beir_archive, archive, progress, *chosen)
            collection = parsed_files.get_or_parse([archive], read, request.how, keep=any(chosen))
            if not isinstance(collection, Collection):
                raise missing_file_error(archive)
            _check_questions(collection.judged)
            files = ((Path(archive).name, parsed_files.digest(archive)),)
            collection = replace(collection, origin=Origin("archive", files=files, part=chosen[0], split=chosen[1]))
            settings, most = IndexSettings(model_name), limits().chunks
            admit = partial(check_passages_fit, settings)
            indexed = index_collection(collection, settings, progress=progress, max_passages=most, admit=admit)
            return embed_judged_queries(MEMORY_BUDGET.hold(indexed), progress=progress)

        found = self.index_cache.get_or_make(key, embed)
        if level == found.judged.relevance_level:
            return found
        return self.index_cache.get_or_make((*key, level), partial(found.with_relevance_level, level))

    def _loaded(self, model_name: str, progress: Progress) -> JudgedIndex:
        """Return an index of the loaded collection, its passages embedded with another model if needed."""
        base = self.session.loaded()
        judged = self._given_judgments(base, progress) if self.request.qrels else self.own or base.judged
        if judged is None:
            raise CollectionError(
                f"{base.name} has no judgments, which say what answers a question; judge hits in Search, or add qrels "
                "in TREC's or BEIR's format."
            )
        _check_questions(judged)
        check_judged(base, judged)  # before anything is embedded
        files = [self.index_cache.parsed_files.digest(path) for path in self.request.paths]
        judgments = repr(judged.as_dict()) if judged is self.own else ""
        key = (base, *files, judgments, self.request.relevance_level, model_name)

        def embed() -> IndexedCollection:
            check_passages_fit(replace(base.settings, model_name=model_name), len(base))
            return MEMORY_BUDGET.hold(with_model(base, model_name, progress=progress))

        def make() -> JudgedIndex:
            same = model_name == base.settings.model_name
            indexed = base if same else self.index_cache.get_or_make((base, model_name), embed)
            return embed_judged_queries(indexed, judged, progress=progress)

        return self.index_cache.get_or_make(key, make)

    def notes_on_reading(self, index: JudgedIndex, progress: Progress) -> Mapping[str, Sequence[str]]:
        """Return what was chosen or passed over in the files of this comparison: file -> sentences."""
        if self.request.collection == BEIR:
            return index.indexed.notes
        return self._uploaded_judgments(progress).notes if self.judged_by == FILE else {}

    def _uploaded_judgments(self, progress: Progress) -> UploadedJudgments:
        """Return the uploaded judgments, and queries if there were any."""
        request = self.request
        read = partial(parse_judgments, request.qrels, request.queries, progress)
        uploaded = self.index_cache.parsed_files.get_or_parse(request.paths, read, request.how)
        if isinstance(uploaded, Collection):
            raise missing_file_error(request.qrels)
        return uploaded

    def _given_judgments(self, base: IndexedCollection, progress: Progress) -> JudgedQueries:
        """Return the uploaded judgments, with the uploaded queries or the collection's own.

        Raises CollectionError if there are no queries.
        """
        request, own = self.request, base.judged
        if not request.queries and own is None:
            raise CollectionError(
                f"{base.name} has no queries of its own with ids; choose a file of queries as well: JSONL with _id and "
                "text, or lines of id and text."
            )
        uploaded = self._uploaded_judgments(progress)
        asked: UploadedJudgments | JudgedQueries = uploaded if own is None or request.queries else own
        qrels = with_known_ids(uploaded.qrels, asked.queries, document_ids(base.retriever))
        return JudgedQueries(asked.queries, qrels, request.relevance_level, asked.kinds)


def _check_questions(judged: JudgedQueries | None) -> None:
    """Raise CollectionError if there are more judged questions than a comparison may have."""
    count, limit = len(judged_only(judged.qrels)) if judged else 0, limits().questions
    if count > limit:
        raise CollectionError(f"There are {count:,} judged questions; at most {limit:,} are taken. Use a part of them.")
