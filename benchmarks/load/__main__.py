"""The load test in full: python -m benchmarks.load --visitors 30 --seconds 60

Starts app.py on a free port, waits until its samples are ready, leads classes of 40 and 200 students, lets one visitor
see every answer, then a crowd without builds, then a crowd of which some build collections; then every build is made
again by a visitor who is alone. Writes tables, and exits with 1 where something failed, was wrong, overlapped or took
longer than the targets.

The targets of a class are seconds. Those of a crowd are ratios to the 95th percentile of the visitor who was alone in
the same run, as seconds depend on the machine. A loop of fixed work, timed while the lab rests, says how much else the
machine did in each phase.
"""

import argparse
import asyncio
import contextlib
import os
import resource
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from benchmarks.load import report
from benchmarks.load.classroom import lesson
from benchmarks.load.crowd import alone, builds_alone, crowd
from benchmarks.load.lab_server import LabServer, busy_seconds, overlaps
from benchmarks.load.notes import wrong_answers

PHASES = ("without builds", "while some build")
RATIOS = {30: 6, 100: 15}  # visitors -> the 95th percentile of slide and search, as a multiple of the lone visitor's
CALIBRATION = 30  # repetitions of the loop of fixed work
CLASS_SECONDS = 1.0  # the 95th percentile of joining, predicting and seeing a reveal
COLLECTION = "Python docs"
SAMPLED = 0.5  # seconds between two measurements of the memory
SHOWN = 20  # lines printed of what was not as wanted
ROOM = {
    "LAB_MAX_SESSIONS": "500",
    "LAB_MAX_ADDRESS_SESSIONS": "500",
}  # visitors who left count for a while, and every phase has its own


def main(options):
    """Run the phases in a folder that is deleted at the end; return whether something was not as wanted."""
    with tempfile.TemporaryDirectory(prefix="load-") as folder:
        return measured(options, folder)


def measured(options, folder):
    """Start the server and run the phases; return whether anything was not as wanted."""
    server = LabServer(options.cache, folder, environment=ROOM | dict(setting.split("=", 1) for setting in options.set))
    try:
        server.wait()
        server.wait_for_samples()
        say(f"The server is process {server.process.pid} on port {server.port}; its log is {server.log}.")
        failed = asyncio.run(phases(server, options))
        memory = server.megabytes("VmHWM")
    finally:
        server.stop()
    sections = server.timed_sections()
    pairs = overlaps(sections)
    failed += [f"overlap: {pair}" for pair in pairs]
    timed = sum(what == "alone" for what, *_ in sections)
    say(
        f"\n{timed} timed sections, {len(sections) - timed} batches of heavy work, {len(pairs)} overlaps. "
        f"Peak memory of the server: {memory:.0f} MB."
    )
    say("\n".join(["\nNot as wanted:", *failed[:SHOWN], f"({len(failed)} in all)"]) if failed else "\nAll as wanted.")
    return bool(failed)


async def phases(server, options):
    """Run the phases: classes, one visitor alone, then the crowds; return what was not as wanted."""
    failed = [what for students in options.classes for what in await class_phase(server, students)]
    return failed if set(options.skip) == set(PHASES) else failed + await crowds(server, options)


async def class_phase(server, students):
    """Run a class of so many students; return what was not as wanted."""
    loops, use, memory = [calibrate()], used(server), []
    watch = asyncio.create_task(look_at_memory(server, memory))
    notes = await lesson(server.port, students=students)
    machine = words_of_use(use, used(server), memory)
    watch.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await watch
    loops.append(calibrate())
    say(f"\n## A class of {students}\n", report.actions(notes, []), "", report.mistakes(notes, []), "")
    say(machine, words_of_loops(loops))
    slow = {what: report.percentile(notes.seconds[what], 0.95) for what in ("join", "predict", "reveal")}
    found = [f"{what} p95 {seconds:.2f} s" for what, seconds in slow.items() if seconds > CLASS_SECONDS]
    return [f"a class of {students}: {what}" for what in [*notes.failures, *found]]


