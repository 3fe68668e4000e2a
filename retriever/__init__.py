"""Dense retrieval, readable: encoders, exact and HNSW indexes, and honest measurement of both."""

from retriever.chunking.chunker import Chunk, chunk_documents
from retriever.datasets.beir import read_beir
from retriever.datasets.beir_archive import read_beir_archive
from retriever.datasets.collection import Collection
from retriever.datasets.samples import SAMPLES, load_sample
from retriever.documents.document import Document, Passage, TableColumns
from retriever.documents.loading import load_documents
from retriever.encoders.base import Encoder
from retriever.encoders.catalogue import MODELS
from retriever.encoders.loading import load_encoder
from retriever.encoders.multi_vector.catalogue import LATE_INTERACTION_MODELS
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
from retriever.evaluation.fusion import fuse
from retriever.evaluation.judged_queries import JudgedQueries
from retriever.evaluation.measures import Evaluation, evaluate
from retriever.evaluation.trec import Qrels, Run, read_qrels, read_run, write_run
from retriever.experiments.comparison import compare_retrievers
from retriever.experiments.judged_searches import judged_searches
from retriever.experiments.search_costs import measure_costs
from retriever.graph.miss_reasons import explain_misses
from retriever.graph.traversal import HNSWGraph
from retriever.indexes.base import Neighbors
from retriever.indexes.exact import ExactIndex
from retriever.indexes.hnsw import HNSWIndex
from retriever.indexes.milvus.index import MilvusIndex
from retriever.indexes.recall import knn_recall
from retriever.indexing.collection import IndexedCollection, IndexSettings
from retriever.indexing.pipeline import index_collection
from retriever.measurement.curve import ef_curve
from retriever.measurement.fan_out import simulate_fan_out
from retriever.measurement.measurement import Measurement
from retriever.measurement.recall_and_latency import measure
from retriever.measurement.sharding import sweep_shards
from retriever.measurement.sweeps import sample_vectors, sweep_graph_settings, sweep_sizes
from retriever.reproduction import compare_with_record
from retriever.retrievers.base import Hit, Retriever
from retriever.retrievers.bm25 import BM25Retriever
from retriever.retrievers.dense import DenseRetriever
from retriever.retrievers.document_runs import run_queries
from retriever.retrievers.late_interaction import LateInteractionRetriever
from retriever.retrievers.milvus import MilvusRetriever

__all__ = [
    "LATE_INTERACTION_MODELS",
    "MODELS",
    "SAMPLES",
    "BM25Retriever",
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
    "IndexSettings",
    "IndexedCollection",
    "JudgedQueries",
    "LateInteractionRetriever",
    "Measurement",
    "MilvusIndex",
    "MilvusRetriever",
    "ModelError",
    "Neighbors",
    "ParameterError",
    "Passage",
    "Qrels",
    "Retriever",
    "RetrieverError",
    "Run",
    "StorageError",
    "TableColumns",
    "VectorError",
    "chunk_documents",
    "compare_retrievers",
    "compare_with_record",
    "ef_curve",
    "evaluate",
    "explain_misses",
    "fuse",
    "index_collection",
    "judged_searches",
    "knn_recall",
    "load_documents",
    "load_encoder",
    "load_sample",
    "measure",
    "measure_costs",
    "read_beir",
    "read_beir_archive",
    "read_qrels",
    "read_run",
    "run_queries",
    "sample_vectors",
    "simulate_fan_out",
    "sweep_graph_settings",
    "sweep_shards",
    "sweep_sizes",
    "write_run",
]
