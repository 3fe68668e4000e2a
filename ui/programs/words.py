"""What programs are told of each parameter, by the API view of the page, its description in JSON, and the MCP tools."""

from retriever.datasets.samples import SAMPLES
from retriever.documents.loading import ACCEPTED_SUFFIXES
from retriever.encoders.catalogue import MODELS
from ui.blocks import EndpointWords
from ui.compare.request import BEIR, JUDGED_SAMPLES, LOADED
from ui.compare.retrievers.choices import RETRIEVERS
from ui.inputs import SLIDER_EF_CONSTRUCTION, SLIDER_M, SLIDER_MAX_EF, SLIDER_MAX_K
from ui.search.beside import CHOICES

API_COLLECTIONS = {**{name: title for title, name in JUDGED_SAMPLES.items()}, "beir": BEIR, "loaded": LOADED}
_COUNT, _GRAPH = f"a whole number from 1 to {SLIDER_MAX_K}", "of the HNSW graph"
PARAMETERS = {
    "source": 'Where the documents come from: "sample", "files" or "text".',
    "sample": f"For the source sample, its name: {', '.join(SAMPLES)}.",
    "files": f"For the source files, uploaded files: {' '.join(ACCEPTED_SUFFIXES)}.",
    "pasted": "For the source text, the text itself; it becomes one document.",
    "model_name": f"The embedding model: {', '.join(MODELS)}.",
    "chunk_size": "Tokens that a chunk has at most: a whole number up to the model's limit.",
    "chunk_overlap": "Tokens that a chunk repeats of the one before: a whole number below chunk_size.",
    "M": f"Links that a node {_GRAPH} keeps (M is a capital letter): a whole number from {SLIDER_M[0]} to "
    f"{SLIDER_M[1]}.",
    "ef_construction": f"Candidates that are weighed to link a node {_GRAPH}: a whole number from "
    f"{SLIDER_EF_CONSTRUCTION[0]} to {SLIDER_EF_CONSTRUCTION[1]}.",
    "text_columns": "Of tables among the files, the columns to read as text, with commas between; empty for the usual.",
    "title_column": "Of tables among the files, the column to read as titles; empty for the one called title.",
    "question": "The question, in words.",
    "beside": f"A third answer beside both searches: {', '.join(CHOICES)}, or empty for none.",
    "k": f"Passages that each search returns, or documents in a comparison: {_COUNT}.",
    "ef": f"Candidates that HNSW keeps: a whole number from 1 to {SLIDER_MAX_EF}; one below k counts as k.",
    "collection": f"The judged collection: {', '.join(API_COLLECTIONS)}; beir takes an archive, loaded is your own.",
    "first": f"The first retriever: {'; '.join(RETRIEVERS)}; or any other two of those without a plus, with a plus.",
    "second": "The second retriever: another one of these.",
    "third": "A third retriever, another one of these; empty to compare two.",
    "fourth": "A fourth retriever, another one of these; empty to compare fewer.",
    "archive": "For the collection beir, a zip in BEIR's layout: corpus.jsonl, queries.jsonl and qrels.",
    "part": "Of an archive that holds several collections, the folder of the one to read; else empty.",
    "split": "Of the archive's judgments, the split to read, such as dev; empty for test, else dev, else train.",
    "qrels": "For the collection loaded, a file of judgments, unless it has its own: TREC qrels or BEIR's table.",
    "queries": "For the collection loaded, the questions of the judgments: JSON lines, or a table of ids and texts.",
    "relevance_level": "The lowest grade that counts as relevant: a whole number from 1.",
}
EXAMPLES = {"question": "how hot should the water be for green tea?"}
RESULTS = {
    "build": "the run record of the build: versions, machine, settings, data and what was observed, times in seconds.",
    "search": "results: the rankings, a row a hit; recall: the share of exact search's hits that HNSW finds, 0 to 1; "
    "seconds: of embedding and of the searches; record: the run record.",
    "measure": "hnsw and exact: mean_recall, mean_distances, p50_seconds, p95_seconds, queries_per_second; speed_up: "
    "how many times as long exact search takes, with its range; recall: of each query; seconds_ago: the age of the "
    "measurement; settings; data; record: the run record.",
    "compare": "verdict and costs: in words; scores: every measure of all that is compared, with the differences; "
    "two_errors: the questions that the model and that the index loses; record: the run record.",
}
ENDPOINT_WORDS = EndpointWords(PARAMETERS, EXAMPLES, RESULTS)
