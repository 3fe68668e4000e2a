"""Public names of an installed package's definitions, as users import them.

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
    """Modules of one package, parsed on demand, with the public names of their definitions."""

    def __init__(self, files: Mapping[str, Path], opened: Callable[[], None]) -> None:
        """Take the files by module name, and a function to call after each file that is opened."""
        self._files, self._opened = files, opened
        self._modules: dict[str, Module] = {}
        self._star_names_of: dict[str, set[str]] = {}  # module -> names that a star import of it may bring
        self._submodules: dict[str, set[str]] = {}  # package -> names of its modules
        for parent, _, name in (file.rpartition(".") for file in files):
            self._submodules.setdefault(parent, set()).add(name)
        self._found: dict[tuple[str, str], Definition | str] = {}  # module and name there -> what it refers to
        self._compiled: dict[str, dict[str, Definition]] = {}
        for name in _COMPILED_DOCS:
            if name in files:
                self._compiled |= read_compiled_docs(files[name], name.rpartition(".")[0])

    def public_definitions(self, is_public: Callable[[str], bool]) -> dict[Definition, str]:
        """Return the shortest public name of every definition that a public module exports.

        Of equally short names, the one that it was defined by wins: `datetime.date`, not `sqlite3.Date`.
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
                    preference = (public.count("."), export != found.name, path != found.module, len(public), public)
                    names[found] = min(preference, names.get(found, preference))
                elif isinstance(found, str) and is_public(public):
                    heapq.heappush(modules, (public.count("."), len(public), public, found))
        return {found: preference[-1] for found, preference in names.items()}

    def find(self, module: str, name: str, trail: frozenset[tuple[str, str]] = frozenset()) -> Definition | str | None:
        """Return what a dotted name refers to in a module: a definition, another module's name, or None if unknown.

        trail: the modules and names being resolved, where a circular import ends.
        """
        head, _, rest = name.partition(".")
        if (module, head) in trail or module not in self._files:
            return None
        found = self._found.get((module, head)) or self._find_top_level(module, head, trail | {(module, head)})
        if found:
            self._found[module, head] = found
        if not rest or not found:
            return found
        return self.find(found, rest, trail) if isinstance(found, str) else found.members.get(rest)

    def members(self, definition: Definition, public: Mapping[Definition, str]) -> dict[str, Definition]:
        """Return a class's members and those of its private bases, which have no public name of their own."""
        collected = dict(definition.members)
        for base in definition.bases:
            parent = self.find(definition.module, base)
            if isinstance(parent, Definition) and parent is not definition and parent not in public:
                for name, member in self.members(parent, public).items():
                    if name not in collected or not collected[name].doc:
                        collected[name] = member
        return collected

    def _find_top_level(self, module: str, name: str, trail: frozenset[tuple[str, str]]) -> Definition | str | None:
        source = self._module(module)
        if name in source.definitions:
            return source.definitions[name]
        stars = [(star, name) for star in reversed(source.stars) if name in self._star_names(star)]
        for origin, original in source.imports.get(name, []) + stars:  # of branches, the first is the usual one
            if found := self.find(origin, original, trail) if original else origin if origin in self._files else None:
                return found
        return f"{module}.{name}" if f"{module}.{name}" in self._files else None

    def _star_names(self, star: str) -> set[str]:
        """Return the names that `from star import *` may bring, cached: transformers has 450 stars in one module."""
        if star not in self._star_names_of:
            module = self._module(star) if star in self._files else Module(star)
            # cached while incomplete: modules may import one another
            brought = self._star_names_of[star] = set(module.listed)
            if module.computed or not module.listed:
                brought.update(module.definitions, module.imports, self._submodules.get(star, ()))
                brought.update(*map(self._star_names, module.stars))
        return self._star_names_of[star]

    def _exports(self, name: str, above: tuple[str, ...] = ()) -> set[str]:
        """Return a module's `__all__`, or, if that is computed or missing, what the module defines and imports."""
        module = self._module(name)
        exports = set(module.listed)
        if module.computed or not module.listed:
            brings = module.is_package or not module.definitions  # a module that only imports is there to export
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
            for compiled in self._compiled.get(name, {}).values():
                if (source := definitions.get(compiled.name)) and source.kind == "class":
                    source.members = compiled.members | source.members  # torch.Tensor is partly compiled
                else:
                    definitions[compiled.name] = compiled
            self._opened()
        return self._modules[name]
