"""From python app.py to a usable page, against only importing Gradio, and to the Python docs with an empty cache."""

import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.app_process import App
from benchmarks.protocol import Comparison, Target, interleaved, wall
from benchmarks.report import Stage, main

IMPORT = "import gradio"


def run(full: bool) -> Stage:
    """Start the app and ask for its page until it comes, or until the sample of its first screen is ready."""
    with tempfile.TemporaryDirectory() as cache:

        def start() -> float:
            with App(Path(cache)) as app:
                return app.wait_for_page()

        cases = {
            "retriever": start,
            IMPORT: wall(lambda: subprocess.run([sys.executable, "-c", IMPORT], check=True)),
        }
        values = interleaved(cases, 7 if full else 2)
    cold = interleaved({"retriever": _start_without_cache}, 5 if full else 1)
    return Stage(
        "Start to page",
        [
            Comparison("python app.py to its page", "s", values, [Target(1.3, IMPORT)]),
            Comparison("python app.py to the Python docs, with an empty cache", "s", cold, [Target(20.0)]),
        ],
    )


def _start_without_cache() -> float:
    with tempfile.TemporaryDirectory() as cache, App(Path(cache)) as app:
        return app.wait_for_sample("python_docs")


if __name__ == "__main__":
    main(run)
