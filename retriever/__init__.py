"""Dense retrieval, readable: encoders, exact and HNSW indexes, and honest measurement of both."""

from retriever.chunking import Chunk, chunk_documents
from retriever.collection import SAMPLES, Collection, load_sample, read_beir
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
from retriever.hnsw import HNSWIndex
from retriever.index import ExactIndex, Neighbors
from retriever.measurement import Measurement, ef_curve, knn_recall, measure
from retriever.models import MODELS, load_encoder

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
    "ExactIndex",
    "HNSWIndex",
    "Hit",
    "Measurement",
    "ModelError",
    "Neighbors",
    "ParameterError",
    "RetrieverError",
    "StorageError",
    "VectorError",
    "chunk_documents",
    "ef_curve",
    "knn_recall",
    "load_documents",
    "load_encoder",
    "load_sample",
    "measure",
    "read_beir",
]
