"""The Python docs collection: its documents, their names, and queries with relevant documents in it."""

import csv
import json
import subprocess
import sys
from collections import Counter

import pytest

from retriever.datasets.python_docs.docstrings import (
    MAX_CHARACTERS,
    _shorten,
    _summary,
    _whole_docstring,
    name_in_words,
    read_python_docs,
)
from retriever.datasets.python_docs.packages import (
    DOCUMENTED_PACKAGES,
    MORE_DOCUMENTED_PACKAGES,
    is_public,
    package_versions,
)
from retriever.datasets.samples import LARGE_CHUNK_SIZE, load_sample
from retriever.errors import CollectionError
from tests.support.content_words import content_words
from tests.support.paths import ROOT

SAMPLE = ROOT / "samples" / "python_docs"

KNOWN = [
    "asyncio.gather",
    "collections.Counter.most_common",
    "datetime.datetime.strptime",
    "glob.glob",
    "os.path.join",  # written in posixpath.py
    "pathlib.Path.glob",
    "random.choice",  # a bound method of a private instance
    "shutil.copytree",
    "numpy.linspace",
    "numpy.ndarray.reshape",  # compiled; its docstring is in _add_newdocs.py
    "numpy.set_printoptions",  # exported by a computed __all__
    "numpy.where",
    "pandas.DataFrame.merge",
    "pandas.DataFrame.head",  # inherited from a private base
    "pandas.DataFrame.plot.bar",  # an accessor
    "pandas.Series.str.contains",
    "pandas.api.typing.DataFrameGroupBy.mean",
    "pandas.read_csv",
    "sklearn.cluster.KMeans",
    "sklearn.model_selection.train_test_split",
    "networkx.shortest_path",
    "networkx.community.louvain_communities",
    "scipy.optimize.minimize",
    "scipy.stats.norm",  # the instance of a class
]
KNOWN_IN_LARGE = [
    "sympy.solve",
    "sympy.integrate",  # only one way to call it is deprecated
    "sympy.Expr.coeff",
    "sympy.physics.mechanics.Torque",
    "torch.matmul",  # compiled; its docstring is in _torch_docs.py
    "torch.Tensor.view",  # compiled, in _tensor_docs.py
    "torch.Tensor.backward",  # of the same class, written in Python
    "torch.Generator.manual_seed",
    "torch.linalg.svd",  # the result of _add_docstr
    "torch.nn.Linear",
    "torch.utils.data.DataLoader",
    "transformers.pipeline",
    "transformers.Trainer.train",
    "transformers.BertConfig",  # star-imported from a folder for each model
    "plotly.express.scatter",
    "plotly.graph_objects.Bar.width",
    "plotly.graph_objects.Figure.add_trace",
    "plotly.graph_objects.layout.XAxis.tickmode",
]
REMOVED = ["distutils", "imp", "cgi", "asyncore", "lib2to3", "telnetlib", "tkinter.tix", "numpy.core", "numpy.f2py"]
INTERNAL = ["posixpath.join", "pandas.core", "pandas.compat", "sklearn.externals", "scipy.odr"]


@pytest.fixture(scope="module")
def reading():
    fractions = []
    return read_python_docs(progress=fractions.append), fractions


@pytest.fixture(scope="module")
def documents(reading):
    return reading[0]


@pytest.fixture(scope="module")
def large_reading():
    fractions = []
    return load_sample("python_docs_large", progress=fractions.append), fractions


@pytest.fixture(scope="module")
def large(large_reading):
    return large_reading[0].documents


@pytest.fixture(scope="module")
def questions():
    lines = (SAMPLE / "queries.jsonl").read_text(encoding="utf-8").splitlines()
    return {row["_id"]: row["text"] for row in map(json.loads, lines)}


@pytest.fixture(scope="module")
def judgments():
    with (SAMPLE / "qrels" / "test.tsv").open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file, delimiter="\t"))


def test_collection_has_the_promised_size_from_every_package(documents):
    assert 9_000 <= len(documents) <= 13_000
    sources = Counter(document.metadata["source"] for document in documents)
    assert set(sources) == set(DOCUMENTED_PACKAGES)
    assert min(sources.values()) > 500
    assert {document.metadata["kind"] for document in documents} == {"class", "function", "method", "property"}


def test_ids_are_unique_and_are_the_titles(documents):
    assert len({document.doc_id for document in documents}) == len(documents)
    assert all(document.title == document.doc_id for document in documents)


def test_words_are_not_repeated_under_one_final_name(documents):
    keys = [(d.metadata["source"], d.doc_id.rpartition(".")[2], d.text) for d in documents]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("name", KNOWN)
def test_known_names_are_there(documents, name):
    assert name in {document.doc_id for document in documents}


@pytest.mark.parametrize("prefix", REMOVED + INTERNAL)
def test_removed_and_internal_modules_are_not(documents, prefix):
    assert not [d.doc_id for d in documents if d.doc_id == prefix or d.doc_id.startswith(f"{prefix}.")]


