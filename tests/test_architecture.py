"""The house as designed: which room may import which, what the package exports, and what importing it loads.

docs/architecture.md describes the rooms. The source is read with ast; only one test imports anything.
"""

import ast
import subprocess
import sys

import pytest

from tests.support.paths import ROOT

# Each line may import the lines above it. Rooms on one line do not import one another, except the small modules.
SMALL_MODULES = (
    "errors progress unicode turns fair_lock shared_results run_record parameters json_text reproduction".split()
)
LIBRARY = [
    SMALL_MODULES,
    ["vectors"],
    ["documents"],
    ["chunking", "indexes", "encoders", "evaluation"],
    ["storage", "graph"],
    ["datasets", "retrievers", "measurement"],
    ["indexing"],
    ["experiments"],
]
TABS = ["documents", "search", "recall", "compare", "walk"]
PAGE = [
    ["settings", "throttle", "blocks"],
    ["log"],
    ["inputs", "log_capture", "take_home"],
    ["render", "uploads"],
    ["jobs", "judgments"],
    ["session", "gate", "milvus"],
    TABS,
    ["programs"],
    ["api", "header", "footer", "welcome", "lessons"],
]
PAGE += [["learn", "address", "refresh", "classroom"], ["page", "hosting"]]
ROOMS = {"retriever": LIBRARY, "ui": PAGE}

PUBLIC = """
    LATE_INTERACTION_MODELS MODELS SAMPLES
    BM25Retriever Cancelled Chunk ChunkingError Collection CollectionError DenseRetriever Document DocumentError
    Encoder Evaluation ExactIndex HNSWGraph HNSWIndex Hit IndexSettings IndexedCollection JudgedQueries
    LateInteractionRetriever Measurement MilvusIndex MilvusRetriever ModelError Neighbors ParameterError Passage Qrels
    Retriever RetrieverError Run StorageError TableColumns VectorError
    chunk_documents compare_retrievers compare_with_record ef_curve evaluate explain_misses fuse index_collection
    judged_searches knn_recall load_documents load_encoder load_sample measure measure_costs read_beir
    read_beir_archive read_qrels read_run run_queries sample_vectors simulate_fan_out sweep_graph_settings sweep_shards
    sweep_sizes write_run
""".split()
HEAVY = (
    "torch sentence_transformers transformers gradio plotly pandas sklearn scipy lxml pytrec_eval bm25s tqdm "
    "pymilvus grpc ray".split()
)
NOT_IN_THE_LIBRARY = {"gradio", "plotly", "matplotlib", "sandbox", "ui", "app"}

FILES = sorted(path for package in ("retriever", "sandbox", "ui") for path in (ROOT / package).rglob("*.py"))
each_file = pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))


def imported(path):
    """Return what a file imports, functions included, as dotted names."""
    names = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [name.name for name in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"line {node.lineno}: a relative import"
            names.append(node.module)
    return names


def room(path):
    """Return a file's package and its room: the folder or the module just below the package."""
    package, *below = path.relative_to(ROOT).with_suffix("").parts
    return package, below[0]


@each_file
def test_a_room_imports_only_the_rooms_above_it(path):
    package, mine = room(path)
    if package == "sandbox" or mine == "__init__":
        return
    rooms = ROOMS[package]
    [layer] = [number for number, names in enumerate(rooms) if mine in names]
    allowed = {mine, *(name for names in rooms[:layer] for name in names)}
    if mine in SMALL_MODULES:
        allowed |= set(SMALL_MODULES)
    if mine == "chunking":
        allowed -= {"vectors"}  # it cuts texts, and knows nothing of numbers
    for name in imported(path):
        top, _, rest = name.partition(".")
        if top == package:
            assert rest, f"imports the whole package {package}"
            assert rest.partition(".")[0] in allowed, f"imports {name}"


@each_file
def test_packages_import_one_way(path):
    package, _ = room(path)
    tops = {name.partition(".")[0] for name in imported(path)}
    if package == "retriever":
        assert not tops & NOT_IN_THE_LIBRARY
    if package == "sandbox":
        assert not tops & {"ui", "app", "gradio"}


def test_every_room_exists_and_has_a_place_in_the_order():
    for package, rooms in ROOMS.items():
        found = {room(path)[1] for path in FILES if room(path)[0] == package} - {"__init__"}
        assert found == {name for names in rooms for name in names}


@each_file
def test_sub_packages_load_nothing(path):
    """The confined reader must not load NumPy or hnswlib by the way."""
    if path.name == "__init__.py" and path != ROOT / "retriever" / "__init__.py":
        [docstring] = ast.parse(path.read_text(encoding="utf-8")).body
        assert isinstance(docstring.value, ast.Constant)


@pytest.mark.parametrize("path", [path for path in FILES if room(path)[0] == "retriever"], ids=str)
def test_the_library_prints_nothing_and_runs_no_code_from_a_model(path):
    text = path.read_text(encoding="utf-8")
    assert "trust_remote_code" not in text
    for node in ast.walk(ast.parse(text)):
        called = isinstance(node, ast.Call) and getattr(node.func, "id", "")
        assert called not in ("print", "input", "eval", "exec", "__import__"), f"line {node.lineno}: {called}"
        assert not isinstance(node, ast.Global), f"line {node.lineno}: global"


def test_what_a_visitor_has_loaded_needs_no_gradio():
    script = (
        "import sys, ui.session, ui.settings, ui.jobs.shared_samples, ui.compare.job; print('gradio' in sys.modules)"
    )
    found = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )
    assert found.stdout == "False\n", found.stderr


def exported():
    tree = ast.parse((ROOT / "retriever" / "__init__.py").read_text(encoding="utf-8"))
    [names] = [node for node in tree.body if isinstance(node, ast.Assign)]
    return tree, ast.literal_eval(names.value)


def test_the_public_names_are_exactly_these():
    assert exported()[1] == PUBLIC


def test_the_public_names_are_sorted_and_all_that_is_imported():
    tree, names = exported()

    def kind(name):  # constants, then classes, then functions, as ruff sorts them
        return 0 if name.isupper() else 1 if name[0].isupper() else 2, name

    assert names == sorted(names, key=kind)
    imports = [
        alias.asname or alias.name for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names
    ]
    assert sorted(imports) == sorted(names)
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