async def crowds(server, options):
    """Let one visitor see every answer alone, then the crowds; return what was not as wanted."""
    loops = [calibrate()]
    reference = await alone(server.port, COLLECTION)
    loops.append(calibrate())
    say("\n## One visitor alone\n", report.actions(reference, []), "", words_of_loops(loops))
    failed = [f"alone: {failure}" for failure in reference.failures]
    for name in PHASES:
        if name in options.skip:
            continue
        loops = [calibrate()]
        builders = options.builders if name == "while some build" else 0
        use, memory = used(server), []
        watch = asyncio.create_task(look_at_memory(server, memory))
        notes, took = await crowd(
            server.port, COLLECTION, visitors=options.visitors, seconds=options.seconds, builders=builders
        )
        machine = words_of_use(use, used(server), memory)
        watch.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watch
        loops.append(calibrate())
        again = await builds_alone(server.port, notes)
        wrong = wrong_answers(notes, reference, again)
        title = f"\n## {options.visitors} visitors {name} ({builders}), {options.seconds} s, at rest after {took:.0f} s"
        say(title, "", report.actions(notes, wrong), "", report.mistakes(notes, wrong), "")
        ratios, target = report.ratios(reference, notes), allowed_ratio(options.visitors)
        words = ", ".join(f"{action} {ratio:.1f}" for action, ratio in ratios.items())
        say(report.latencies(reference, notes), "", machine, words_of_loops(loops))
        say(f"95th percentile as a multiple of the lone visitor's: {words}; target {target:g}.")
        found = [*notes.failures, *again.failures, *(f"wrong: {mistake[:3]}" for mistake in wrong)]
        found += [f"{action} p95 {ratio:.1f} times that alone" for action, ratio in ratios.items() if ratio > target]
        failed += [f"{name}: {what}" for what in found]
    return failed


def allowed_ratio(visitors):
    """Return the target for a number of visitors; between and beyond those of RATIOS it grows in proportion."""
    (few, low), (many, high) = sorted(RATIOS.items())
    return max(low, low + (high - low) * (visitors - few) / (many - few))


def calibrate():
    """Return the median milliseconds that a loop of fixed work takes; the lab is at rest meanwhile."""
    took = []
    for _ in range(CALIBRATION):
        start = time.perf_counter()
        sum(number * number for number in range(100_000))
        took.append(1000 * (time.perf_counter() - start))
    return median(took)


def words_of_loops(loops):
    before, after = loops
    return f"The loop of fixed work took {before:.1f} ms before and {after:.1f} ms after this phase."


def used(server):
    """Return the time, and the processor seconds of the server, of the visitors and of the whole machine."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    return time.monotonic(), server.processor_seconds(), own.ru_utime + own.ru_stime, busy_seconds()


def words_of_use(before, after, memory):
    """Return how much of the machine the server and the visitors used: a busy one makes everything slower."""
    passed, of_server, own, whole = (now - then for now, then in zip(after, before, strict=True))
    here, children = zip(*memory, strict=True)
    others = max(0, whole - of_server - own)
    return (
        f"Of {os.cpu_count()} cores the server used {of_server / passed:.2f}, the visitors {own / passed:.2f}, the "
        f"rest of the machine {others / passed:.2f}. Memory of the server: at most {max(here):.0f} MB, of the "
        f"processes it started {max(children):.0f} MB."
    )


async def look_at_memory(server, memory):
    """Record the memory of the server and of the processes it started, repeatedly."""
    while True:
        memory.append((server.megabytes("VmRSS"), server.megabytes_of_children()))
        await asyncio.sleep(SAMPLED)


def say(*lines):
    """Write lines and flush them, so that the progress can be watched."""
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--visitors", type=int, default=30)
    parser.add_argument("--builders", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument(
        "--classes", type=int, nargs="*", default=[40, 200], help="students of a class, one after another"
    )
    parser.add_argument("--cache", default=str(Path.home() / ".cache/dense-retrieval-lab"), help="kept between runs")
    parser.add_argument("--skip", nargs="*", default=[], choices=PHASES, help="leave a phase out")
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE", help="environment of the server")
    sys.exit(main(parser.parse_args()))
