"""The Python docs collections: their documents, their names, and queries with relevant documents in them."""

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

KNOWN = [
    "asyncio.gather",
    "collections.Counter.most_common",
    "os.path.join",  # written in posixpath.py
    "random.choice",  # a bound method of a private instance
    "numpy.linspace",
    "numpy.ndarray.reshape",  # compiled; its docstring is in _add_newdocs.py
    "numpy.set_printoptions",  # exported by a computed __all__
    "pandas.DataFrame.head",  # inherited from a private base
    "pandas.DataFrame.plot.bar",  # an accessor
    "pandas.api.typing.DataFrameGroupBy.mean",
    "sklearn.cluster.KMeans",
    "networkx.community.louvain_communities",
    "scipy.optimize.minimize",
    "scipy.stats.norm",  # the instance of a class
]
KNOWN_IN_LARGE = [
    "sympy.integrate",  # only one way to call it is deprecated
    "sympy.physics.mechanics.Torque",
    "torch.matmul",  # compiled; its docstring is in _torch_docs.py
    "torch.Tensor.view",  # compiled, in _tensor_docs.py
    "torch.Tensor.backward",  # of the same class, written in Python
    "torch.linalg.svd",  # the result of _add_docstr
    "torch.utils.data.DataLoader",
    "transformers.Trainer.train",
    "transformers.BertConfig",  # star-imported from a folder for each model
    "plotly.graph_objects.Figure.add_trace",
    "plotly.graph_objects.layout.XAxis.tickmode",
]
REMOVED = ["distutils", "imp", "cgi", "asyncore", "lib2to3", "telnetlib", "tkinter.tix", "numpy.core", "numpy.f2py"]
INTERNAL = ["posixpath.join", "pandas.core", "pandas.compat", "sklearn.externals", "scipy.odr"]


@pytest.fixture(scope="module")
def fractions():
    return {"python_docs": [], "python_docs_large": []}


@pytest.fixture(scope="module")
def small(fractions):
    return load_sample("python_docs", progress=fractions["python_docs"].append)


@pytest.fixture(scope="module")
def large(fractions):
    return load_sample("python_docs_large", progress=fractions["python_docs_large"].append)


@pytest.fixture(
    params=[
        ("small", KNOWN, DOCUMENTED_PACKAGES),
        pytest.param(("large", KNOWN + KNOWN_IN_LARGE, MORE_DOCUMENTED_PACKAGES), marks=pytest.mark.exhaustive),
    ],
    ids=["small", "large"],
)
def each(request):
    """One of the two collections, names that are known to be in it, and its packages."""
    which, *rest = request.param
    return request.getfixturevalue(which), *rest


def test_each_name_is_public_and_there_once_with_its_package_and_kind(each, fractions):
    collection, known, packages = each
    names = {document.doc_id for document in collection.documents}
    assert len(names) == len(collection.documents)
    assert [name for name in known if name not in names] == []
    for prefix in REMOVED + INTERNAL:
        assert not [name for name in names if f"{name}.".startswith(f"{prefix}.")]
    for document in collection.documents:
        parts, source = document.doc_id.split("."), document.metadata["source"]
        assert document.title == document.doc_id
        assert is_public(document.doc_id) and len(parts) >= 2
        assert not [part for part in parts if part.startswith("_") or part in ("test", "tests", "conftest")], parts
        assert parts[0] == source if source != "python" else parts[0] in sys.stdlib_module_names
        assert document.text == document.text.strip() and document.text.count(" ") >= 2
    assert {document.metadata["kind"] for document in collection.documents} == {
        "class",
        "function",
        "method",
        "property",
    }
    assert {document.metadata["source"] for document in collection.documents} == set(packages)
    seen = fractions["python_docs_large" if packages == MORE_DOCUMENTED_PACKAGES else "python_docs"]
    assert seen == sorted(seen)
    assert seen[0] >= 0 and seen[-1] == 1 and len(seen) > 100


