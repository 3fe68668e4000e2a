"""Definitions, imports and exports of one Python file, read with `ast`; nothing is imported or run."""

import ast
import gc
import threading
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

_WRITERS = ("add_newdoc", "_array_method_doc", "add_docstr", "add_docstr_all")  # they set docs of compiled code
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_PARSE_LOCK = threading.Lock()
_BRANCHES = (ast.If, ast.Try, ast.With, ast.ExceptHandler)


@dataclass(eq=False)  # compared by identity: one definition may be reached by many names
class Definition:
    """Function, class, method or property as written; the names in `bases` are valid in `module` only."""

    name: str
    kind: str
    module: str
    doc: str = ""
    bases: list[str] = field(default_factory=list)
    members: dict[str, "Definition"] = field(default_factory=dict)


@dataclass
class Module:
    """Definitions, imports (name -> modules and names there, one for each branch) and exports of one file."""

    name: str
    is_package: bool = False
    definitions: dict[str, Definition] = field(default_factory=dict)
    imports: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    stars: list[str] = field(default_factory=list)  # the modules that are star-imported
    listed: set[str] = field(default_factory=set)  # the strings in __all__
    computed: bool = False  # __all__ contains more than strings


def read_module(path: Path, name: str) -> Module:
    """Read one file; `name` is the module's name, which relative imports are resolved against."""
    module = Module(name, path.name == "__init__.py")
    with _paused_garbage_collector():
        for statement in _statements(_parse(path).body):
            _read_statement(statement, module)
    return module


def read_compiled_docs(path: Path, package: str) -> dict[str, dict[str, Definition]]:
    """Read the docstrings of compiled code, by module and name, in the five ways they are written.

    NumPy has `add_newdoc(module, name, doc or (method, doc))` and `_array_method_doc(method, parameters, doc)`,
    SciPy `add_newdoc(name, doc)` for the package's own names. PyTorch has `add_docstr(torch.name, doc)` or
    `add_docstr(torch.Class.method, doc)`, and `add_docstr_all(method, doc)` for tensors.
    """
    found: dict[str, dict[str, Definition]] = {}
    for call in (statement.value for statement in _parse(path).body if isinstance(statement, ast.Expr)):
        writer = _dotted(call.func) if isinstance(call, ast.Call) else ""
        if not isinstance(call, ast.Call) or writer not in _WRITERS:
            continue
        strings = [[str(n.value) for n in ast.walk(a) if isinstance(n, ast.Constant)] or [""] for a in call.args]
        place, name, texts = ([[package], *strings])[-3:]
        method = texts[0] if isinstance(call.args[-1], ast.Tuple) else ""
        if writer == "_array_method_doc":
            place, name, method = ["numpy._core.multiarray"], ["ndarray"], place[0]
        elif writer == "add_docstr_all":
            place, name, method = ["torch._tensor"], ["Tensor"], name[0]
        elif writer == "add_docstr":
            _, name[0], method = (*_dotted(call.args[0]).split("."), "")[:3]
        entry = found.setdefault(place[0], {}).setdefault(name[0], Definition(name[0], "function", place[0]))
        doc = _text(call.args[-1]) or max(texts, key=len)
        if method:
            entry.kind = "class"
            entry.members[method] = Definition(method, "method", place[0], doc)
        else:
            entry.doc = doc
    return found


@contextmanager
def _paused_garbage_collector() -> Iterator[None]:
    """Pause the garbage collector: it would traverse the nodes of a growing tree, which has no garbage."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _parse(path: Path) -> ast.Module:
    """Parse one file; two threads that parse at once can corrupt CPython 3.11's recursion count (SystemError)."""
    source = path.read_bytes()
    with _PARSE_LOCK:
        for _ in range(3):  # the lock does not cover other code that parses
            try:
                return ast.parse(source)
            except SystemError:
                continue
            except SyntaxError:  # also raised for an invalid escape where warnings are errors
                break
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(source)


