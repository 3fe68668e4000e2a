"""The entry point of the app: run `python app.py`, then open the address it prints."""

import os

os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ |= {  # of events; never viewed
    "GRADIO_ANALYTICS_ENABLED": "False",
    "GRADIO_ANALYTICS_CACHE_FREQUENCY": "1000000",
    "GRADIO_ANALYTICS_MAX_EVENTS": "10",
}

from ui.jobs.shared_samples import SharedSamples  # after the settings above

shared_samples = SharedSamples()
if __name__ == "__main__":
    shared_samples.begin()  # before Gradio is imported, which takes seconds

from ui.hosting.process_folder import make_process_folder
from ui.hosting.server import Server
from ui.lessons.measuring import LessonMeasurements
from ui.log_capture import start_logging
from ui.milvus.server import lab_milvus
from ui.page import build_page

START_DELAY = 1  # seconds before the samples are prepared, so that the page is served first

make_process_folder()  # before the page is built, which stores the folder's name
lessons, milvus = LessonMeasurements(shared_samples), lab_milvus()
demo = build_page(shared_samples, lessons, milvus)

if __name__ == "__main__":
    start_logging()
    shared_samples.start(delay=START_DELAY)
    Server(demo, shared_samples, lessons, milvus).run()
