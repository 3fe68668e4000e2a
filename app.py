"""Start the lab: python app.py, then open the address it prints."""

import os

os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ |= {"GRADIO_ANALYTICS_ENABLED": "False", "GRADIO_ANALYTICS_CACHE_FREQUENCY": "1000000"}  # nobody looks

from ui.demo import build_demo  # noqa: E402 - the settings above come first
from ui.log import write_to  # noqa: E402
from ui.preparation import Preparation  # noqa: E402
from ui.server import Server  # noqa: E402
from ui.temporary import own_folder  # noqa: E402

START_DELAY = 3  # seconds: the page is served first, then the samples are prepared

own_folder()  # before the page is made, which keeps its name
preparation = Preparation()
demo = build_demo(preparation)

if __name__ == "__main__":
    write_to()
    preparation.start(delay=START_DELAY)
    Server(demo, preparation).run()
