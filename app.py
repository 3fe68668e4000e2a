"""Start the lab: python app.py, then open the address it prints."""

import os

os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

from ui.demo import build_demo  # noqa: E402 - the settings above come first
from ui.preparation import Preparation  # noqa: E402
from ui.style import CSS, THEME  # noqa: E402

START_DELAY = 3  # seconds: the page is served first, then the samples are prepared

preparation = Preparation()
demo = build_demo(preparation)

if __name__ == "__main__":
    preparation.start(delay=START_DELAY)
    demo.launch(theme=THEME, css=CSS, footer_links=[], ssr_mode=False)
