"""The packages whose docstrings are read: their source files, their versions, and which of their names are public."""

import importlib.metadata
import importlib.util
import os
import platform
import re
import sysconfig
from collections.abc import Sequence
from pathlib import Path

from retriever.errors import CollectionError

DOCUMENTED_PACKAGES: tuple[str, ...] = ("python", "numpy", "scipy", "pandas", "sklearn", "networkx")
MORE_DOCUMENTED_PACKAGES: tuple[str, ...] = (*DOCUMENTED_PACKAGES, "sympy", "torch", "transformers", "plotly")

_DISTRIBUTIONS = {"sklearn": "scikit-learn"}
# Folders and files that are never opened: tests, vendored code, demos, and modules removed by Python 3.13.
_SKIPPED = frozenset(
    "__main__ __pycache__ _vendored antigravity array_api_compat benchmarks conftest distutils encodings ensurepip"
    " externals f2py idlelib lib-dynload lib2to3 pydoc_data sandbox site-packages src test tests this turtledemo aifc"
    " asynchat asyncore audioop cgi cgitb chunk crypt imghdr imp mailcap msilib nis nntplib pipes smtpd sndhdr"
    " sre_compile sre_constants sre_parse sunau telnetlib tix uu xdrlib".split()
)
# Public by their names, private by their packages' own documentation: opened only when an export leads there. Of
# Plotly's generated classes those inside others are left out: hundreds each of Font, ColorBar and the like.
_HIDDEN = re.compile(
    r"(posixpath|ntpath|nturl2path|genericpath|opcode|numpy\.core|scipy\.(misc|odr|stats\.\w+_gen)|sklearn\.experimental"
    r"|pandas\.(core|compat|util|io(?!\.formats\.style\b)|plotting\.PlotAccessor|test)"
    r"|sympy\.(testing|utilities\.runtests|assumptions\.handlers)|torch\.(contrib|testing|fx\.(experimental|passes)|ao\.ns)"
    r"|transformers\.(cli|testing_utils|models\.\w+\.\w+)"
    r"|plotly\.(graph_objs|matplotlylib|graph_objects\.((?!layout\b)[a-z]\w*|layout\.[a-z]\w*)))(\.|$)"
)


def source_files(package: str) -> dict[str, Path]:
    """Return a package's source files by module name, without opening any; raise CollectionError if not installed."""
    if package == "python":
        root = Path(sysconfig.get_path("stdlib"))
    else:
        spec = importlib.util.find_spec(package)  # of a top-level name: this imports nothing
        if spec is None or spec.origin is None:
            raise _missing_package(package)
        root = Path(spec.origin).parent
    found: dict[str, Path] = {}
    for folder, subfolders, names in os.walk(root):
        parts = (*([package] if package != "python" else []), *Path(folder).relative_to(root).parts)
        subfolders[:] = sorted(name for name in subfolders if name not in _SKIPPED and name.isidentifier())
        for stem in sorted(name[:-3] for name in names if name.endswith(".py") and name[:-3] not in _SKIPPED):
            found[".".join(parts if stem == "__init__" else (*parts, stem))] = Path(folder, f"{stem}.py")
    return found


def package_versions(packages: Sequence[str] = DOCUMENTED_PACKAGES) -> dict[str, str]:
    """Return the versions of packages, by which a collection read from them is cached.

    Raises CollectionError if one is not installed.
    """
    versions = {}
    for package in packages:
        try:
            distribution = _DISTRIBUTIONS.get(package, package)
            versions[package] = (
                platform.python_version() if package == "python" else importlib.metadata.version(distribution)
            )
        except importlib.metadata.PackageNotFoundError as error:
            raise _missing_package(package) from error
    return versions


def is_public(name: str) -> bool:
    """Return whether a name is public, both by its spelling and by its package's own documentation."""
    return not _HIDDEN.match(name) and not name.startswith("_") and "._" not in name


def _missing_package(package: str) -> CollectionError:
    return CollectionError(
        f"Python docs: {package} is not installed, and its documentation is part of the collection; "
        "install requirements.txt."
    )
