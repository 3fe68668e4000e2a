"""The load test in full: python tests/load/run.py --visitors 30 --seconds 60

Starts app.py on a free port, lets one visitor see every answer, then a crowd without builds, then a crowd of which some
build collections; then every build is repeated by a visitor who is alone. Prints tables, and exits with 1 where
something failed, was wrong, overlapped or took longer than the targets.
"""

import argparse
import asyncio
import contextlib
import os
import resource
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parents[1])]

import report  # noqa: E402 - the path comes first
from crowd import alone, builds_alone, crowd, wrong_answers  # noqa: E402
from lab_server import LabServer, busy_seconds, overlaps  # noqa: E402

TARGETS = {"without builds": 0.6, "while five build": 1.5}  # seconds, 95th percentile of slide and search
COLLECTION = "Python docs"
SAMPLED = 0.5  # seconds between two looks at the memory


def main(options):
    server = LabServer(options.cache, environment=dict(setting.split("=", 1) for setting in options.set))
    try:
        server.wait()
        print(f"The server is process {server.process.pid} on port {server.port}.", flush=True)
        return asyncio.run(_phases(server, options))
    finally:
        server.stop()


async def _phases(server, options):
    failed = []
    start = time.monotonic()
    reference = await alone(server.port, COLLECTION)
    print(f"\n## One visitor alone ({time.monotonic() - start:.0f} s from the start)\n")
    print(report.actions(reference, wrong_answers(reference, reference)))
    failed += [f"alone: {failure}" for failure in reference.failures]
    for name, target in TARGETS.items():
        builders = options.builders if name != "without builds" else 0
        if name in options.skip:
            continue
        use, memory = _use(server), []
        watch = asyncio.create_task(_watch(server, memory))
        notes, took = await crowd(
            server.port, COLLECTION, visitors=options.visitors, seconds=options.seconds, builders=builders
        )
        watch.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watch
        again = await builds_alone(server.port, notes)
        wrong = wrong_answers(notes, reference, again)
        print(
            f"\n## {options.visitors} visitors {name}, {options.seconds} s and {took - options.seconds:.0f} s to the end\n"
        )
        print(report.actions(notes, wrong), "\n")
        print(report.mistakes(notes, wrong), "\n")
        if notes.waits:
            print("Words to those who waited:", *sorted(notes.waits), "\n")
        print(report.latencies(reference, notes), "\n")
        print(_machine(server, use, memory, took))
        failed += [f"{name}: {failure}" for failure in (*notes.failures, *again.failures)]
        failed += [f"{name}: wrong {mistake[:3]}" for mistake in wrong]
        for action in ("slide", "search"):
            if (found := report.percentile(notes.seconds[action], 0.95)) > target:
                failed.append(f"{name}: {action} p95 {found:.2f} s, target {target} s")
    sections = server.timed_sections()
    pairs = overlaps(sections)
    print(
        f"\n{sum(what == 'alone' for what, *_ in sections)} timed sections, {len(sections)} with batches of heavy work;",
        end=" ",
    )
    print(f"overlaps: {len(pairs)}. Peak memory of the server: {server.megabytes('VmHWM'):.0f} MB.")
    failed += [f"overlap: {pair}" for pair in pairs]
    print(
        "\nFAILED:" if failed else "\nAll as wanted.",
        *failed[:20],
        f"({len(failed)} in all)" if failed else "",
        sep="\n",
    )
    return bool(failed)


def _use(server):
    own = resource.getrusage(resource.RUSAGE_SELF)
    return time.monotonic(), server.processor_seconds(), own.ru_utime + own.ru_stime, busy_seconds()


def _machine(server, before, memory, took):
    """Say what the server and the visitors used of the machine."""
    passed, used, own, all_of_it = (now - then for now, then in zip(_use(server), before, strict=True))
    here, children = zip(*memory, strict=True)
    return (
        f"The server used {used / passed:.2f} of {os.cpu_count()} cores, the visitors {own / passed:.2f}, whatever else runs "
        f"on this machine {max(0, all_of_it - used - own) / passed:.2f}. Memory of the server: at most {max(here):.0f} MB, "
        f"of processes it started {max(children):.0f} MB."
    )


async def _watch(server, memory):
    while True:
        memory.append((server.megabytes("VmRSS"), server.megabytes_of_children()))
        await asyncio.sleep(SAMPLED)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--visitors", type=int, default=30)
    parser.add_argument("--builders", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument(
        "--cache", default=str(Path.home() / ".cache" / "dense-retrieval-lab"), help="kept between runs"
    )
    parser.add_argument("--skip", nargs="*", default=[], choices=list(TARGETS), help="leave a phase out")
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE", help="environment of the server")
    sys.exit(main(parser.parse_args()))