def test_no_name_is_private_or_a_test(documents):
    for document in documents:
        parts = document.doc_id.split(".")
        assert len(parts) >= 2
        assert not [part for part in parts if part.startswith("_") or part in ("test", "tests", "conftest")], parts


def test_names_start_with_their_package(documents):
    for document in documents:
        top, source = document.doc_id.partition(".")[0], document.metadata["source"]
        assert top == source if source != "python" else top in sys.stdlib_module_names


def test_texts_are_short_prose(documents):
    for document in documents:
        assert 8 <= len(document.text) <= MAX_CHARACTERS
        assert document.text == " ".join(document.text.split())
        assert not document.text.lower().startswith((".. ", "deprecated", ">>>", "parameters"))
        assert "\n" not in document.text and "%(" not in document.text and "----" not in document.text


@pytest.mark.parametrize("which", ["reading", pytest.param("large_reading", marks=pytest.mark.exhaustive)])
def test_progress_rises_to_one(which, request):
    fractions = request.getfixturevalue(which)[1]
    assert fractions == sorted(fractions)
    assert fractions[0] >= 0.0
    assert fractions[-1] == 1.0
    assert len(fractions) > 100


def test_reading_again_gives_the_same_list(documents, large):
    packages = ("numpy", "sklearn", "networkx")  # the others take longer
    assert read_python_docs(packages) == [d for d in documents if d.metadata["source"] in packages]
    packages = ("sklearn", "plotly")  # whose docstrings are in no other package
    assert read_python_docs(packages, whole=True) == [d for d in large if d.metadata["source"] in packages]


def test_what_progress_raises_ends_the_reading():
    def stop(fraction):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        read_python_docs(progress=stop)


def test_reading_imports_nothing(monkeypatch):
    code = (
        "import sys; from retriever.datasets.python_docs.docstrings import read_python_docs; before = set(sys.modules);"
        "found = read_python_docs(('python', 'numpy', 'networkx', 'plotly'));"
        "assert len(found) > 1000; new = {name.partition('.')[0] for name in set(sys.modules) - before};"
        "wrong = new & {'numpy', 'networkx', 'plotly', 'tkinter', 'turtle', 'antigravity', 'this'};"
        "assert not wrong, wrong"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_missing_package_is_a_clear_error():
    for read in (read_python_docs, package_versions):
        with pytest.raises(CollectionError, match="no_such_package is not installed"):
            read(("python", "no_such_package"))


@pytest.mark.exhaustive
@pytest.mark.parametrize("packages", [DOCUMENTED_PACKAGES, MORE_DOCUMENTED_PACKAGES])
def test_package_versions_name_every_package(packages):
    versions = package_versions(packages)
    assert tuple(versions) == packages
    assert versions["python"].startswith("3.")
    assert all(version[0].isdigit() for version in versions.values())


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("shutil.copytree", "shutil copytree"),
        ("collections.OrderedDict", "collections Ordered Dict"),
        ("sklearn.cluster.KMeans", "sklearn cluster K Means"),
        ("html.parser.HTMLParser", "html parser HTML Parser"),
        ("numpy.log10", "numpy log10"),
        ("ipaddress.IPv4Address", "ipaddress IPv4 Address"),
        ("scipy.signal.find_peaks_cwt", "scipy signal find peaks cwt"),
        ("sklearn.decomposition.PCA", "sklearn decomposition PCA"),
        ("", ""),
    ],
)
def test_name_in_words(name, words):
    assert name_in_words(name) == words


@pytest.mark.parametrize(
    ("doc", "text"),
    [
        ("Copy a tree.\n\n    Parameters\n    ----------\n    x : int\n", "Copy a tree."),
        ("Sum it.\n\nUse :func:`~a.total` or ``x``, see [1]_.\n\nMore.", "Sum it. Use a.total or x, see."),
        ("join(\n    a,\n    b\n)\n--\n\nJoin two arrays.", "Join two arrays."),
        ("Old way to do it.\n\n.. deprecated:: 1.2\n   Gone soon.", ""),
        ("Deprecated: use other things.", ""),
        ("A %(what)s of numbers.", ""),
        ("A normal variable.\n\n%(before_notes)s", "A normal variable."),
        ("Sum all parts.\nNotes\n-----\nSlowly.", "Sum all parts."),
        ("Stub.", ""),
        ("", ""),
    ],
)
def test_docstrings_are_cut_to_their_beginning(doc, text):
    assert _summary(doc) == text


def test_long_text_is_cut_at_a_sentence_or_a_word():
    sentence = "One sentence of words, " * 8 + "ends here. "
    assert _shorten(sentence * 3) == sentence.strip()
    cut = _shorten("word " * 200)
    assert len(cut) <= MAX_CHARACTERS and cut.endswith("word…")


