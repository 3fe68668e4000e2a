"""The request of a comparison: which retrievers, on which collection; what is invalid is refused before any work."""

from dataclasses import dataclass

from retriever.errors import DocumentError, ParameterError
from retriever.evaluation.trec import MAX_GRADE
from retriever.indexes.hnsw import check_graph_settings
from retriever.parameters import check_count
from ui.compare.retrievers.choices import check_retriever
from ui.inputs import SLIDER_MAX_K
from ui.jobs.shared_samples import SAMPLE_TITLES
from ui.settings import limits
from ui.uploads.parse import ParsedFiles, ParsedUpload, check_file_size

BEIR, LOADED = "Upload a BEIR collection", "Loaded in Documents"
FILE, OWN, THE_COLLECTIONS = "an uploaded file", "hand, in Search", "the collection itself"  # who judged
JUDGED_SAMPLES = {SAMPLE_TITLES[name]: name for name in ("everyday_science", "python_docs")}
COLLECTIONS = (*JUDGED_SAMPLES, BEIR, LOADED)
COMPARISON_MAX_K = SLIDER_MAX_K  # results are cached for each k, so k is bounded


@dataclass(frozen=True, kw_only=True)
class CompareRequest:
    """What a visitor or a program wants to be compared.

    first to fourth: the retrievers, as choices.py names them; third and fourth may be empty. archive: path of a zip in
    BEIR layout. part: the collection of several in it, by its folder. split: of its judgments; both may be empty. qrels
    and queries: paths of judgments, and of queries if the loaded collection has none. A path is empty where no file was
    chosen. relevance_level: the lowest grade of an answer; samples have a level of their own.
    """

    collection: str
    first: str
    second: str
    third: str = ""
    fourth: str = ""
    k: int = 10
    M: int = 16
    ef_construction: int = 200
    archive: str = ""
    qrels: str = ""
    queries: str = ""
    relevance_level: int = 1
    part: str = ""
    split: str = ""

    @property
    def retrievers(self) -> list[str]:
        """The names of the two to four retrievers."""
        return [self.first, self.second, *filter(None, (self.third, self.fourth))]

    @property
    def how(self) -> str:
        """How the files are read: which part of an archive."""
        return f"{self.part}\0{self.split}" if self.collection == BEIR and (self.part or self.split) else ""

    @property
    def paths(self) -> list[str]:
        """The uploaded files that this comparison needs."""
        files = {BEIR: [self.archive], LOADED: [self.qrels, self.queries]}.get(self.collection, [])
        return [path for path in files if path]

    def check(self, parsed_files: ParsedFiles[ParsedUpload]) -> None:
        """Raise a RetrieverError if the request can be refused before any work is done."""
        if self.collection not in COLLECTIONS:
            raise ParameterError(f"The collection is {self.collection!r}; choose one of: {', '.join(COLLECTIONS)}.")
        for number, name in enumerate(self.retrievers):
            check_retriever(name)
            if name in self.retrievers[:number]:
                raise ParameterError(f"{name} is chosen twice; choose different ones to compare.")
        check_count("k", self.k, 1, COMPARISON_MAX_K)
        check_count("relevance_level", self.relevance_level, 1, MAX_GRADE)
        check_graph_settings(self.M, self.ef_construction, seed=0)
        self._check_files(parsed_files)

    def _check_files(self, parsed_files: ParsedFiles[ParsedUpload]) -> None:
        """Raise DocumentError if a file is missing, of no use or too large."""
        if self.collection == BEIR and not self.archive:
            raise DocumentError("No file was chosen; choose a zip with corpus.jsonl, queries.jsonl and qrels/test.tsv.")
        if self.collection == LOADED and self.queries and not self.qrels:
            raise DocumentError("Queries were chosen without judgments of them; choose a file of judgments as well.")
        if parsed_files.known(self.paths, self.how):
            return
        for path in self.paths:
            check_file_size(path, limits().total_megabytes)
