"""Fetching of a model from the Hugging Face Hub into its local cache: watched, stopped, and checked file by file."""

import threading
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from huggingface_hub.hf_api import RepoSibling

from retriever.encoders.catalogue import ModelCard
from retriever.encoders.hub.cache import HUB_FILES, MODULES, delete_cached, hash_differs, is_wanted
from retriever.encoders.hub.errors import DamagedFileError, fetch_error
from retriever.encoders.model_files import WEIGHTS, check_no_code, check_room, check_weights
from retriever.progress import DETAIL, Progress

STAGE = "fetching the model"
HUB_TIMEOUT = 10  # seconds to wait for the Hub's first answer, and for its last, once all files have come
POLL_SECONDS = 0.2  # seconds between two reports
SILENT_SECONDS = 100  # without a byte, after which the Hub is given up; its client itself tries again for about 70
CHUNK_BYTES = 2**20  # read at a time: the client's own 10 MB are half a minute of a slow line


def fetch_model(card: ModelCard, progress: Progress | None = None) -> Path:
    """Return the folder, named by its commit, of a model that is fetched from the Hub now, but for files it has.

    progress: called some times a second with the stage, in which the megabytes that have come follow a colon, and the
    fraction; an exception it raises ends the fetch. Callers who want the same model share one fetch. Raises ModelError
    if the model is refused or cannot be fetched; files that came whole stay in the cache, of others nothing does.
    """
    while True:
        fetch = _join(card)
        try:
            fetch.watch(progress)
        finally:
            with _GUARD:
                fetch.watchers -= 1
        if isinstance(fetch.error, _NobodyWatchesError):  # the last watcher had left just when this one came
            continue
        if fetch.error is not None:
            raise fetch_error(card, fetch.error, fetch.kept) from fetch.error
        assert fetch.folder is not None  # it has ended well
        return fetch.folder


class _NobodyWatchesError(Exception):
    """Error raised in a fetch that nobody watches any more."""