def test_each_question_has_answers_and_names_none(each):
    collection, *_ = each
    names = {document.doc_id for document in collection.documents}
    questions = collection.queries
    assert len(questions) >= 150 and all(0 < len(text.strip()) <= 120 for text in questions.values())
    assert len({text.lower() for text in questions.values()}) == len(questions)
    assert set(collection.qrels) == set(collection.kinds) == set(questions)
    for query_id, answers in collection.qrels.items():
        assert set(answers) <= names and set(answers.values()) == {1}, query_id
        assert not [name for name in answers if name in questions[query_id]], query_id
    about = {name.partition(".")[0] for answers in collection.qrels.values() for name in answers}
    assert set(DOCUMENTED_PACKAGES[1:]) <= about
    assert len(about - set(DOCUMENTED_PACKAGES)) > 20  # modules of the standard library


def test_the_small_collection_has_short_prose_from_every_package(small):
    documents = small.documents
    assert 9_000 <= len(documents) <= 13_000
    assert min(Counter(document.metadata["source"] for document in documents).values()) > 500
    keys = {(d.metadata["source"], d.doc_id.rpartition(".")[2], d.text) for d in documents}
    assert len(keys) == len(documents), "words are not repeated under one final name"
    for text in (document.text for document in documents):
        assert 8 <= len(text) <= MAX_CHARACTERS and text == " ".join(text.split())
        assert not text.lower().startswith((".. ", "deprecated", ">>>", "parameters"))
        assert "%(" not in text and "----" not in text


def test_the_kind_of_a_question_is_where_its_answers_share_its_words(small):
    texts = {document.doc_id: document.text for document in small.documents}
    for query_id, query in small.queries.items():
        answers, words = list(small.qrels[query_id]), content_words(query)
        in_names = words & set().union(*(content_words(name_in_words(answer)) for answer in answers))
        in_texts = words & set().union(*(content_words(texts[answer]) for answer in answers))
        kind = "name word" if in_names else "description word" if in_texts else "no shared word"
        assert small.kinds[query_id] == kind, query


@pytest.mark.exhaustive
def test_the_large_collection_has_whole_docstrings_and_more_than_60_000_chunks(large, small, wordllama):
    assert (large.passage, large.chunk_size) == (None, LARGE_CHUNK_SIZE)
    assert (large.queries, large.qrels) == (small.queries, small.qrels)
    texts = [document.text for document in large.documents]
    assert len(set(texts)) == len(texts)
    assert max(map(len, texts)) > 20_000, "docstrings are not cut"
    characters = Counter()
    for document in large.documents:
        characters[document.metadata["source"]] += len(document.text)
    assert min(characters.values()) > 800_000 and max(characters.values()) < 0.25 * characters.total()
    min_chunks = sum(-(-count // LARGE_CHUNK_SIZE) for count in wordllama.count_tokens(texts))
    assert 60_000 <= min_chunks <= 100_000  # a chunk has no more tokens than that


def test_reading_again_gives_the_same_list_and_imports_nothing(small):
    again = read_python_docs(("networkx",))
    assert again == [d for d in small.documents if d.metadata["source"] == "networkx"]
    code = (
        "import sys; from retriever.datasets.python_docs.docstrings import read_python_docs; before = set(sys.modules);"
        "found = read_python_docs(('networkx',), whole=True); print(len(found));"
        "new = {name.partition('.')[0] for name in set(sys.modules) - before}; assert 'networkx' not in new"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True)
    assert int(done.stdout) > len(again) > 500


def test_what_progress_raises_ends_the_reading():
    def stop(fraction):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        read_python_docs(progress=stop)


def test_missing_package_is_a_clear_error():
    for read in (read_python_docs, package_versions):
        with pytest.raises(CollectionError, match="no_such_package is not installed"):
            read(("python", "no_such_package"))


def test_package_versions_name_every_package():
    versions = package_versions(MORE_DOCUMENTED_PACKAGES)
    assert tuple(versions) == MORE_DOCUMENTED_PACKAGES
    assert versions["python"].startswith("3.") and all(version[0].isdigit() for version in versions.values())


@pytest.mark.parametrize(
    ("name", "words"),
    [
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
        ("\n    Use ``x`` instead.\n\n    .. deprecated:: 1.2\n    ", "Use ``x`` instead.\n\n.. deprecated:: 1.2"),
        ("Sum it up.\n\nArgs:\n    {input}\n    dim (int)\n\n%(notes)s\n", "Sum it up.\n\nArgs:\n    dim (int)"),
        ("Stub.", ""),
    ],
)
def test_whole_docstrings_stay_as_written(doc, text):
    assert _whole_docstring(doc) == text