def _statements(body: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """Yield the statements of a body, of its branches and of a module's `__getattr__`, which may import late."""
    for statement in body:
        yield statement
        if isinstance(statement, _BRANCHES) or getattr(statement, "name", "") == "__getattr__":
            for part in ("body", "orelse", "handlers", "finalbody"):
                yield from _statements(getattr(statement, part, ()))


def _read_statement(statement: ast.AST, module: Module) -> None:
    if isinstance(statement, ast.ImportFrom):
        _read_import(statement, module)
    elif isinstance(statement, ast.Import):
        for alias in statement.names:
            name = alias.asname or alias.name.partition(".")[0]
            module.imports.setdefault(name, []).append((alias.name if alias.asname else name, ""))
    elif isinstance(statement, (*_FUNCTIONS, ast.ClassDef)):
        _add(module.definitions, _define(statement, module.name, "function"))
    elif isinstance(statement, (ast.Assign, ast.AugAssign, ast.Expr)):
        _read_assignment(statement, module)


def _read_import(statement: ast.ImportFrom, module: Module) -> None:
    parts = module.name.split(".")
    above = parts[: len(parts) + module.is_package - statement.level] if statement.level else []
    origin = ".".join(above + ([statement.module] if statement.module else []))
    for alias in statement.names:
        if alias.name == "*":
            module.stars.append(origin)
        elif alias.name == "__all__":
            module.computed = True
        else:
            for name in {alias.asname or alias.name, alias.name}:
                module.imports.setdefault(name, []).append((origin, alias.name))


def _read_assignment(statement: ast.Assign | ast.AugAssign | ast.Expr, module: Module) -> None:
    """Read `__all__` in its various forms, `name = other` and `name = Class()`."""
    value = statement.value
    call = value if isinstance(value, ast.Call) else None
    target = statement.targets[0] if isinstance(statement, ast.Assign) else getattr(statement, "target", value)
    target = target.elts[0] if isinstance(target, ast.Tuple) else target  # Plotly: `__all__, __getattr__ = `
    name = _dotted(target.func if isinstance(target, ast.Call) else target)
    if name.partition(".")[0] in ("__all__", "extend_all"):  # NumPy: `extend_all(arrayprint)`
        nodes = [node for part in (call.args if call else [value]) for node in ast.walk(part)]
        module.listed |= {str(node.value) for node in nodes if isinstance(node, ast.Constant)}
        module.computed |= any(isinstance(node, ast.Name) for node in nodes)
    elif isinstance(statement, ast.Assign) and name and name not in module.imports:
        meant = _dotted(call.func if call else value)
        if call and meant.endswith("_add_docstr"):  # PyTorch: `fft = _add_docstr(_fft.fft_fft, doc)`
            _add(module.definitions, Definition(name, "function", module.name, _text(call.args[-1])))
        made = module.definitions.get(meant)
        if meant and (not call or (made and made.kind == "class")):
            module.imports[name] = [(module.name, meant)]


def _define(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, module: str, kind: str) -> Definition:
    """Return what is needed of a node, so that its tree can be freed; a deprecated definition keeps only its name."""
    decorators = [_dotted(d.func if isinstance(d, ast.Call) else d) for d in node.decorator_list]
    deprecated = any("deprecated" in decorator.rpartition(".")[2].lower() for decorator in decorators)
    doc = "" if deprecated else (ast.get_docstring(node, clean=False) or "")
    if not isinstance(node, ast.ClassDef):
        is_property = any(decorator.lower().endswith(("property", "cache_readonly")) for decorator in decorators)
        return Definition(node.name, "property" if is_property else kind, module, doc)
    bases = [_dotted(base.value if isinstance(base, ast.Subscript) else base) for base in node.bases]
    made = Definition(node.name, "class", module, doc, [base for base in bases if base])
    for statement in _statements(node.body) if not deprecated else ():
        if isinstance(statement, (*_FUNCTIONS, ast.ClassDef)):
            _add(made.members, _define(statement, module, "method"))
        elif isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Call):
            name, call = _dotted(statement.targets[0]), statement.value
            if _dotted(call.func).endswith("Accessor") and len(call.args) == 2:
                # pandas writes `str = Accessor("str", StringMethods)`: an attribute with the methods of that class
                made.members[name] = Definition(name, "class", module, bases=[_dotted(call.args[1])])
    return made


def _add(table: dict[str, Definition], definition: Definition) -> None:
    """Keep the first definition with a docstring: overloads, setters and other platforms' branches have none."""
    if definition.name not in table or (definition.doc and not table[definition.name].doc):
        table[definition.name] = definition


def _text(node: ast.AST) -> str:
    """Return a string that is written in parts or as `"...".format(...)`; an empty string for anything else."""
    if isinstance(node, ast.BinOp):
        return _text(node.left) + _text(node.right)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return _text(node.func.value)
    return str(node.value) if isinstance(node, ast.Constant) else ""


def _dotted(node: ast.AST | None) -> str:
    """Return the dotted name `a.b.c` of a node; an empty string for anything else."""
    if isinstance(node, ast.Attribute):
        owner = _dotted(node.value)
        return f"{owner}.{node.attr}" if owner else ""
    return node.id if isinstance(node, ast.Name) else ""
