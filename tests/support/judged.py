"""Judged collections with known rankings, hand-made comparisons, and collections in files to upload."""

import json
import math
import zipfile
from dataclasses import replace
from functools import cache
from itertools import combinations

import numpy as np

from retriever.encoders.catalogue import MODELS
from retriever.evaluation.judged_queries import JudgedQueries
from retriever.evaluation.measures import Evaluation
from retriever.evaluation.significance import compare
from retriever.experiments.comparison import PairComparison, RetrieverComparison, compare_retrievers
from retriever.experiments.error_attribution import attribute_errors
from retriever.experiments.judged_index import JudgedIndex
from retriever.experiments.judged_ranking import JudgedFusion, JudgedRetriever
from retriever.experiments.unjudged_results import UnjudgedResults
from retriever.retrievers.bm25 import BM25Retriever
from tests.support.encoders import FakeEncoder
from tests.support.small import collection_of

N = 130  # documents: more than in a run
NAMES = ("alpha", "beta", "gamma", "delta")
FIRST = [1, 2, 3, 5, 11, 50, None, 8, 9, 10, 12, 100]  # the rank of the answer of each question, with the first model
SECOND = [2, 2, 30, 1, 101, 50, 1, 8, None, 11, 12, 1]
KINDS = {f"q{row}": "term" if row < 5 else "fact" for row in range(12)}
ALL_JUDGED = UnjudgedResults((1.0, 1.0), (0.5, 0.5), (0.0, 0.0))  # the unjudged leave nothing open
LOSSY = [1, 2, 3, 5, 9, 11] * 4, [1, 12, 1, 12, 1, 1] * 4  # the same of both models, over a graph that loses some


# --- known rankings


class Planned:
    """An encoder with known rankings: each document is an axis, and a query's vector decreases along its order."""

    max_tokens = None
    fingerprint = "planned0-float32"

    def __init__(self, texts, orders):
        self.dimension, self.texts, self.orders = len(texts), list(texts), orders

    def encode_query(self, texts):
        vectors = np.zeros((len(texts), self.dimension), np.float32)
        for vector, text in zip(vectors, texts, strict=True):
            vector[self.orders[text]] = np.linspace(1, 0.5, self.dimension)
        return vectors

    def encode_document(self, texts, *, progress=None):
        return np.eye(self.dimension, dtype=np.float32)[[self.texts.index(text) for text in texts]]

    def count_tokens(self, texts):
        return [len(text.split()) for text in texts]


def order(number, rank, n=N):
    """Return the rows of documents in the order of question `number`: row `number` at `rank`, from 1; None: last."""
    rows = [(number + step) % n for step in range(1, n)]
    rows.insert((rank or n) - 1, number)
    return rows


def ranked_index(
    ranks,
    *,
    model_name="alpha",
    n=N,
    level=1,
    queries=None,
    qrels=None,
    kinds=None,
    title="Title",
    body="Body",
    name="Planned",
    **graph,
):
    """Index n passages for questions q0, q1, ..., each answered by the document of its number at the given rank."""
    texts = [f"{title} {row} {body} {row}." for row in range(n)]
    queries = queries or {f"q{number}": f"question {number}?" for number in range(len(ranks))}
    qrels = qrels or {f"q{number}": {f"d{number}": 1} for number in range(len(ranks))}
    orders = {
        queries[f"q{number}"]: order(number, rank, n) for number, rank in enumerate(ranks) if f"q{number}" in queries
    }
    encoder = Planned(texts, orders)
    metadata = [{"doc_id": f"d{row}", "title": f"{title} {row}", "shown": f"{body} {row}."} for row in range(n)]
    indexed = collection_of(encoder, texts, queries=list(orders), metadata=metadata, name=name, **graph)
    judged = JudgedQueries(queries, qrels, level, kinds or {})
    indexed = replace(indexed, settings=replace(indexed.settings, model_name=model_name), judged=judged)
    return JudgedIndex(indexed, judged, encoder.encode_query(list(judged.asked.values())))


def compared(*sides, k=10, names=NAMES, **options):
    """Return the comparison of models, each given by the ranks of the answers."""
    sides = [ranked_index(ranks, model_name=name, **options) for ranks, name in zip(sides, names, strict=False)]
    return compare_retrievers(sides, k)


def beside_one(ranks, *, k=10, **options):
    """Return the comparison of a model, BM25 over the same passages, and the fusion of both.

    The questions are q10, q11, ...: BM25 finds each answer by its number, which must have two digits to be a word.
    """
    numbers = range(10, 10 + len(ranks))
    queries = {f"q{number}": f"question {number}?" for number in numbers}
    qrels = {f"q{number}": {f"d{number}": 1} for number in numbers}
    index = ranked_index([1] * 10 + list(ranks), queries=queries, qrels=qrels, **options)
    retriever = BM25Retriever()
    retriever.add(index.passages)
    words = JudgedRetriever(
        "BM25",
        retriever,
        index.judged,
        index.own_documents,
        seconds_to_index=0.5,
        searched_bytes=retriever.nbytes,
        score_name="BM25 score",
        settings=retriever.settings,
    )
    return compare_retrievers([index, words, JudgedFusion((words, index))], k)


