"""Chunking 5 MB (1 MB in the quick form), against only tokenizing the same text once with the model's own tokenizer."""

from functools import partial

from tokenizers import Tokenizer

from benchmarks.data import texts_of
from benchmarks.protocol import Comparison, Target, interleaved, wall
from benchmarks.report import Stage, main
from retriever.chunking.chunker import chunk_documents
from retriever.documents.document import Document
from retriever.encoders.loading import load_encoder

MODEL, PEER = "all-MiniLM-L6-v2", "tokenizers encode_batch_fast"
SIZE, FILE = 200, 50_000  # tokens of a chunk; characters of a file


def run(full: bool) -> Stage:
    """Chunk the same text as many short documents, as a hundred files and as one."""
    encoder = load_encoder(MODEL)
    fast = getattr(encoder.model.tokenizer, "backend_tokenizer", encoder.model.tokenizer)
    tokenizer = Tokenizer.from_str(fast.to_str())
    tokenizer.no_truncation()
    tokenizer.no_padding()
    texts = texts_of(5 if full else 1)
    whole = "\n\n".join(texts)
    files = [whole[start : start + FILE] for start in range(0, len(whole), FILE)]
    comparisons = []
    for case, parts in ((f"{len(texts):,} docstrings", texts), (f"{len(files)} files", files), ("one file", [whole])):
        documents = [Document(str(number), text) for number, text in enumerate(parts)]
        cases = {
            "retriever": wall(partial(chunk_documents, documents, encoder=encoder, chunk_size=SIZE)),
            PEER: wall(partial(tokenizer.encode_batch_fast, parts)),
        }
        comparisons.append(Comparison(case, "s", interleaved(cases, 9 if full else 3), [Target(1.5, PEER)]))
    data = {"text": f"{len(whole) / 1e6:.1f} million characters of docstrings"}
    return Stage(
        f"Chunking {len(whole) / 1e6:.0f} MB",
        comparisons,
        data,
        {"model": MODEL, "chunk_size_tokens": SIZE, "chunk_overlap": 0},
    )


if __name__ == "__main__":
    main(run)
