"""The house as designed: who may import whom, what the package exports, and how long anything may be.

The source is read with ast; nothing is imported except by the one test that looks at what importing loads.
"""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# Each module may import only those before it.
ORDER = """
    errors progress turns lines trec record pieces decoding rows readers documents words cutter chunking index
    graph_file hnsw heap graph misses projection disk storage measurement labs token_counter encoder models
    python_modules python_names python_packages python_docs
    judgments collection beir samples archive dense runs evaluation comparison two_errors side_by_side described indexed
    indexing judged_index model_comparison cache linux_filters confinement apart_child child apart
""".split()

PUBLIC = """
    MODELS SAMPLES
    Cancelled Chunk ChunkingError Collection CollectionError DenseRetriever Document DocumentError Encoder Evaluation
    ExactIndex HNSWGraph HNSWIndex Hit Measurement ModelError Neighbors ParameterError Qrels RetrieverError Run
    StorageError VectorError
    chunk_documents ef_curve evaluate knn_recall load_documents load_encoder load_sample measure read_beir read_qrels
    read_run run_queries write_run
""".split()

HEAVY = [
    "torch",
    "sentence_transformers",
    "transformers",
    "gradio",
    "plotly",
    "pandas",
    "sklearn",
    "scipy",
    "trafilatura",
    "pytrec_eval",
]
LINES_A_MODULE, LINES_A_FUNCTION, LINES_OF_APP = 250, 60, 25


def modules(folder):
    """Return the modules of a package by their dotted names below it."""
    found = {}
    for path in sorted((ROOT / folder).rglob("*.py")):
        found[".".join(path.relative_to(ROOT / folder).with_suffix("").parts)] = path
    return found


def imports(path):
    """Return every module a file imports, at any level, functions included: (line, dotted name)."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [(node.lineno, name.name) for name in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            if base in ("retriever", "ui"):  # "from ui import tables" imports a module, "from ui import build_demo" not
                inside = [f"{base}.{name.name}" for name in node.names]
                found += [
                    (node.lineno, name if (ROOT / (name.replace(".", "/") + ".py")).is_file() else base)
                    for name in inside
                ]
            else:
                found.append((node.lineno, base))
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) in (
            "import_module",
            "__import__",
        ):
            found.append((node.lineno, "an import by string"))
    return found


RETRIEVER, UI = modules("retriever"), modules("ui")
ALL = {f"retriever.{name}": path for name, path in RETRIEVER.items()} | {
    f"ui.{name}": path for name, path in UI.items()
}
each_module = pytest.mark.parametrize("name", ALL)


def test_there_is_something_to_check():
    assert len(RETRIEVER) > 20
    assert len(UI) > 5


def test_the_order_names_every_module_once():
    assert sorted(ORDER) == sorted(set(RETRIEVER) - {"__init__"})


@pytest.mark.parametrize("name", sorted(set(RETRIEVER) - {"__init__"}))
def test_a_module_of_the_library_imports_only_earlier_ones(name):
    allowed = {f"retriever.{earlier}" for earlier in ORDER[: ORDER.index(name)]}
    for line, imported in imports(RETRIEVER[name]):
        if imported.split(".")[0] == "retriever":
            assert imported in allowed, f"{name}, line {line}: imports {imported}"


@each_module
def test_no_module_imports_its_package_root_or_relatively_or_by_string(name):
    if name == "ui.__init__" or name == "retriever.__init__":
        return
    for line, imported in imports(ALL[name]):
        assert imported not in ("retriever", "ui", "an import by string"), f"{name}, line {line}: imports {imported}"
        assert not imported.startswith("."), f"{name}, line {line}: imports {imported}"


@pytest.mark.parametrize("name", RETRIEVER)
def test_the_library_knows_nothing_of_the_page_and_never_prints(name):
    for line, imported in imports(RETRIEVER[name]):
        top = imported.split(".")[0]
        assert top not in ("gradio", "plotly", "pandas", "ui", "app", "matplotlib"), f"{name}, line {line}: {imported}"
    text = RETRIEVER[name].read_text(encoding="utf-8")
    assert "trust_remote_code" not in text
    tree = ast.parse(text)
    for node in ast.walk(tree):
        called = isinstance(node, ast.Call) and getattr(node.func, "id", "")
        assert called not in ("print", "input", "eval", "exec"), f"{name}, line {node.lineno}: {called}"
        assert not isinstance(node, ast.Global), f"{name}, line {node.lineno}: global"


def test_only_the_demo_imports_tabs():
    for name, path in UI.items():
        for line, imported in imports(path):
            if imported.split(".")[0] == "ui" and imported.endswith("_tab"):
                assert name == "demo", f"ui/{name}, line {line}: imports {imported}"


def test_nothing_imports_the_demo_but_the_packages_root():
    for name, path in UI.items():
        for line, imported in imports(path):
            if imported.startswith("ui.demo"):
                assert name == "__init__", f"ui/{name}, line {line}: imports {imported}"


@pytest.mark.parametrize("name", ["session", "settings", "job", "preparation", "comparing", "shelf"])
def test_what_a_visitor_has_loaded_needs_no_gradio(name):
    if name in UI:
        assert not [line for line, imported in imports(UI[name]) if imported.split(".")[0] == "gradio"]


@each_module
def test_modules_and_functions_are_short(name):
    text = ALL[name].read_text(encoding="utf-8")
    assert len(text.splitlines()) <= LINES_A_MODULE
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = node.end_lineno - node.lineno + 1
            assert length <= LINES_A_FUNCTION, f"{name}.{node.name} has {length} lines"


def test_the_app_is_short():
    app = ROOT / "app.py"
    assert len(app.read_text(encoding="utf-8").splitlines()) <= LINES_OF_APP


def exported():
    tree = ast.parse(RETRIEVER["__init__"].read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and node.targets[0].id == "__all__":
            return tree, ast.literal_eval(node.value)
    raise AssertionError("there is no __all__")


def test_the_public_names_are_exactly_these():
    assert exported()[1] == PUBLIC


def test_the_public_names_are_sorted_and_all_that_is_imported():
    tree, names = exported()

    def kind(name):  # constants, then classes, then functions, as ruff sorts them
        return 0 if name.isupper() else 1 if name[0].isupper() else 2, name

    assert names == sorted(names, key=kind)
    imported = [
        alias.asname or alias.name for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names
    ]
    assert sorted(imported) == sorted(names)
    assert all(isinstance(node, ast.ImportFrom | ast.Assign | ast.Expr) for node in tree.body)  # imports and __all__


def test_importing_the_library_loads_nothing_heavy():
    script = f"""
import sys, warnings
warnings.simplefilter("error")
import retriever
for name in retriever.__all__:
    getattr(retriever, name)
print(*(name for name in {HEAVY!r} if name in sys.modules))
"""
    run = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.split() == []
