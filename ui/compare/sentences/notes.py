"""Notes below a comparison: what was corrected, cut, left out or judged by whom, and what was chosen in files."""

from collections.abc import Mapping, Sequence

from retriever.evaluation.trec import judged_only
from retriever.experiments.comparison import RetrieverComparison
from retriever.experiments.judged_ranking import JudgedFusion, JudgedRetriever
from retriever.experiments.judged_search import JudgedSearch
from ui.compare.request import OWN
from ui.compare.sentences.wording import few_judged, first_results, shares_judged
from ui.render.numbers import count_of, format_score


def judged_by_notes(compared: RetrieverComparison, judged_by: str) -> list[str]:
    """Return who judged what is loaded; nothing for collections that are always judged by themselves."""
    if not judged_by:
        return []
    qrels = judged_only(compared.sides[0].judged.qrels)
    counts = f"{count_of(sum(map(len, qrels.values())), 'judgment')} of {count_of(len(qrels), 'question')}"
    unseen = " Hits that you have not judged count as no answer, whichever model finds them."
    return [f"Judged by {judged_by}: {counts}.{unseen if judged_by == OWN else ''}"]


def reading_notes(notes: Mapping[str, Sequence[str]]) -> list[str]:
    """Return what was chosen or passed over in uploaded files, one note a file."""
    return [f"{name}: {' '.join(said)}" for name, said in notes.items()]


def comparison_notes(compared: RetrieverComparison, in_lower_case: Sequence[float]) -> list[str]:
    """Return what qualifies the numbers: corrected p, what was cut or left out, and judgments that do not match."""
    few = any(few_judged(pair) for pair in compared.pairs.values())
    judged = [] if few else [_judged_note(compared)]
    notes = [" ".join([_corrected_note(compared), _cut_note(compared.sides), *judged])]
    notes += _left_out_notes(compared.sides[0])
    notes += [side.remark for side in _parts(compared.sides) if isinstance(side, JudgedRetriever) and side.remark]
    if in_lower_case:
        rates = [compared.score(compared.hit_rate, number).mean for number in range(len(compared.sides))]
        changes = [
            f"{name} {format_score(before)} → {format_score(after)}"
            for name, before, after in zip(compared.names, rates, in_lower_case, strict=True)
        ]
        notes.append(
            "The questions are written in capitals, the passages are not. With the questions in lower case the hit "
            f"rate goes: {', '.join(changes)}. A model that tells capitals apart sees other words; that is the model, "
            "not a mistake here."
        )
    return notes


def _corrected_note(compared: RetrieverComparison) -> str:
    """Return for what the p values are corrected."""
    measures, pairs = len(compared.measures), len(compared.pairs)
    if pairs == 1:
        return f"p: Holm-corrected for the {measures} measures."
    return f"p: Holm-corrected for all {measures * pairs} tests, {measures} measures of {pairs} pairs."


def _parts(sides: Sequence[JudgedSearch]) -> list[JudgedSearch]:
    """Return the retrievers that are no fusion, those of fusions included, each once."""
    parts: dict[str, JudgedSearch] = {}
    for side in sides:
        for part in side.parts if isinstance(side, JudgedFusion) else [side]:
            parts.setdefault(part.name, part)
    return list(parts.values())


def _cut_note(sides: Sequence[JudgedSearch]) -> str:
    """Return how many passages and how many questions each retriever that has a limit cut at it."""
    limited = [part for part in _parts(sides) if not isinstance(part, JudgedRetriever) or part.limited]
    n_passages, n_asked = len(sides[0].passages), sides[0].coverage.queries
    passages = _cut("passage", {part.name: part.n_cut for part in limited}, n_passages)
    return f"{passages} {_cut('question', {part.name: len(part.cut) for part in limited}, n_asked)}"


def _cut(what: str, n_cut: Mapping[str, int], n: int) -> str:
    """Return how many of n passages or questions each model cut; n_cut: name -> number."""
    if not any(n_cut.values()):
        return f"No {what} was cut."
    counts = ", ".join(f"{name} {count:,} of {n:,}" for name, count in n_cut.items())
    return f"{what.capitalize()}s cut at the model's limit: {counts}."


def _left_out_notes(side: JudgedSearch) -> list[str]:
    """Return which questions count as not found whatever is searched, and which documents and questions do not count.

    All are counted of the questions that the means are of, and are the same for all retrievers.
    """
    coverage, n_own = side.coverage, len(side.own_documents)
    n, notes = coverage.judged_queries, list[str]()
    if n_own:
        notes.append(
            f"Questions that are documents of this collection themselves, by id and text: {n_own:,} of {n:,}. Each is "
            "left out of its own results, in exact search and HNSW alike, as it would find itself first."
        )
    if coverage.queries < n:
        notes.append(f"Judged queries without a text, which count as not found: {n - coverage.queries:,} of {n:,}.")
    if coverage.answerable < n:
        notes.append(
            "Judged questions to which no document of this collection is relevant, which count as not found: "
            f"{n - coverage.answerable:,} of {n:,}."
        )
    if coverage.unjudged_queries:
        notes.append(
            f"Questions that nobody judged, which are not asked: {coverage.unjudged_queries:,} beside the {n:,} judged."
        )
    if coverage.documents < coverage.judged_documents:
        missing = coverage.judged_documents - coverage.documents
        notes.append(f"Judged documents that are not in this collection: {missing:,} of {coverage.judged_documents:,}.")
    return notes


def _judged_note(compared: RetrieverComparison) -> str:
    """Return how many of the first results were judged, where the verdict does not say it."""
    judged = compared.judged_shares
    if min(judged) == 1:
        return f"All of the {first_results(compared.k)} were judged."
    return f"{shares_judged(judged, compared.k)}; the others count as no answer."
