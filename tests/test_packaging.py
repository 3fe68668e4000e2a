"""The package as it is installed: its dependencies are those imported and those pinned, and its files come along."""

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from retriever.datasets.samples import PYTHON_DOCS
from retriever.encoders.catalogue import MODELS
from tests.support.paths import ROOT

CONFIG = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = CONFIG["project"]
EXTRAS = PROJECT["optional-dependencies"]
DISTRIBUTIONS = packages_distributions()
OURS = {"retriever", "sandbox", "ui", "app"}
PINNED = {  # what a requirements file pins
    "requirements.txt": [PROJECT["dependencies"], EXTRAS["app"]],
    "tests/requirements.txt": [EXTRAS["test"], EXTRAS["milvus"], EXTRAS["ray"]],
    "benchmarks/requirements.txt": [EXTRAS["bench"]],
}
each_file_of_pins = pytest.mark.parametrize("file", PINNED)


def by_name(lines):
    """Return requirements by the name of their distribution; none may be listed twice."""
    found = [(canonicalize_name(requirement.name), requirement) for requirement in map(Requirement, lines)]
    assert len(dict(found)) == len(found), "something is listed twice"
    return dict(found)


BASE, APP = by_name(PROJECT["dependencies"]), by_name(EXTRAS["app"])
OPTIONAL = by_name([*EXTRAS["milvus"], *EXTRAS["ray"]])  # the library imports them where they are used


def pins(file):
    """Return the versions that a requirements file pins, by distribution."""
    lines = [line.partition("#")[0].strip() for line in (ROOT / file).read_text(encoding="utf-8").splitlines()]
    versions = {}
    for name, requirement in by_name(filter(None, lines)).items():
        [specifier] = requirement.specifier
        assert specifier.operator == "==" and not specifier.version.endswith("*"), f"{requirement} is no pin"
        versions[name] = specifier.version
    return versions


def distribution_of(package):
    """Return the one distribution that brings a package."""
    [distribution] = set(DISTRIBUTIONS.get(package, [f"none that is installed brings {package}"]))
    return canonicalize_name(distribution)


def imports(*places, parts=ast.walk):
    """Return the distributions of all that these files and folders import, functions included, with a place of each.

    parts: returns the nodes of a file that are looked at.
    """
    found = {}
    for place in map(ROOT.joinpath, places):
        for path in [place] if place.is_file() else sorted(place.rglob("*.py")):
            for node in parts(ast.parse(path.read_text(encoding="utf-8"))):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                names += [node.module] if isinstance(node, ast.ImportFrom) else []
                for top in {name.partition(".")[0] for name in names} - OURS - sys.stdlib_module_names:
                    found[distribution_of(top)] = f"{path.relative_to(ROOT)}:{node.lineno}"
    return found


@each_file_of_pins
def test_every_pin_is_within_a_range_of_the_project(file):
    ranges = {name: requirement for lines in PINNED[file] for name, requirement in by_name(lines).items()}
    for name, version in pins(file).items():
        assert name in ranges, f"{name} is pinned, and no dependency"
        assert ranges[name].specifier.contains(version, prereleases=True), f"{name} {version}: not {ranges[name]}"


@each_file_of_pins
def test_every_dependency_is_pinned(file):
    assert not {name for lines in PINNED[file] for name in by_name(lines)} - set(pins(file))


def test_nothing_is_both_a_dependency_and_an_extra():
    names = [name for lines in (PROJECT["dependencies"], *EXTRAS.values()) for name in by_name(lines)]
    assert len(set(names)) == len(names)


def test_every_dependency_has_both_bounds():
    for lines in (PROJECT["dependencies"], *EXTRAS.values()):
        for requirement in by_name(lines).values():
            assert sorted(part.operator for part in requirement.specifier) in (["<", ">="], ["=="]), str(requirement)


def test_what_the_library_imports_are_its_dependencies():
    missing = {name: place for name, place in imports("retriever").items() if name not in BASE | OPTIONAL}
    assert not missing


def test_what_an_extra_brings_is_imported_only_where_it_is_used():
    everywhere, at_once = imports("retriever"), imports("retriever", parts=ast.iter_child_nodes)
    assert set(OPTIONAL) & set(everywhere) >= {"pymilvus", "grpcio"}
    assert not set(OPTIONAL) & set(at_once)


def test_what_the_app_imports_are_dependencies_or_the_extra():
    missing = {name: place for name, place in imports("ui", "sandbox", "app.py").items() if name not in BASE | APP}
    assert not missing


def test_every_packaged_model_is_a_dependency():
    packaged = {distribution_of(card.package) for card in MODELS.values() if card.packaged}
    assert packaged
    for name in packaged:
        assert [part.operator for part in BASE[name].specifier] == ["=="]  # whose weights have a known SHA-256


def test_what_the_python_docs_are_read_from_comes_with_the_app():
    documented = {package for packages in PYTHON_DOCS.values() for package in packages} - {"python"}
    assert {distribution_of(package) for package in documented} <= set(BASE | APP)


def test_every_dependency_is_used():
    models = {card.package for card in MODELS.values() if card.packaged}
    documented = {package for packages in PYTHON_DOCS.values() for package in packages} - {"python"}
    by_the_library = imports("retriever").keys() | {distribution_of(package) for package in models}
    by_the_app = imports("ui", "sandbox", "app.py").keys() | {distribution_of(package) for package in documented}
    assert not set(BASE) - by_the_library
    assert not set(APP) - by_the_app


def test_this_python_is_one_of_those_that_the_project_names():
    this = "{}.{}".format(*sys.version_info)
    assert SpecifierSet(PROJECT["requires-python"]).contains(this)
    named = [name.rpartition(" ")[2] for name in PROJECT["classifiers"] if re.search(r"Python :: 3\.\d+$", name)]
    assert this in named
    assert all(SpecifierSet(PROJECT["requires-python"]).contains(version) for version in named)


def test_the_newest_version_of_the_changelog_is_the_projects():
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.search(r"^## \[(.+)\] - \d{4}-\d\d-\d\d$", changelog, re.MULTILINE)
    assert newest[1] == PROJECT["version"]


def test_the_citation_names_the_project_version_and_licence():
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    values = dict(re.findall(r"^([\w-]+): \"?([^\"\n]+)\"?$", text, re.MULTILINE))
    assert values["version"] == PROJECT["version"]
    assert values["license"] == PROJECT["license"]


def test_the_types_of_the_package_are_for_its_users():
    assert (ROOT / "retriever" / "py.typed").read_bytes() == b""


def test_an_installed_library_finds_the_samples(tmp_path):
    """Lay the files out as the wheel does, away from the checkout."""
    wheel = CONFIG["tool"]["hatch"]["build"]["targets"]["wheel"]
    for package in wheel["packages"]:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    for source, target in wheel["force-include"].items():
        shutil.copytree(ROOT / source, tmp_path / target)
    script = (
        "from retriever import load_sample; from retriever.datasets import samples; print(samples.SAMPLE_FOLDER);"
        "print(len(load_sample('documents').queries), len(load_sample('everyday_science').queries))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    folder, counts = done.stdout.splitlines()
    assert folder == str(tmp_path.resolve() / "retriever" / "datasets" / "sample_files")
    assert counts == "24 176"


def test_what_builds_the_package_is_within_one_major_version():
    [requirement] = map(Requirement, CONFIG["build-system"]["requires"])
    assert sorted(part.operator for part in requirement.specifier) == ["<", ">="]
