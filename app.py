"""Start the lab: python app.py, then open the address it prints."""

import os

os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ |= {"GRADIO_ANALYTICS_ENABLED": "False", "GRADIO_ANALYTICS_CACHE_FREQUENCY": "1000000"}  # nobody looks

from ui.hosting.process_folder import make_process_folder  # noqa: E402 - the settings above come first
from ui.hosting.server import Server  # noqa: E402
from ui.jobs.shared_samples import SharedSamples  # noqa: E402
from ui.log import start_logging  # noqa: E402
from ui.page import build_page  # noqa: E402

START_DELAY = 3  # seconds: the page is served first, then the samples are prepared

make_process_folder()  # before the page is made, which keeps its name
shared_samples = SharedSamples()
demo = build_page(shared_samples)

if __name__ == "__main__":
    start_logging()
    shared_samples.start(delay=START_DELAY)
    Server(demo, shared_samples).run()
