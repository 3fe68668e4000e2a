"""Dense retrieval, readable: encoders, exact and HNSW indexes, and honest measurement of both."""

from retriever.beir import read_beir
from retriever.chunking import Chunk, chunk_documents
from retriever.collection import Collection
from retriever.dense import DenseRetriever, Hit
from retriever.documents import Document, load_documents
from retriever.encoder import Encoder
from retriever.errors import (
    Cancelled,
    ChunkingError,
    CollectionError,
    DocumentError,
    ModelError,
    ParameterError,
    RetrieverError,
    StorageError,
    VectorError,
)
from retriever.evaluation import Evaluation, evaluate
from retriever.graph import HNSWGraph
from retriever.hnsw import HNSWIndex
from retriever.index import ExactIndex, Neighbors
from retriever.measurement import Measurement, ef_curve, knn_recall, measure
from retriever.models import MODELS, load_encoder
from retriever.runs import run_queries
from retriever.samples import SAMPLES, load_sample
from retriever.trec import Qrels, Run, read_qrels, read_run, write_run

__all__ = [
    "MODELS",
    "SAMPLES",
    "Cancelled",
    "Chunk",
    "ChunkingError",
    "Collection",
    "CollectionError",
    "DenseRetriever",
    "Document",
    "DocumentError",
    "Encoder",
    "Evaluation",
    "ExactIndex",
    "HNSWGraph",
    "HNSWIndex",
    "Hit",
    "Measurement",
    "ModelError",
    "Neighbors",
    "ParameterError",
    "Qrels",
    "RetrieverError",
    "Run",
    "StorageError",
    "VectorError",
    "chunk_documents",
    "ef_curve",
    "evaluate",
    "knn_recall",
    "load_documents",
    "load_encoder",
    "load_sample",
    "measure",
    "read_beir",
    "read_qrels",
    "read_run",
    "run_queries",
    "write_run",
]
