"""PublicNames: how an installed package's definitions are called by those who import them.

A definition is often written far from where it is public (`numpy.linspace` is in `numpy/_core/function_base.py`), so
the exports of every public module are followed through `from .x import y`, `from .x import *`, `__all__` and
aliases, and the shortest name wins.
"""

import heapq
from collections.abc import Callable, Mapping
from pathlib import Path

from retriever.datasets.python_docs.modules import Definition, Module, read_compiled_docs, read_module

_COMPILED_DOCS = (
    "numpy._core._add_newdocs",
    "scipy.special._add_newdocs",
    "torch._torch_docs",
    "torch._tensor_docs",
)


class PublicNames:
    """The modules of one package, parsed when something leads to them."""

    def __init__(self, files: Mapping[str, Path], opened: Callable[[], None]) -> None:
        """Take the files by module name, and what to call after each one that is opened."""
        self._files, self._opened = files, opened
        self._modules: dict[str, Module] = {}
        self._brought: dict[str, set[str]] = {}
        self._below: dict[str, set[str]] = {}  # the names of a package's own modules
        for parent, _, name in (file.rpartition(".") for file in files):
            self._below.setdefault(parent, set()).add(name)
        self._found: dict[tuple[str, str], Definition | str] = {}
        self._compiled: dict[str, dict[str, Definition]] = {}
        for name in _COMPILED_DOCS:
            if name in files:
                self._compiled |= read_compiled_docs(files[name], name.rpartition(".")[0])

    def public_definitions(self, is_public: Callable[[str], bool]) -> dict[Definition, str]:
        """Map every definition that a public module exports to its shortest public name.

        Of two as short, the one by which it was defined wins: `datetime.date`, not `sqlite3.Date`.
        """
        names: dict[Definition, tuple[int, bool, bool, int, str]] = {}
        modules = [(name.count("."), len(name), name, name) for name in self._files if is_public(name)]
        heapq.heapify(modules)  # the shortest names first; a module may be public by another module's export
        visited: set[str] = set()
        while modules:
            *_, path, name = heapq.heappop(modules)
            if name in visited:
                continue
            visited.add(name)
            for export in sorted(self._exports(name)):
                found, public = self.find(name, export), f"{path}.{export}"
                if isinstance(found, Definition) and is_public(public):
                    place = (public.count("."), export != found.name, path != found.module, len(public), public)
                    names[found] = min(place, names.get(found, place))
                elif isinstance(found, str) and is_public(public):
                    heapq.heappush(modules, (public.count("."), len(public), public, found))
        return {found: place[-1] for found, place in names.items()}

    def find(self, module: str, name: str, trail: frozenset[tuple[str, str]] = frozenset()) -> Definition | str | None:
        """Find what a dotted name means in a module: a definition, another module's name, or nothing known."""
        head, _, rest = name.partition(".")
        if (module, head) in trail or module not in self._files:
            return None
        found = self._found.get((module, head)) or self._find_here(module, head, trail | {(module, head)})
        if found:
            self._found[module, head] = found
        if not rest or not found:
            return found
        return self.find(found, rest, trail) if isinstance(found, str) else found.members.get(rest)

    def members(self, definition: Definition, public: Mapping[Definition, str]) -> dict[str, Definition]:
        """Collect a class's members with those of its private bases, which have no other public place."""
        collected = dict(definition.members)
        for base in definition.bases:
            parent = self.find(definition.module, base)
            if isinstance(parent, Definition) and parent is not definition and parent not in public:
                for name, member in self.members(parent, public).items():
                    if name not in collected or not collected[name].doc:
                        collected[name] = member
        return collected

    def _find_here(self, module: str, name: str, trail: frozenset[tuple[str, str]]) -> Definition | str | None:
        source = self._module(module)
        if name in source.definitions:
            return source.definitions[name]
        stars = [(star, name) for star in reversed(source.stars) if name in self._brings(star)]
        for origin, original in source.imports.get(name, []) + stars:  # of branches, the first is the usual one
            if found := self.find(origin, original, trail) if original else origin if origin in self._files else None:
                return found
        return f"{module}.{name}" if f"{module}.{name}" in self._files else None

    def _brings(self, star: str) -> set[str]:
        """Name all that `from star import *` may bring, found once: transformers has 450 stars in one module."""
        if star not in self._brought:
            module = self._module(star) if star in self._files else Module(star)
            brought = self._brought[star] = set(module.listed)  # kept first: modules may import one another
            if module.computed or not module.listed:
                brought.update(module.definitions, module.imports, self._below.get(star, ()))
                brought.update(*map(self._brings, module.stars))
        return self._brought[star]

    def _exports(self, name: str, above: tuple[str, ...] = ()) -> set[str]:
        """List a module's `__all__`, or, where that is computed or missing, what it makes and brings."""
        module = self._module(name)
        exports = set(module.listed)
        if module.computed or not module.listed:
            brings = module.is_package or not module.definitions  # what only imports is there to export
            package = name.partition(".")[0] if brings else None
            exports |= set(module.definitions)
            for alias, places in module.imports.items():
                if any(origin == name or origin.partition(".")[0] == package for origin, _ in places):
                    exports.add(alias)
            if module.computed or brings:
                for star in set(module.stars) & set(self._files) - {*above, name}:
                    exports |= self._exports(star, (*above, name))
        return {export for export in exports if not export.startswith("_")}

    def _module(self, name: str) -> Module:
        if name not in self._modules:
            self._modules[name] = read_module(self._files[name], name)
            definitions = self._modules[name].definitions
            for made in self._compiled.get(name, {}).values():
                if (known := definitions.get(made.name)) and known.kind == "class":
                    known.members = made.members | known.members  # torch.Tensor is in part compiled
                else:
                    definitions[made.name] = made
            self._opened()
        return self._modules[name]