def starved_pair(**options):
    """Return the comparison of two models over a graph that loses some answers."""
    return compared(*LOSSY, M=3, ef_construction=5, **options)


def trec(rank, k):
    """Return trec_eval's measures of a question with one answer, of grade 1, by their formulas."""
    found, reciprocal = float(rank is not None and rank <= k), 1 / rank if rank and rank <= 100 else 0.0
    return {
        f"success_{k}": found,
        f"ndcg_cut_{k}": found and 1 / math.log2(1 + rank),
        f"recall_{k}": found,
        "recip_rank": reciprocal,
        "map": reciprocal,
    }


# --- hand-made comparisons


class HandMade(JudgedIndex):
    """A model's index that knows only its name and its errors; errors: ef -> ErrorAttribution."""

    def __init__(self, name, errors):
        self.title, self.by_ef = name, errors

    name = property(lambda self: self.title)

    def errors(self, k, ef):
        return self.by_ef[ef]


def by_hand(*hits, k=10, ndcg=None, kinds=None, names=NAMES, errors=None, unjudged=ALL_JUDGED):
    """Return a comparison of hits, 0 or 1 per question, a list of each model; the p are not corrected.

    ndcg: values of the models, else the hits. kinds: of two models. errors: ef -> the ErrorAttribution of each model.
    unjudged: of each pair.
    """
    sides = [
        HandMade(name, {ef: both[number] for ef, both in (errors or {}).items()})
        for number, (name, _) in enumerate(zip(names, hits, strict=False))
    ]
    values = {f"success_{k}": hits, f"ndcg_cut_{k}": ndcg or hits}
    pairs = {}
    for one, other in combinations(range(len(hits)), 2):
        measures = {
            name: replace(compared_values(tuple(of[one]), tuple(of[other])), measure=name)
            for name, of in values.items()
        }
        pairs[one, other] = PairComparison(sides[one], sides[other], k, measures, kinds or {}, unjudged)
    return RetrieverComparison(sides, k, pairs)


def with_pair(found, **changed):
    """Return the comparison of two models with other parts of their pair."""
    return replace(found, pairs={(0, 1): replace(found.pair, **changed)})


def with_side(found, number, **changed):
    """Return a comparison with other parts of one of its sides."""
    sides = list(found.sides)
    sides[number] = replace(sides[number], **changed)
    return replace(found, sides=sides)


@cache  # ten thousand resamples are slow
def compared_values(first, second):
    """Return the comparison of two lists of values, one per question."""
    sides = [
        Evaluation(10, 1, {f"q{row}": {"map": value} for row, value in enumerate(side)}) for side in (first, second)
    ]
    return compare(*sides, "map")


def lost(asked, *, by_model=0, by_index=0, lucky=0):
    """Return an ErrorAttribution with the given numbers of lost and lucky questions."""
    exact = {f"q{row}": row >= by_model for row in range(asked)}
    return attribute_errors(exact, {f"q{row}": row < lucky or row >= by_model + by_index for row in range(asked)})


# --- counting models, and files to upload


class Counting(FakeEncoder):
    """A fake model of the catalogue that counts the texts it embeds."""

    def __init__(self, name):
        self.dimension = MODELS[name].dimension
        self.documents = self.questions = 0

    def encode_query(self, texts):
        self.questions += len(texts)
        return super().encode_document(self.seen(texts))

    def encode_document(self, texts, *, progress=None):
        self.documents += len(texts)
        return super().encode_document(self.seen(texts), progress=progress)

    def seen(self, texts):
        return texts


def beir_zip(path, corpus, queries, qrels, *, folders=("mine",), split="test", mode="w"):
    """Write documents (id, text), queries (id, text) and judgments (query, document, grade) in BEIR layout.

    folders: of the archive, each of which becomes a collection. mode: "a" to add to what is there.
    """
    lines = {
        "corpus.jsonl": [json.dumps({"_id": doc_id, "title": "", "text": text}) for doc_id, text in corpus],
        "queries.jsonl": [json.dumps({"_id": query_id, "text": text}) for query_id, text in queries],
        f"qrels/{split}.tsv": ["query-id\tcorpus-id\tscore", *("\t".join(map(str, row)) for row in qrels)],
    }
    with zipfile.ZipFile(path, mode, zipfile.ZIP_DEFLATED) as archive:
        for name in (f"{folder}/{name}" for folder in folders for name in lines):
            archive.writestr(name, "".join(f"{row}\n" for row in lines[name.partition("/")[2]]))
    return str(path)
