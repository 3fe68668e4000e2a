"""The retrievers of a comparison by their names: models' indexes, BM25, late interaction, and fusions of two."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from retriever.experiments.judged_index import JudgedIndex, lower_case
from retriever.experiments.judged_ranking import JudgedFusion, JudgedRetriever
from retriever.experiments.judged_search import JudgedSearch
from retriever.progress import Progress
from ui.compare.retrievers.choices import BM25, dense_models, parts_of
from ui.compare.retrievers.model_indexes import ModelIndexes
from ui.compare.retrievers.without_index import make_bm25, make_late


@dataclass(frozen=True, eq=False)
class ComparedRetrievers:
    """The retrievers that a comparison names, made or taken from where they are kept.

    What several of them need, as a fusion does of what stands beside it, is computed once.
    """

    indexes: ModelIndexes
    names: Sequence[str]
    _made: dict[str, JudgedSearch] = field(default_factory=dict)

    def of(self, name: str, progress: Progress) -> JudgedSearch:
        """Return the retriever of a name."""
        if name not in self._made:
            self._made[name] = self._make(name, _named(name, progress))
        return self._made[name]

    def base(self, progress: Progress) -> JudgedIndex:
        """Return the index whose passages and judged queries the retrievers without one take."""
        model = self.indexes.passages_model(self.names)
        found = self.of(model, progress)
        assert isinstance(found, JudgedIndex)
        return found

    def in_lower_case(self, side: JudgedSearch, progress: Progress) -> JudgedSearch:
        """Return a retriever that is asked the questions in lower case."""
        if isinstance(side, JudgedFusion):
            first, second = (self.in_lower_case(part, progress) for part in side.parts)
            return JudgedFusion((first, second), side.fusion_k)
        if isinstance(side, JudgedRetriever):
            return side.with_judged(lower_case(side.judged), side.own_documents)
        assert isinstance(side, JudgedIndex)
        return self.indexes.in_lower_case(side, progress)

    def _make(self, name: str, progress: Progress) -> JudgedSearch:
        parts = parts_of(name)
        if len(parts) == 2:
            first, second = (self.of(part, progress) for part in parts)
            return JudgedFusion((first, second))
        if name not in dense_models([name]):
            base = self.base(progress)
            make = partial(make_bm25 if name == BM25 else make_late, name, base, progress)
            found = base.beside.get(name, make, meanwhile=partial(progress, "waiting for another visitor", 0.0)).value
            same = found.judged is base.judged
            return found if same else found.with_judged(base.judged, base.own_documents)
        return self.indexes.of_model(name, progress)


def _named(name: str, progress: Progress) -> Progress:
    """Return a progress function that adds a retriever's name to the stage, unless one stands there."""
    return lambda stage, fraction: progress(stage if stage.endswith(")") else f"{stage} ({name})", fraction)
