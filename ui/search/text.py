"""One question's answers as HTML: hits, times and a summary."""

from collections.abc import Mapping, Sequence

from retriever.documents.document import ScoredPassage
from retriever.encoders.loading import loaded_prompts
from retriever.experiments.search_comparison import SearchComparison
from retriever.indexing.collection import IndexedCollection
from ui.inputs import SearchSettings
from ui.render.html import Html, explained, render
from ui.render.numbers import CROWD, count_of, format_score, index_recall
from ui.render.passages import count_passages, cut_question

Buttons = Mapping[str, tuple[str, int | None]]  # document id -> the key of its buttons, and its judgment
MUCH = 3.0  # times as long from which on one part is called much longer than another
# of marked hits, and of scores
TAGS = {"exact": "missed by HNSW", "hnsw": "not among the nearest", "beside": "also among the nearest"}
MEASURES = {"beside": "a score of its own"}


def search_summary(question: str, both: SearchComparison, settings: SearchSettings, indexed: IndexedCollection) -> Html:
    """Return the times of one question as a bar with what they say, and what HNSW missed."""
    k, found, missed = settings.k, len(both.exact), sum(both.missed)
    words = Html("For “{}” HNSW at ef={} found {} of the {}: {} is {}.").format(
        question,
        settings.ef,
        found - missed,
        explained("nearest passages", count_of(found, "nearest passage")),
        explained("recall", index_recall(min(k, found))),
        format_score(both.recall),
    )
    if found < k:
        words += f" k is {k}, but the collection has only {count_passages(indexed, found)}: all are shown."
    words += _prompted(indexed.settings.model_name, question)
    words += cut_question(indexed.settings.model_name, both.tokens, both.tokens_read)
    parts = {
        "embedding the question": (both.seconds["embedding"], "lab-part-embed"),
        f"HNSW at ef={settings.ef}": (both.seconds["HNSW"], "lab-part-hnsw"),
        "exact": (both.seconds["exact"], "lab-part-exact"),
    }
    crowd = Html('<p class="lab-when">{}</p>').format(CROWD) if both.crowded else Html()
    return time_bar(parts) + crowd + Html('<p class="lab-found">{} {}</p>').format(words, time_conclusion(both.seconds))


def _prompted(model_name: str, question: str) -> str:
    """Return, for the end of a text, what the model reads in place of a question, if it is anything else."""
    prompt, _ = loaded_prompts(model_name)
    return f" With the prompt of {model_name} the question that it reads is “{prompt}{question}”." if prompt else ""


def time_conclusion(seconds: Mapping[str, float]) -> str:
    """Return which part of an answer takes long, and so what a quicker index would change."""
    embedding, hnsw, exact = (seconds[name] for name in ("embedding", "HNSW", "exact"))
    slower = max(hnsw, exact)
    if embedding >= MUCH * slower:
        return (
            f"Embedding the question took {embedding / slower:,.0f} times as long as the slower search: "
            "for one question a quicker index hardly changes how long an answer takes."
        )
    if exact >= MUCH * max(hnsw, embedding):
        return (
            f"Exact search took {exact / hnsw:,.1f} times as long as HNSW, and most of the whole: here an index pays."
        )
    return "Embedding and searching took times of the same order: both matter here."


def hit_list(
    found: Sequence[ScoredPassage],
    marked: Sequence[bool],
    *,
    side: str,
    buttons: Buttons | None = None,
    why: Html | None = None,
    notes: Sequence[Html] | None = None,
) -> Html:
    """Return a list of hits; marked ones are missed by HNSW (side "exact"), extra in it ("hnsw") or near ("beside").

    Documents without buttons cannot be judged. why: a link that explains the marked ones. notes: what stands below each
    hit.
    """
    keys = [(buttons or {}).get(hit.passage.doc_id, ("", None)) for hit in found]
    below = notes or [Html()] * len(found)
    hits = [(hit, mark, note, *each) for hit, mark, note, each in zip(found, marked, below, keys, strict=True)]
    measure = MEASURES.get(side, "cosine similarity")
    return render("search/hits.html", hits=hits, side=side, tag_words=TAGS[side], why=why or "", measure=measure)


def time_bar(parts: Mapping[str, tuple[float, str]]) -> Html:
    """Return one bar that splits the time; parts: label -> seconds and CSS class."""
    total = sum(value for value, _ in parts.values()) or 1
    return render("search/times.html", parts=parts, total=total)