@pytest.mark.parametrize(
    ("doc", "text"),
    [
        (
            "Copy a tree.\n\n    Parameters\n    ----------\n    x : int\n",
            "Copy a tree.\n\nParameters\n----------\nx : int",
        ),
        ("\n    Use ``x`` instead.\n\n    .. deprecated:: 1.2\n    ", "Use ``x`` instead.\n\n.. deprecated:: 1.2"),
        ("Sum it up.\n\nArgs:\n    {input}\n    dim (int)\n\n%(notes)s\n", "Sum it up.\n\nArgs:\n    dim (int)"),
        ("Stub.", ""),
        ("", ""),
    ],
)
def test_whole_docstrings_stay_as_written(doc, text):
    assert _whole_docstring(doc) == text


def test_large_collection_has_more_than_60_000_chunks(large_reading, wordllama):
    collection = large_reading[0]
    assert (collection.passage, collection.chunk_size) == (None, LARGE_CHUNK_SIZE)
    tokens = wordllama.count_tokens([document.text for document in collection.documents])
    min_chunks = sum(-(-count // LARGE_CHUNK_SIZE) for count in tokens)  # a chunk has no more tokens than that
    assert 60_000 <= min_chunks <= 100_000


@pytest.mark.exhaustive
def test_large_collection_has_prose_from_every_package(large):
    characters = Counter()
    for document in large:
        characters[document.metadata["source"]] += len(document.text)
        assert document.text == document.text.strip() and len(document.text.split(" ")) > 2
    assert tuple(characters) == MORE_DOCUMENTED_PACKAGES
    assert min(characters.values()) > 800_000 and max(characters.values()) < 0.25 * characters.total()
    assert max(len(document.text) for document in large) > 20_000, "docstrings are not cut"


@pytest.mark.exhaustive
def test_large_collection_has_no_name_and_no_text_twice(large):
    assert len({document.doc_id for document in large}) == len(large)
    assert len({document.text for document in large}) == len(large)
    assert all(document.title == document.doc_id for document in large)


@pytest.mark.exhaustive
def test_large_collection_has_public_names_only(large):
    for document in large:
        name, source = document.doc_id, document.metadata["source"]
        assert is_public(name)
        parts = name.split(".")
        assert not [part for part in parts if part.startswith("_") or part in ("test", "tests", "benchmarks")], name
        assert parts[0] == source if source != "python" else parts[0] in sys.stdlib_module_names


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", KNOWN + KNOWN_IN_LARGE)
def test_known_names_are_in_the_large_collection(large, name):
    assert name in {document.doc_id for document in large}


@pytest.mark.exhaustive
def test_large_collection_has_the_questions_of_the_small_one_and_their_answers(large_reading, questions, judgments):
    collection = large_reading[0]
    assert collection.queries == questions
    assert {(query, name, str(grade)) for query, row in collection.qrels.items() for name, grade in row.items()} == {
        tuple(row) for row in judgments[1:]
    }
    assert set(collection.kinds) == set(questions)
    names = {document.doc_id for document in collection.documents}
    assert [row[1] for row in judgments[1:] if row[1] not in names] == []


def test_questions_are_many_unique_and_not_empty(questions):
    assert len(questions) >= 150
    assert all(text.strip() and len(text) <= 120 for text in questions.values())
    assert len({text.lower() for text in questions.values()}) == len(questions)
    for text in ("find all files matching a pattern", "how do I copy a whole folder with its contents"):
        assert text in questions.values()


def test_questions_name_no_answer(questions, judgments):
    for query_id, name, _ in judgments[1:]:
        assert name not in questions[query_id]


def test_every_answer_exists_and_every_question_has_one(documents, questions, judgments):
    assert judgments[0] == ["query-id", "corpus-id", "score"]
    names = {document.doc_id for document in documents}
    assert [row for row in judgments[1:] if row[1] not in names or row[2] != "1"] == []
    assert {row[0] for row in judgments[1:]} == set(questions)
    assert len({(row[0], row[1]) for row in judgments[1:]}) == len(judgments) - 1


def test_questions_are_about_every_package(judgments):
    packages = {row[1].partition(".")[0] for row in judgments[1:]}
    assert set(DOCUMENTED_PACKAGES[1:]) <= packages
    assert len(packages - set(DOCUMENTED_PACKAGES)) > 20  # modules of the standard library


def test_the_kind_of_a_question_is_where_its_answers_share_its_words(documents):
    texts = {document.doc_id: document.text for document in documents}
    collection = load_sample("python_docs")
    for query_id, query in collection.queries.items():
        answers, words = list(collection.qrels[query_id]), content_words(query)
        in_names = words & set().union(*(content_words(name_in_words(answer)) for answer in answers))
        in_texts = words & set().union(*(content_words(texts[answer]) for answer in answers))
        kind = "name word" if in_names else "description word" if in_texts else "no shared word"
        assert collection.kinds[query_id] == kind, query
