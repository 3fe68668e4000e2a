"""The operator's settings, read from environment variables: a table of limits, the password, a Milvus server."""

import os
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from retriever.errors import ParameterError


def _limit(variable: str, default: int, limits: str) -> Any:  # noqa: ANN401 - of any type, as pydantic's fields are
    """Describe a limit: the environment variable that sets it, its default, and what it limits, with the unit."""
    return Field(default=default, gt=0, alias=variable, description=limits)


class Limits(BaseModel):
    """The limits in force, read from the environment; its fields are the table of all limits."""

    model_config = ConfigDict(frozen=True)

    files: int = _limit("LAB_MAX_FILES", 50, "files in one upload")
    file_megabytes: int = _limit("LAB_MAX_FILE_MB", 20, "megabytes of one file")
    total_megabytes: int = _limit("LAB_MAX_TOTAL_MB", 50, "megabytes of one upload")
    paste_megabytes: int = _limit("LAB_MAX_PASTE_MB", 2, "megabytes of pasted text")
    saved_megabytes: int = _limit("LAB_MAX_SAVED_MB", 200, "megabytes of a saved collection's .zip")
    pages: int = _limit("LAB_MAX_PAGES", 3_000, "pages of one PDF")
    chunks: int = _limit("LAB_MAX_CHUNKS", 50_000, "chunks, or passages, of one collection")
    question_characters: int = _limit("LAB_MAX_QUESTION", 2_000, "characters of a question")
    unpacked_megabytes: int = _limit("LAB_MAX_UNPACKED_MB", 500, "megabytes of an uploaded .zip, unpacked")
    questions: int = _limit("LAB_MAX_QUESTIONS", 5_000, "judged questions of one comparison")
    read_seconds: int = _limit("LAB_READ_SECONDS", 60, "seconds that reading one file may take")
    read_megabytes: int = _limit("LAB_READ_MB", 2_000, "megabytes of memory that reading files may take")
    sessions: int = _limit("LAB_MAX_SESSIONS", 60, "visitors at once")
    address_sessions: int = _limit("LAB_MAX_ADDRESS_SESSIONS", 45, "visitors at once from one network address")
    session_minutes: int = _limit("LAB_SESSION_MINUTES", 60, "minutes that a visitor's data outlasts its last use")
    session_megabytes: int = _limit("LAB_SESSION_MB", 600, "megabytes of memory for one visitor's collections")
    memory_megabytes: int = _limit("LAB_MEMORY_MB", 6_000, "megabytes of memory for all collections together")
    disk_megabytes: int = _limit("LAB_DISK_MB", 2_000, "megabytes of uploads on disk, of all visitors")
    builds: int = _limit("LAB_MAX_BUILDS", 2, "builds, comparisons and labs at work at once; others wait in a queue")
    jobs: int = _limit("LAB_MAX_JOBS", 3, "builds, comparisons and labs of one visitor at once, waiting ones included")
    classes: int = _limit("LAB_MAX_CLASSES", 6, "classes under way at once")
    class_students: int = _limit("LAB_CLASS_STUDENTS", 200, "students of one class")
    class_minutes: int = _limit("LAB_CLASS_MINUTES", 120, "minutes after which a class ends by itself")

    @property
    def upload_megabytes(self) -> int:
        """The most megabytes that an upload of any kind may have."""
        return max(self.total_megabytes, self.saved_megabytes)


def limits() -> Limits:
    """Return the limits in force. Raises ParameterError if a variable is not a whole number above 0."""
    try:
        return Limits.model_validate(
            {name: value for name in list(os.environ) if (value := os.environ.get(name, "")).strip()}
        )
    except ValidationError as error:
        found = " and ".join(f"{bad['loc'][0]} is {bad['input']!r}" for bad in error.errors())
        raise ParameterError(
            f"The setting {found}; a limit must be a whole number above 0. Correct it, or unset it for the default."
        ) from error


