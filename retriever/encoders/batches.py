"""Batches of texts of about equal length in tokens, encoded on all cores of the CPU or in one stream on a GPU."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import AbstractContextManager, nullcontext

from retriever.encoders.device import CPU
from retriever.fair_lock import MACHINE_LOCK

BATCH_TOKENS = 600  # padded tokens per batch: some tenths of a second on one core, so that other threads wait little
BATCH_TEXTS = 64
GPU_BATCH_TOKENS = 16_384  # a GPU takes its cores' work from one batch, which must be large enough for all of them
GPU_BATCH_TEXTS = 512


def autocast(bfloat16: bool) -> AbstractContextManager[object]:
    """Return a context in which PyTorch computes on the CPU in bfloat16, or one that changes nothing."""
    if not bfloat16:
        return nullcontext()
    import torch

    return torch.autocast("cpu", dtype=torch.bfloat16)


def encode_in_batches(
    encode_rows: Callable[[list[int]], None],
    lengths: Sequence[int],
    device: str,
    progress: Callable[[float], None] | None,
) -> None:
    """Encode the texts of all rows: encode_rows does those of a batch, lengths are those of the texts in tokens.

    progress: called with the fraction of tokens encoded, in [0, 1]; an exception it raises ends the work.
    """
    limits = (BATCH_TOKENS, BATCH_TEXTS) if device == CPU else (GPU_BATCH_TOKENS, GPU_BATCH_TEXTS)
    batches = list(token_batches(lengths, *limits))
    if len(batches) == 1:  # a query or two: not worth a thread
        encode_rows(batches[0])
    elif batches:
        run_parallel(encode_rows, batches, lengths, progress, threads=os.cpu_count() if device == CPU else 1)
    if progress:
        progress(1.0)


def token_batches(lengths: Sequence[int], most_tokens: int, most_texts: int) -> Iterator[list[int]]:
    """Yield batches of row numbers, longest texts first, each of a bounded number of padded tokens and of texts."""
    rows = sorted(range(len(lengths)), key=lambda row: -lengths[row])
    start = 0
    while start < len(rows):
        size = max(1, min(most_texts, most_tokens // max(1, lengths[rows[start]])))
        yield rows[start : start + size]
        start += size


def run_parallel(
    work: Callable[[list[int]], None],
    batches: list[list[int]],
    lengths: Sequence[int],
    progress: Callable[[float], None] | None,
    *,
    threads: int | None,
) -> None:
    """Run work on each batch in some threads, each on one core; after an error no batch is left running."""

    def run_batch(rows: list[int]) -> int:
        with MACHINE_LOCK.shared():
            work(rows)
        return sum(lengths[row] for row in rows)

    done, total = 0, sum(lengths)
    with ThreadPoolExecutor(threads, "encode", initializer=_use_one_thread) as pool:
        try:
            for future in as_completed([pool.submit(run_batch, rows) for rows in batches]):
                done += future.result()
                if progress and done < total:
                    progress(done / total)
        finally:
            pool.shutdown(cancel_futures=True)


def _use_one_thread() -> None:
    """Limit this thread to one core; the setting is per thread, so that other threads keep theirs."""
    import torch

    torch.set_num_threads(1)
