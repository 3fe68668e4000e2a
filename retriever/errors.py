"""The errors of this package, as a tree; each message says what was found, what was wanted and what to do.

RetrieverError
├── DocumentError     a file that cannot be read as a document
├── ChunkingError     a chunk size or overlap that cannot work
├── ModelError        an embedding model that is unknown, damaged or cannot be fetched
├── VectorError       vectors or queries of the wrong shape, type or content
├── ParameterError    k, ef, M or another setting outside its range
├── CollectionError   documents, queries or judgments that do not fit together
├── StorageError      a saved folder that is damaged, foreign or too new
└── Cancelled         work that was stopped because somebody asked for it
"""


class RetrieverError(Exception):
    """Say that this package could not do what was asked; nothing that was loaded is lost."""


class DocumentError(RetrieverError):
    """Say that a file cannot be read as a document."""


class ChunkingError(RetrieverError):
    """Say that a chunk size or an overlap cannot work with this encoder."""


class ModelError(RetrieverError):
    """Say that an embedding model is unknown, damaged or cannot be fetched."""


class VectorError(RetrieverError):
    """Say that vectors or queries have the wrong shape, type or content."""


class ParameterError(RetrieverError):
    """Say that k, ef, M or another setting is outside its range."""


class CollectionError(RetrieverError):
    """Say that documents, queries or judgments do not fit together."""


class StorageError(RetrieverError):
    """Say that a saved folder is damaged, foreign or written by a newer version."""


class Cancelled(RetrieverError):
    """Say that work was stopped because somebody asked for it."""
