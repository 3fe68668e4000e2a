"""A connection to a Milvus server: whatever goes wrong there is a StorageError in plain words, without a password."""

import logging
import socket
import ssl
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import unquote, urlsplit

from retriever.errors import ParameterError, StorageError, system_reason
from retriever.indexes.milvus.errors import NOT_LOADED, is_no_answer, is_no_collection, without_secret, words_for

if TYPE_CHECKING:
    from pymilvus import MilvusClient

Result = TypeVar("Result")
DEFAULT_PORT = 19530
INSTALL = 'pip install ".[milvus]"'
MAX_TIMEOUT = 86_400.0  # seconds, a day
LOGGERS = ("pymilvus", "pymilvus.milvus_client")
CHANNEL = {  # options of gRPC
    "grpc.use_local_subchannel_pool": 1,  # else a new channel waits as long for a server that is back as the old one
    "grpc.initial_reconnect_backoff_ms": 100,
    "grpc.min_reconnect_backoff_ms": 5_000,  # the time that an attempt to connect may take: with TLS four round trips
    "grpc.max_reconnect_backoff_ms": 1_000,
    "grpc.keepalive_time_ms": 60_000,  # a server that builds an index is asked rarely whether it is still there
    "grpc.keepalive_timeout_ms": 20_000,
    "grpc.keepalive_permit_without_calls": 0,
}


class NotLoaded(StorageError):
    """Error raised when a server has a collection on its disk only, as milvus-lite after a start."""


class NoCollection(StorageError):
    """Error raised when a server has no such collection."""


class NoAnswer(StorageError):
    """Error raised when a server does not answer: it is away, or has not answered in time."""


class _OfThread(threading.local):
    """What holds in one thread. patient: whether its calls wait for a server that works at something else."""

    patient = False


