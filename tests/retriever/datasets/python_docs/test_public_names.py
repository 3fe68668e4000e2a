"""Public names of definitions, in small packages written by the tests."""

import gc

import pytest

from retriever.datasets.python_docs.modules import read_compiled_docs, read_module
from retriever.datasets.python_docs.public_names import PublicNames


def public(name):
    return not any(part.startswith("_") for part in name.split("."))


@pytest.fixture
def names_of(tmp_path):
    """Return a function that writes a package and returns its public names by module and name of the definition."""

    def write(**sources):
        files = {}
        for stem, text in sources.items():
            path = tmp_path / f"{stem}.py"
            path.write_text(text, encoding="utf-8")
            files["pack" if stem == "__init__" else f"pack.{stem.replace('__', '.')}"] = path
        found = PublicNames(files, lambda: None).public_definitions(public)
        return {(definition.module, definition.name): name for definition, name in found.items()}

    return write


CODE = 'def work():\n    """Work."""\n'


def test_reexported_definition_has_its_short_name(names_of):
    names = names_of(__init__="from ._inner import work", _inner=CODE)
    assert names == {("pack._inner", "work"): "pack.work"}


def test_private_definition_without_export_has_no_public_name(names_of):
    assert names_of(__init__="from . import _inner", _inner=CODE) == {}


@pytest.mark.parametrize(
    "text",
    [
        "from ._inner import *",
        "from ._inner import work as toil\n__all__ = ['work']\nwork = toil",
        "import pack._inner\nwork = pack._inner.work",
        "from pack import _inner\nwork = _inner.work",
        "try:\n    from ._compiled import work\nexcept ImportError:\n    from ._inner import work",
        "__all__, __getattr__, __dir__ = attach(__name__, ['.work'])\n__all__.append('b')\nfrom ._inner import work",
        "from ._second import *",  # which imports it from a third module
        "def __getattr__(name):\n    from ._inner import work as found\n    return found\n__all__ = ['work']",
    ],
)
def test_every_way_to_export_is_followed(names_of, text):
    names = names_of(__init__=text, _inner=CODE, _second="from ._inner import *")
    assert names["pack._inner", "work"] == "pack.work"


def test_all_decides_what_a_module_exports(names_of):
    names = names_of(tools="__all__ = ['work']\n" + CODE + "def helper():\n    '''Help.'''\n", __init__="")
    assert names == {("pack.tools", "work"): "pack.tools.work"}


def test_all_decides_what_a_star_brings(names_of):
    names = names_of(
        __init__="from ._right import *\nfrom ._wrong import *",
        _right=CODE,
        _wrong="def work():\n    '''Not for all.'''\n__all__ = ['other']\n",
    )
    assert names["pack._right", "work"] == "pack.work"


def test_of_two_names_as_short_the_one_it_was_defined_by_wins(names_of):
    names = names_of(__init__="from ._inner import work\na = work", _inner=CODE)
    assert names == {("pack._inner", "work"): "pack.work"}


def test_instance_and_bound_method_lead_to_the_class(names_of):
    maker = "class Maker:\n    def make(self):\n        '''Make.'''\n_maker = Maker()\nmake = _maker.make\n"
    names = names_of(__init__="from ._maker import make", _maker=maker)
    assert names == {("pack._maker", "make"): "pack.make"}


def test_circular_imports_end(names_of):
    names = names_of(
        __init__="from . import one, two\nfrom .one import *\nimport pack as again",
        one="from .two import *\nfrom .two import nothing\n" + CODE,
        two="from .one import *\nfrom .one import nothing\nimport pack\n",
    )
    assert names["pack.one", "work"] == "pack.work"


def test_public_class_shows_the_methods_of_its_private_bases(names_of, tmp_path):
    files = {"pack": tmp_path / "__init__.py", "pack._inner": tmp_path / "_inner.py"}
    files["pack"].write_text("from ._inner import Shown, Open", encoding="utf-8")
    files["pack._inner"].write_text(
        "class _Hidden:\n    def inherited(self):\n        '''In.'''\n    def own(self):\n        '''Base.'''\n"
        "class Open:\n    def elsewhere(self):\n        '''Out.'''\n"
        "class Shown(_Hidden[int], Open, Unknown):\n    def own(self):\n        '''Own.'''\n",
        encoding="utf-8",
    )
    names = PublicNames(files, lambda: None)
    shown = names.find("pack", "Shown")
    members = names.members(shown, names.public_definitions(public))
    assert {name: member.doc for name, member in members.items()} == {"inherited": "In.", "own": "Own."}


def test_each_file_is_opened_once(tmp_path):
    path = tmp_path / "__init__.py"
    path.write_text(CODE, encoding="utf-8")
    opened = []
    names = PublicNames({"pack": path}, lambda: opened.append(1))
    names.public_definitions(public)
    names.public_definitions(public)
    assert opened == [1]


def test_module_keeps_kinds_and_drops_what_is_deprecated(tmp_path):
    path = tmp_path / "code.py"
    path.write_text(
        '"""\\d"""\nif True:\n    class Thing:\n        """A thing."""\n'
        "        @property\n        def size(self):\n            '''Size.'''\n"
        "        @size.setter\n        def size(self, value):\n            '''Set.'''\n"
        "        async def run(self):\n            '''Run.'''\n"
        "@deprecated('use Thing')\ndef old():\n    '''Old.'''\n",
        encoding="utf-8",
    )
    module = read_module(path, "code")
    thing = module.definitions["Thing"]
    assert (thing.kind, thing.doc) == ("class", "A thing.")
    assert {name: (member.kind, member.doc) for name, member in thing.members.items()} == {
        "size": ("property", "Size."),
        "run": ("method", "Run."),
    }
    assert module.definitions["old"].doc == ""


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
    assert {name: made.doc for name, made in found["torch"].items()} == {
        "abs": "Take it.",
        "add": "add() Sum it, {out}.",
        "Generator": "",
    }
    generator, tensor = found["torch"]["Generator"], found["torch._tensor"]["Tensor"]
    assert (generator.kind, generator.members["seed"].doc) == ("class", "Seed it.")
    assert (tensor.kind, tensor.members["view"].doc) == ("class", "View it.")


def test_a_function_that_is_given_its_docs_is_a_definition(tmp_path):
    path = tmp_path / "code.py"
    path.write_text("fft = _add_docstr(_fft.fft_fft, 'Transform ' + 'it.')\nother = made()\n", encoding="utf-8")
    definitions = read_module(path, "code").definitions
    assert {name: (made.kind, made.doc) for name, made in definitions.items()} == {"fft": ("function", "Transform it.")}


@pytest.mark.parametrize("text", [CODE, "no Python"])
def test_the_garbage_collector_is_restored_after_a_file(tmp_path, text):
    path = tmp_path / "code.py"
    path.write_text(text, encoding="utf-8")
    for collecting in (False, True):
        gc.enable() if collecting else gc.disable()
        try:
            read_module(path, "code")
        except SyntaxError:
            pass
        finally:
            state = gc.isenabled()
            gc.enable()
        assert state is collecting