def password() -> str:
    """Return the password of page and API, or "" if none is set."""
    return os.environ.get("LAB_PASSWORD", "")


def serves_tools() -> bool:
    """Return whether programs that speak MCP are served: LAB_MCP, unless it is 0. Raises ParameterError for others."""
    value = os.environ.get("LAB_MCP", "").strip() or "1"
    if value not in ("0", "1"):
        raise ParameterError(f"The setting LAB_MCP is {value!r}; it must be 1, which is the default, or 0.")
    return value == "1"


def trusted_proxies() -> int:
    """Return how many proxies in front of the lab report the address they were asked from: LAB_TRUSTED_PROXIES.

    Without it none are trusted, or one on Spaces. Raises ParameterError if it is not a whole number.
    """
    value = os.environ.get("LAB_TRUSTED_PROXIES", "").strip() or ("1" if os.environ.get("SPACE_ID") else "0")
    if not (value.isdecimal() and len(value) < 3):
        raise ParameterError(f"The setting LAB_TRUSTED_PROXIES is {value!r}; it must be a whole number below 100.")
    return int(value)


def framing_sites() -> str:
    """Return the sites whose pages may show the lab in a frame, separated by spaces: LAB_FRAMED_BY.

    Raises ParameterError if it holds anything but addresses that begin with https.
    """
    value = os.environ.get("LAB_FRAMED_BY", "https://huggingface.co").split()
    if wrong := [site for site in value if not re.fullmatch(r"https://[A-Za-z0-9.*:-]+", site)]:
        raise ParameterError(
            f"The setting LAB_FRAMED_BY holds {wrong[0]!r}; it must hold addresses such as https://huggingface.co."
        )
    return " ".join(value)


def source_address() -> str:
    """Return the address where the lab's source can be read: LAB_SOURCE, or on Spaces the files of the Space, or "".

    Raises ParameterError if LAB_SOURCE is no address that begins with https.
    """
    value, space = os.environ.get("LAB_SOURCE", "").strip(), os.environ.get("SPACE_ID", "")
    if value and not re.fullmatch(r"https://[^\s\"'<>]+", value):
        raise ParameterError(f"The setting LAB_SOURCE is {value!r}; it must be an address that begins with https://.")
    return value or (f"https://huggingface.co/spaces/{space}/tree/main" if space else "")


@dataclass(frozen=True)
class MilvusAddress:
    """Where a Milvus server is, and what it is asked with.

    uri: scheme, host, port and the name of a database, without user and password. token: "user:password" or an API key,
    empty for none; it is in no message, record or log. ca: a PEM file of the authority that signed its certificate.
    """

    uri: str
    token: str = field(default="", repr=False)
    ca: str = ""


def milvus_address() -> MilvusAddress | None:
    """Return the Milvus server that the page can search too, by LAB_MILVUS_URI, _TOKEN and _CA; None without them.

    Raises ParameterError for what is no address of a server, without a word of it: it may hold a password.
    """
    value = os.environ.get("LAB_MILVUS_URI", "").strip()
    if not value:
        return None
    parts = _server_parts(value)
    if parts is None:
        raise ParameterError(
            "The setting LAB_MILVUS_URI is no address of a Milvus server; it must be one such as "
            "http://127.0.0.1:19530, or https://host:port. A user and a password belong into LAB_MILVUS_TOKEN, as "
            "user:password."
        )
    user, _, place = parts.netloc.rpartition("@")
    token = os.environ.get("LAB_MILVUS_TOKEN", "").strip() or unquote(user)
    ca = os.environ.get("LAB_MILVUS_CA", "").strip()
    return MilvusAddress(f"{parts.scheme}://{place}{parts.path.rstrip('/')}", token, ca)


def _server_parts(address: str) -> SplitResult | None:
    """Return the parts of a server's address; None if it is none."""
    try:
        parts = urlsplit(address)
        known = parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:  # a port that is no number
        return None
    return parts if known and not (parts.query or parts.fragment or set(address) & set(" \t\r\n")) else None
