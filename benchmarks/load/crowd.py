"""Groups of visitors: a crowd that acts at the same time, one visitor alone, and a crowd's builds repeated alone."""

import asyncio
import itertools
import time

from benchmarks.load.notes import Notes
from benchmarks.load.visitor import BUILDS, EFS, QUESTIONS, SEARCHED, K, Visitor, text_of

THINK = (1.5, 4.0)  # seconds a visitor looks at what is shown
MEASURED = 0.05  # share of the actions after which the endpoint is called too
ERRORS = (TimeoutError, ConnectionError, LookupError, OSError)


async def alone(port, collection, *, efs=EFS, rounds=2):
    """Let one visitor see every answer that a crowd may request of the shared sample; return the notes."""
    notes = Notes()
    visitor = Visitor(port, 0, notes)
    await visitor.arrive(collection)
    for _ in range(rounds):
        for ef in efs:
            await visitor.slide([ef])
    for ef in efs:
        await visitor.measure(K, ef)
    for question, (k, ef) in itertools.product(QUESTIONS, SEARCHED):
        await visitor.search(question, k, ef)
    await visitor.leave()
    return notes


async def crowd(port, collection, *, visitors, seconds, builders=0, builds=BUILDS, efs=EFS, think=THINK, seed=1):
    """Let visitors arrive together and act for some seconds; return the notes, and the seconds until all have ended."""
    notes = Notes()
    here = [Visitor(port, 1 + number, notes, seed) for number in range(visitors)]
    await asyncio.gather(*(visitor.arrive(collection) for visitor in here))
    begin = time.monotonic()

    async def stay(visitor, builds):
        try:
            act = _build(visitor, builds, efs, think) if builds else _look(visitor, efs, think)
            async for _ in act:
                if time.monotonic() - begin > seconds:
                    return
        except ERRORS as error:
            notes.failures.append((visitor.number, "visitor", f"{type(error).__name__}: {error}"))

    await asyncio.gather(*(stay(visitor, builds if row < builders else ()) for row, visitor in enumerate(here)))
    took = time.monotonic() - begin
    await asyncio.gather(*(visitor.leave() for visitor in here))
    return notes, took


async def builds_alone(port, notes):
    """Repeat a crowd's builds and questions with one visitor after the other; return the notes."""
    found = Notes()
    asked = {}
    for collection, what, values, _ in notes.answers:
        if collection in notes.built:
            asked.setdefault(collection, {}).setdefault(what, set()).add(values)
    for collection, (number, text, model, how) in notes.built.items():
        visitor = Visitor(port, number, found)
        await visitor.arrive()
        if await visitor.build(text, model, how):
            for _, ef in sorted(asked[collection].get("recall", ())):
                await visitor.slide([ef])
            for question, k, ef in sorted(asked[collection].get("search", ())):
                await visitor.search(question, k, ef)
        await visitor.leave()
    return found


async def _look(visitor, efs, think):
    """Move ef in a burst or ask a question, then pause, repeatedly; no two visitors act in step."""
    await _pause(visitor, (0, 2 * think[1]))
    while True:
        if visitor.random.random() < 0.5:
            await _burst(visitor, efs)
        else:
            await visitor.search(visitor.random.choice(QUESTIONS), *visitor.random.choice(SEARCHED))
        if visitor.random.random() < MEASURED:
            await visitor.measure(K, visitor.random.choice(efs))
        yield
        await _pause(visitor, think)


async def _build(visitor, builds, efs, think):
    """Build a collection, move ef and ask a question on it, repeatedly."""
    for number in itertools.count():
        sentences, model, how = builds[(number + visitor.number) % len(builds)]
        text = text_of(visitor.marker, sentences, number)
        if await visitor.build(text, model, how):
            await _burst(visitor, efs)
            await visitor.search(visitor.random.choice(QUESTIONS), *visitor.random.choice(SEARCHED))
        yield
        await _pause(visitor, (0.5, 1.0))


async def _burst(visitor, efs):
    """Move ef over some values, up or down, as a hand that drags the slider does."""
    count, stride = visitor.random.randint(3, 6), visitor.random.randint(1, max(1, len(efs) // 8))
    first = visitor.random.randrange(len(efs))
    values = [efs[number] for number in range(first, len(efs), stride)][:count]
    await visitor.slide(values if visitor.random.random() < 0.5 else values[::-1])


async def _pause(visitor, seconds):
    await asyncio.sleep(visitor.random.uniform(*seconds))