class MilvusConnection:
    """A connection to a Milvus server: a single server, a cluster, or milvus-lite.

    address: scheme, host and port, as messages show it: what a URI holds of a user and a password is never in it.
    A server that stops and comes back is found again by the next call.
    """

    def __init__(self, uri: str, *, token: str = "", timeout: float = 30.0, ca: str = "") -> None:
        """Connect to "http://host:port" or "https://host:port"; a path names a database other than the default one.

        token: "user:password", or an API key; may stand in the URI too. timeout: seconds until a call is given up. ca:
        a PEM file of the authority that signed the server's certificate, where the system does not know it.
        Raises ParameterError for a URI, a timeout or a file that cannot be, StorageError if the server does not answer
        or refuses the token, or if pymilvus is not installed.
        """
        self._host, self._port, self._secure, in_uri, self._database = _parts(uri)
        if not 0 < timeout <= MAX_TIMEOUT:
            raise ParameterError(f"timeout is {timeout!r}; it must be seconds above 0 and up to {MAX_TIMEOUT:g}.")
        self._tls = tls_context(ca) if self._secure else None
        self.timeout = float(timeout)
        self.address = f"{'https' if self._secure else 'http'}://{self._host}:{self._port}"
        self._token, self._ca, self._of_thread = token or in_uri, ca, _OfThread()
        self._client = self._connect()
        weakref.finalize(self, self._client.close)

    def call(self, doing: str, method: str, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - those of MilvusClient
        """Return what a method of pymilvus' MilvusClient returns.

        doing: what is done, for the message of an error, as "searching". timeout: seconds; None, as without it, for
        those of the connection. Raises StorageError, NoAnswer if none comes.
        """
        usual = MAX_TIMEOUT if self._of_thread.patient else self.timeout
        timeout = kwargs["timeout"] = kwargs.get("timeout") or usual
        return self._in_plain_words(doing, timeout, partial(getattr(self._client, method), *args, **kwargs))

    @contextmanager
    def patient(self) -> Iterator[None]:
        """Have this thread's calls wait for a server that works at something else, up to a day.

        A server that merges segments or builds an index lets others wait, for minutes where a collection is large. One
        that is away is not waited for: pymilvus connects again at once, within the timeout of the connection.
        """
        before, self._of_thread.patient = self._of_thread.patient, True
        try:
            yield
        finally:
            self._of_thread.patient = before

    def close(self) -> None:
        """Close the connection; a call after it is an error."""
        self._client.close()

    def _connect(self) -> "MilvusClient":
        """Return a client, after looking whether something answers: pymilvus would try until the time is up."""
        try:
            from pymilvus import MilvusClient
        except ImportError as error:
            raise StorageError(
                f"pymilvus, which speaks to Milvus, is not installed; in a checkout run: {INSTALL}"
            ) from error
        self.knock()
        for name in LOGGERS:  # they print a traceback for each error, which is raised here in plain words
            logging.getLogger(name).setLevel(logging.CRITICAL)
        connect = partial(
            MilvusClient,
            self.address,
            token=self._token,
            db_name=self._database,
            timeout=self.timeout,
            secure=self._secure,
            server_pem_path=self._ca,
            grpc_options=CHANNEL,
            dedicated=True,  # pymilvus would share it with a connection to the same port with other options
        )
        return self._in_plain_words("connecting", self.timeout, connect)

    def knock(self) -> None:
        """Open a connection and close it, with TLS where it is asked for.

        Raises StorageError with the reason, NoAnswer if nothing answers.
        """
        try:
            with socket.create_connection((self._host, self._port), self.timeout) as plain:
                if self._tls:
                    with self._tls.wrap_socket(plain, server_hostname=self._host):
                        pass
        except ssl.SSLCertVerificationError as error:
            raise StorageError(
                f"The certificate of the Milvus server at {self.address} is not trusted ({error.verify_message}); "
                "pass ca, a PEM file of the authority that signed it."
            ) from error
        except ssl.SSLError as error:
            raise StorageError(
                f"The server at {self.address} does not speak TLS as asked ({error.reason}); if it uses none, the "
                "address begins with http://."
            ) from error
        except TimeoutError as error:
            raise NoAnswer(
                f"The Milvus server at {self.address} has not answered within {self.timeout:g} seconds; see whether it "
                "runs and may be reached from here."
            ) from error
        except OSError as error:
            raise NoAnswer(
                f"The Milvus server at {self.address} cannot be reached ({system_reason(error)}); see whether it runs, "
                "and whether the address is right."
            ) from error

    def _in_plain_words(self, doing: str, timeout: float, called: Callable[[], Result]) -> Result:
        """Return what a call returns; raise what pymilvus and gRPC raise as a StorageError.

        It has no cause: a traceback of theirs may show what was sent.
        """
        import grpc
        from pymilvus.exceptions import MilvusException

        try:
            return called()
        except MilvusException as error:
            code, reason = error.code, error.message
            if isinstance(error.__cause__, grpc.RpcError):  # pymilvus calls every failure to connect the same
                code, reason = error.__cause__.code(), error.__cause__.details() or ""
        except grpc.RpcError as error:
            code, reason = error.code(), error.details() or ""
        said = without_secret(words_for(self.address, timeout, doing, code, reason), self._token)
        if code == NOT_LOADED:
            raise NotLoaded(said)
        if is_no_collection(code, reason):
            raise NoCollection(said)
        raise NoAnswer(said) if is_no_answer(code, reason) else StorageError(said)


def tls_context(ca: str = "") -> ssl.SSLContext:
    """Return what TLS is spoken with; ca: see MilvusConnection. Raises ParameterError if it is no such file."""
    try:
        context = ssl.create_default_context(cafile=ca or None)
    except OSError as error:
        raise ParameterError(
            f"{ca} is no PEM file of an authority's certificate that can be read ({system_reason(error)})."
        ) from error
    context.set_alpn_protocols(["h2"])
    return context


def _parts(uri: str) -> tuple[str, int, bool, str, str]:
    """Return host, port, whether TLS is used, token and database of a URI; ParameterError shows none of its content."""
    try:
        parts = urlsplit(uri)
        host, port = parts.hostname, parts.port or DEFAULT_PORT
    except ValueError:
        host, port = None, 0
    if not host or parts.scheme not in ("http", "https"):
        raise ParameterError(
            "The address of a Milvus server is not as wanted: http://host:19530 or https://host:19530."
        )
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    token = f"{user}:{password}" if password else user
    return host, port, parts.scheme == "https", token, parts.path.strip("/")