class _Fetch:
    """The fetch of a model in a thread of its own, which ends when nobody watches it.

    A thread, because the Hub's client cannot be stopped while it waits for the Hub. folder: of the model, once all its
    files have come. files: how many these are; whole: how many of them have come. done, total: bytes.
    """

    def __init__(self, card: ModelCard) -> None:
        """Prepare the fetch."""
        self.card, self.watchers = card, 1
        self.files = self.whole = self.done = self.total = 0
        self.folder: Path | None = None
        self.error: Exception | None = None
        self._heard, self._ended = time.monotonic(), threading.Event()

    def start(self) -> None:
        """Start to fetch."""
        threading.Thread(target=self._run, name="fetch", daemon=True).start()

    @property
    def over(self) -> bool:
        """Whether the fetch has ended, or the Hub has been silent for too long."""
        return self._ended.is_set() or self._silence > SILENT_SECONDS

    @property
    def kept(self) -> str:
        """What of the model is in the cache, in words."""
        if not self.whole:
            return "Nothing of it was kept."
        return (
            f"{self.whole} of its {self.files} files have come whole and are kept; the next attempt fetches the rest."
        )

    @property
    def _silence(self) -> float:
        """Seconds since something came."""
        return time.monotonic() - self._heard

    def watch(self, progress: Progress | None) -> None:
        """Wait for the end and report the progress. Raises ModelError if the Hub is silent for too long."""
        while not self._ended.wait(POLL_SECONDS):
            if progress:
                progress(f"{STAGE}{DETAIL}{_megabytes(self.done, self.total)}", self.done / max(self.total, 1))
            if self.folder and self._silence > HUB_TIMEOUT:
                return
            if self.over and not self._ended.is_set():
                silent = TimeoutError(f"nothing has come for {SILENT_SECONDS} seconds")
                raise fetch_error(self.card, silent, self.kept)

    def receive(self, n_bytes: float | None) -> None:
        """Count bytes that came; a negative number takes them back. Raises an error if nobody watches any more."""
        self.done += int(n_bytes or 0)
        self._heard = time.monotonic()
        if not self.watchers:
            raise _NobodyWatchesError

    def _run(self) -> None:
        try:
            self._fetch_files()
        except Exception as error:  # the Hub's client raises many types
            self.error = error
        finally:
            self._ended.set()

    def _fetch_files(self) -> None:
        from huggingface_hub import HfApi, constants, try_to_load_from_cache

        _configure_client()
        hub_id, revision = self.card.hub_id, self.card.revision or None
        info = HfApi().model_info(hub_id, revision=revision, files_metadata=True, timeout=HUB_TIMEOUT)
        assert info.sha is not None  # of a model that exists
        files = {file.rfilename: file for file in info.siblings or ()}
        check_weights(self.card.name, files)
        wanted = [file for name, file in files.items() if is_wanted(name)]
        wanted.sort(key=lambda file: (file.rfilename == MODULES, file.rfilename.endswith(WEIGHTS), file.size or 0))
        here = {
            file.rfilename: isinstance(try_to_load_from_cache(hub_id, file.rfilename, revision=info.sha), str)
            for file in wanted
        }
        self.files, self.total = len(wanted), sum(file.size or 0 for file in wanted if not here[file.rfilename])
        check_room(self.card.name, self.total, Path(constants.HF_HUB_CACHE))
        folder = Path()
        for file in wanted:  # settings, then weights, at last what tells that all of it has come
            if file.rfilename.endswith(WEIGHTS):
                check_no_code(self.card.name, folder)
            folder = self._fetch_file(file, info.sha)
        self._keep_listing(wanted[-1].rfilename, info.sha)
        self.folder = folder

    def _fetch_file(self, file: "RepoSibling", commit: str) -> Path:
        """Fetch a file into the cache unless it is there; return the folder of the model.

        Raises DamagedFileError if its content has another hash than the Hub says; then it is deleted.
        """
        from huggingface_hub import hf_hub_download

        self.receive(0)
        bar: Any = partial(_Bar, self)
        path = Path(hf_hub_download(self.card.hub_id, file.rfilename, revision=commit, tqdm_class=bar))
        expected = file.lfs.sha256 if file.lfs else file.blob_id
        if expected and hash_differs(path, expected):
            delete_cached(path)
            raise DamagedFileError(f"{file.rfilename} is not the file that the Hub describes")
        self.whole += 1
        return path.parents[file.rfilename.count("/")]

    def _keep_listing(self, name: str, commit: str) -> None:
        """Store in the cache which commit a branch is at, and the listing of its files; do without if that fails."""
        from huggingface_hub import hf_hub_download, snapshot_download
        from huggingface_hub.utils.tqdm import tqdm

        quiet: Any = partial(tqdm, disable=True)
        with suppress(Exception):  # of many types; the model is whole, and is loaded now
            hf_hub_download(self.card.hub_id, name, revision=self.card.revision or None)
            snapshot_download(self.card.hub_id, revision=commit, allow_patterns=HUB_FILES, tqdm_class=quiet)


class _Bar:
    """What the Hub's client takes for a progress bar: it tells a fetch of the bytes of one file."""

    def __init__(self, fetch: _Fetch, **options: object) -> None:
        """Keep the fetch; the options say how a bar would look."""
        self._fetch = fetch

    def __enter__(self) -> Self:
        """Return the bar."""
        return self

    def __exit__(self, *error: object) -> None:
        """Do nothing."""

    def update(self, n: float | None = 1) -> None:
        """Count bytes. Raises an error that ends the fetch if nobody watches it."""
        self._fetch.receive(n)


def _join(card: ModelCard) -> _Fetch:
    """Return the fetch of a model that is under way, or a new one, with one more watcher."""
    with _GUARD:
        fetch = _FETCHES.get((card.hub_id, card.revision))
        if fetch is not None and not fetch.over:
            fetch.watchers += 1
            return fetch
        fetch = _FETCHES[card.hub_id, card.revision] = _Fetch(card)
        fetch.start()
    return fetch


def _configure_client() -> None:
    """Let the Hub's client fetch over plain HTTP, in small steps.

    Its other protocol, Xet, reports from threads of its own, which nothing that is raised in a report can stop.
    """
    from huggingface_hub import constants

    constants.HF_HUB_DISABLE_XET = True
    constants.DOWNLOAD_CHUNK_SIZE = CHUNK_BYTES


def _megabytes(done: int, total: int) -> str:
    """Return how much of how much has come, in megabytes, with a decimal if it is little."""
    if not total:
        return "asking the Hub for its files"
    digits = 0 if total >= 10e6 else 1
    return f"{done / 1e6:.{digits}f} of {total / 1e6:.{digits}f} MB"


_FETCHES: dict[tuple[str, str], _Fetch] = {}  # by the model's name on the Hub, and revision
_GUARD = threading.Lock()  # guards _FETCHES, and the watchers of each
