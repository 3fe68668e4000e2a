"""A small hub on the loopback address: the part of the Hugging Face Hub's HTTP interface that its client uses.

Large files lie on a second server, to which the first one sends a client, as the Hub does with its storage.
"""

import hashlib
import json
import re
import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

LARGE = 10_000  # bytes from which a file is one of Git LFS
PIECE = 64 * 1024  # bytes sent at a time


@dataclass
class Fault:
    """What goes wrong with requests whose path matches.

    status, headers: of an answer in place of the right one. cut: bytes of the content after which the connection is
    lost. pause: seconds before each piece of the content. times: how often it happens.
    """

    pattern: str
    status: int = 0
    headers: dict = field(default_factory=dict)
    cut: int | None = None
    pause: float = 0.0
    times: int = 10**9


@dataclass(frozen=True)
class Commit:
    """The files of a repository at a commit, by path."""

    files: dict
    sha: str


class SmallHub:
    """The repositories and what goes wrong with them. requests: (method, path, Range) of all that came."""

    def __init__(self):
        """Start empty."""
        self.repositories, self.spoilt, self.faults, self.requests = {}, {}, [], []
        self.address = self.storage = ""

    def put(self, hub_id, source, sha=""):
        """Add a commit with files (path -> bytes, or a folder), which becomes the newest; return its hash.

        sha: that hash, made up unless it is given.
        """
        if isinstance(source, Path):
            source = {str(path.relative_to(source)): path.read_bytes() for path in source.rglob("*") if path.is_file()}
        known = self.repositories.setdefault(hub_id, {})
        sha = sha or hashlib.sha1(f"{hub_id} {len(known)}".encode()).hexdigest()
        known[sha] = Commit(source, sha)
        known["main"] = known[sha]
        return sha

    def fail(self, pattern, status=0, **fault):
        """Have requests whose path matches a pattern fail from now on."""
        self.faults.append(Fault(pattern, status, **fault))

    def heal(self):
        """Let nothing fail any more."""
        self.faults.clear()
        self.spoilt.clear()

    def spoil(self, path, content):
        """Send other bytes for a file than those that the hub describes."""
        self.spoilt[path] = content

    def fetched(self, name):
        """Return how often the content of a file was asked for."""
        return sum(method == "GET" and path.endswith(name) for method, path, _ in self.requests)

    def fault_of(self, path):
        """Return what goes wrong with a request, or None."""
        for fault in self.faults:
            if fault.times > 0 and re.search(fault.pattern, path):
                fault.times -= 1
                return fault
        return None


@contextmanager
def small_hub():
    """Serve a small hub, and yield it."""
    hub = SmallHub()
    with ExitStack() as stack:
        for name in ("storage", "address"):
            server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": hub}))
            server.daemon_threads = True
            stack.callback(server.server_close)
            stack.callback(server.shutdown)
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
            setattr(hub, name, f"http://127.0.0.1:{server.server_port}")
        yield hub


class _Handler(BaseHTTPRequestHandler):
    hub: SmallHub

    def log_message(self, *words):
        """Say nothing."""

    def do_HEAD(self):
        self._answer()

    def do_GET(self):
        self._answer()

    def _answer(self):
        path = self.path.partition("?")[0]
        self.hub.requests.append((self.command, path, self.headers.get("Range")))
        fault = self.hub.fault_of(path)
        if fault and fault.status:
            self._send(fault.status, b'{"error": "a fault of the test"}', fault.headers)
        elif found := re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/revision/([^/]+))?", path):
            self._describe(*found.groups())
        elif found := re.fullmatch(r"/api/models/([^/]+/[^/]+)/tree/([^/]+)", path):
            self._list(*found.groups())
        elif found := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            self._resolve(*found.groups(), fault)
        elif found := re.fullmatch(r"/stored/([^/]+/[^/]+)/([^/]+)/(.+)", path):
            self._send_content(*found.groups(), fault)
        else:
            self._send(404, b"{}")

    def _commit(self, hub_id, revision):
        """Return a commit, or None after an answer that there is none."""
        known = self.hub.repositories.get(hub_id)
        commit = known and known.get(revision or "main")
        if commit is None:
            self._send(404, b"{}", {"X-Error-Code": "RevisionNotFound" if known else "RepoNotFound"})
        return commit

    def _describe(self, hub_id, revision):
        if commit := self._commit(hub_id, revision):
            files = [_described(path, content) for path, content in commit.files.items()]
            siblings = [
                {
                    "rfilename": file["path"],
                    "size": file["size"],
                    "blobId": file["oid"],
                    **(
                        {"lfs": {"sha256": file["lfs"]["oid"], "size": file["size"], "pointerSize": 134}}
                        if "lfs" in file
                        else {}
                    ),
                }
                for file in files
            ]
            self._send_json({"id": hub_id, "sha": commit.sha, "siblings": siblings})

    def _list(self, hub_id, revision):
        if commit := self._commit(hub_id, revision):
            self._send_json([{"type": "file"} | _described(path, content) for path, content in commit.files.items()])

    def _resolve(self, hub_id, revision, path, fault):
        commit = self._commit(hub_id, revision)
        if commit is None:
            return
        headers = {"X-Repo-Commit": commit.sha}
        if path not in commit.files:
            self._send(404, b"", headers | {"X-Error-Code": "EntryNotFound"})
        elif "lfs" in (file := _described(path, commit.files[path])):
            headers |= {
                "Location": f"{self.hub.storage}/stored/{hub_id}/{commit.sha}/{path}",
                "X-Linked-Etag": f'"{file["lfs"]["oid"]}"',
                "X-Linked-Size": str(file["size"]),
            }
            self._send(302, b"", headers)
        else:
            self._send_content(hub_id, revision, path, fault, headers | {"ETag": f'"{file["oid"]}"'})

    def _send_content(self, hub_id, revision, path, fault, headers=None):
        content = self.hub.spoilt.get(path, self.hub.repositories[hub_id][revision].files[path])
        start, status, headers = 0, 200, dict(headers or {})
        if span := re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", "")):
            start, status = int(span[1]), 206
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        self._send(status, content[start:], headers, fault)

    def _send_json(self, value):
        self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _send(self, status, content, headers=None, fault=None):
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(content))} | (headers or {})).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        end = len(content) if fault is None or fault.cut is None else min(fault.cut, len(content))
        try:
            for begin in range(0, end, PIECE):
                if fault:
                    time.sleep(fault.pause)
                self.wfile.write(content[begin : min(begin + PIECE, end)])
        except OSError:  # who asked has gone
            self.close_connection = True


def _described(path, content):
    """Return what the hub says of a file: its size and the hash of git, of a large one its SHA-256 too."""
    file = {"path": path, "size": len(content), "oid": _git_hash(content)}
    if len(content) >= LARGE:
        pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{hashlib.sha256(content).hexdigest()}\n"
        file["oid"] = _git_hash(pointer.encode())
        file["lfs"] = {"oid": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 134}
    return file


def _git_hash(content):
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


@contextmanager
def client_of(hub, cache, monkeypatch):
    """Have the Hub's client, which reads its settings once, take a small hub for the Hub, and a folder as its cache."""
    from huggingface_hub import constants
    from huggingface_hub.utils import close_session

    template = hub.address + "/{repo_id}/resolve/{revision}/{filename}"
    changed = {"ENDPOINT": hub.address, "HUGGINGFACE_CO_URL_TEMPLATE": template, "HF_HUB_CACHE": str(cache)}
    with monkeypatch.context() as patch:
        for name, value in (changed | {"HF_HUB_OFFLINE": False}).items():
            patch.setattr(constants, name, value)
        yield
    close_session()
