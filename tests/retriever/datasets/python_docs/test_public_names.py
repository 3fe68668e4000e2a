"""Public names of definitions, in small packages written by the tests."""

import gc
from contextlib import suppress

import pytest

from retriever.datasets.python_docs.modules import read_compiled_docs, read_module
from retriever.datasets.python_docs.public_names import PublicNames

CODE = 'def work():\n    """Work."""\n'


def public(name):
    return not any(part.startswith("_") for part in name.split("."))


@pytest.fixture
def package(tmp_path):
    """Return a function that writes a package and returns its public names, and a list of the files opened."""

    def write(**sources):
        opened, files = [], {}
        for stem, text in sources.items():
            files["pack" if stem == "init" else f"pack.{stem}"] = path = (
                tmp_path / f"{stem.replace('init', '__init__')}.py"
            )
            path.write_text(text, encoding="utf-8")
        return PublicNames(files, lambda: opened.append(1)), opened

    return write


@pytest.fixture
def names_of(package):
    """Return a function that writes a package and returns its public names by module and name of the definition."""

    def names_of(**sources):
        found = package(**sources)[0].public_definitions(public)
        return {(definition.module, definition.name): name for definition, name in found.items()}

    return names_of


@pytest.mark.parametrize(
    "text",
    [
        "from ._inner import work",
        "from ._inner import *",
        "from ._inner import work as toil\n__all__ = ['work']\nwork = toil",
        "import pack._inner\nwork = pack._inner.work",
        "from pack import _inner\nwork = _inner.work",
        "try:\n    from ._compiled import work\nexcept ImportError:\n    from ._inner import work",
        "__all__, __getattr__, __dir__ = attach(__name__, ['.work'])\n__all__.append('b')\nfrom ._inner import work",
        "from ._second import *",  # which imports it from a third module
        "def __getattr__(name):\n    from ._inner import work as found\n    return found\n__all__ = ['work']",
        "from ._inner import work\na = work",  # of two names as short, the one it was defined by wins
        "from ._second import *\nfrom ._wrong import *",  # whose __all__ says that it brings another
    ],
)
def test_every_way_to_export_is_followed(names_of, text):
    wrong = "def work():\n    '''Not for all.'''\n__all__ = ['other']\n"
    names = names_of(init=text, _inner=CODE, _second="from ._inner import *", _wrong=wrong)
    assert names["pack._inner", "work"] == "pack.work"


def test_what_is_not_exported_has_no_public_name(names_of):
    assert names_of(init="from . import _inner", _inner=CODE) == {}
    names = names_of(tools="__all__ = ['work']\n" + CODE + "def helper():\n    '''Help.'''\n", init="")
    assert names == {("pack.tools", "work"): "pack.tools.work"}


def test_instance_and_bound_method_lead_to_the_class(names_of):
    maker = "class Maker:\n    def make(self):\n        '''Make.'''\n_maker = Maker()\nmake = _maker.make\n"
    assert names_of(init="from ._maker import make", _maker=maker) == {("pack._maker", "make"): "pack.make"}


def test_circular_imports_end(names_of):
    names = names_of(
        init="from . import one, two\nfrom .one import *\nimport pack as again",
        one="from .two import *\nfrom .two import nothing\n" + CODE,
        two="from .one import *\nfrom .one import nothing\nimport pack\n",
    )
    assert names["pack.one", "work"] == "pack.work"


def test_public_class_shows_the_methods_of_its_private_bases_and_each_file_is_opened_once(package):
    names, opened = package(
        init="from ._inner import Shown, Open",
        _inner="class _Hidden:\n    def inherited(self):\n        '''In.'''\n    def own(self):\n        '''Base.'''\n"
        "class Open:\n    def elsewhere(self):\n        '''Out.'''\n"
        "class Shown(_Hidden[int], Open, Unknown):\n    def own(self):\n        '''Own.'''\n",
    )
    members = names.members(names.find("pack", "Shown"), names.public_definitions(public))
    assert {name: member.doc for name, member in members.items()} == {"inherited": "In.", "own": "Own."}
    assert len(opened) == 2


# --- single files


def test_module_keeps_kinds_and_drops_what_is_deprecated(tmp_path):
    path = tmp_path / "code.py"
    path.write_text(
        '"""\\d"""\nif True:\n    class Thing:\n        """A thing."""\n'
        "        @property\n        def size(self):\n            '''Size.'''\n"
        "        @size.setter\n        def size(self, value):\n            '''Set.'''\n"
        "        async def run(self):\n            '''Run.'''\n"
        "@deprecated('use Thing')\ndef old():\n    '''Old.'''\n"
        "fft = _add_docstr(_fft.fft_fft, 'Transform ' + 'it.')\nother = made()\n",
        encoding="utf-8",
    )
    found = read_module(path, "code").definitions
    assert {name: (made.kind, made.doc) for name, made in found.items()} == {
        "Thing": ("class", "A thing."),
        "old": ("function", ""),
        "fft": ("function", "Transform it."),  # a function that is given its docs
    }
    assert {name: (member.kind, member.doc) for name, member in found["Thing"].members.items()} == {
        "size": ("property", "Size."),
        "run": ("method", "Run."),
    }


def test_docs_of_compiled_code_are_read_as_pytorch_writes_them(tmp_path):
    path = tmp_path / "_torch_docs.py"
    path.write_text(
        "add_docstr(torch.abs, 'Take ' 'it.')\n"
        "add_docstr(torch.add, 'add()' + r' Sum' + ' it, {out}.'.format(**common))\n"
        "add_docstr(torch.Generator.seed, 'Seed it.')\n"
        "add_docstr_all('view', 'View it.')\n"
        "print('nothing')\n",
        encoding="utf-8",
    )
    found = read_compiled_docs(path, "torch")
    docs = {name: made.doc for name, made in found["torch"].items()}
    assert docs == {"abs": "Take it.", "add": "add() Sum it, {out}.", "Generator": ""}
    generator, tensor = found["torch"]["Generator"], found["torch._tensor"]["Tensor"]
    assert (generator.kind, generator.members["seed"].doc) == ("class", "Seed it.")
    assert (tensor.kind, tensor.members["view"].doc) == ("class", "View it.")


@pytest.mark.parametrize("text", [CODE, "no Python"])
@pytest.mark.parametrize("collecting", [False, True])
def test_the_garbage_collector_is_restored_after_a_file(tmp_path, text, collecting):
    (tmp_path / "code.py").write_text(text, encoding="utf-8")
    (gc.enable if collecting else gc.disable)()
    try:
        with suppress(SyntaxError):
            read_module(tmp_path / "code.py", "code")
        assert gc.isenabled() is collecting
    finally:
        gc.enable()
