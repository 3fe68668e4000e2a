"""The exceptions of this package, as a tree; each message says what was found, what was expected and what to do.

RetrieverError
├── DocumentError     a file that cannot be read as a document
├── ChunkingError     a chunk size or overlap that cannot work
├── ModelError        an embedding model that is unknown, damaged or cannot be fetched
├── VectorError       vectors or queries of the wrong shape, type or content
├── ParameterError    k, ef, M or another setting outside its range
├── CollectionError   documents, queries or judgments that do not fit together
├── StorageError      a saved folder or an archive that is damaged, unsafe or of another program or version
└── Cancelled         work that was stopped on request
"""

import errno

SHORTAGES = {  # numbers of OSError -> what the machine has run out of
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk is full, as far as this program may use it",
    errno.EROFS: "the disk can only be read",
    errno.EFBIG: "the disk takes no file as large as this",
    errno.EMFILE: "too many files and connections are open at once",
    errno.ENFILE: "too many files and connections are open at once",
    errno.ENOMEM: "there is not enough memory",
}
NO_THREAD = "can't start new thread"  # in the RuntimeError that Python raises then


class RetrieverError(Exception):
    """Base class of the errors of this package; what was loaded before one is raised stays loaded."""


class DocumentError(RetrieverError):
    """Error raised when a file cannot be read as a document."""


class ColumnError(DocumentError):
    """Error raised when a table lacks a column that was chosen."""


class ChunkingError(RetrieverError):
    """Error raised when a chunk size or an overlap cannot work with this encoder."""


class ModelError(RetrieverError):
    """Error raised when an embedding model is unknown, damaged or cannot be fetched."""


class VectorError(RetrieverError):
    """Error raised when vectors or queries have the wrong shape, type or content."""


class ParameterError(RetrieverError):
    """Error raised when k, ef, M or another setting is outside its range."""


class CollectionError(RetrieverError):
    """Error raised when documents, queries or judgments do not fit together."""


class PartError(CollectionError):
    """Error raised when of several collections or splits none was chosen, or one that is not there."""


class StorageError(RetrieverError):
    """Error raised when a saved folder or an archive is damaged, unsafe or of another program or version."""


class Cancelled(RetrieverError):
    """Error raised in work that was stopped on request."""


def shortage(error: BaseException | None) -> str:
    """Return what the machine has run out of, in words, if an error or one of its causes says so; else ""."""
    while error is not None:
        if isinstance(error, MemoryError):
            return SHORTAGES[errno.ENOMEM]
        if isinstance(error, OSError) and error.errno in SHORTAGES:
            return SHORTAGES[error.errno]
        if isinstance(error, RuntimeError) and NO_THREAD in str(error):
            return "too many threads are at work at once"
        error = error.__cause__
    return ""


def system_reason(error: OSError) -> str:
    """Return why the system refused something: what it has run out of, in words, and its own message."""
    lacking = shortage(error)
    return f"{lacking} ({error.strerror})" if lacking else str(error.strerror)
