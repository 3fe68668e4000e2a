"""The real app, served from this process on a free port, for tests that talk to it."""

import gc
import warnings
from contextlib import contextmanager

# Gradio's own: its queue keeps statistics with options that pandas 3 has deprecated, and its Blocks and its search for
# a free port leave an event loop and a socket to the garbage collector.
GRADIO_WARNINGS = (
    "ignore:'future.no_silent_downcasting' is deprecated:pandas.errors.Pandas4Warning:gradio",
    "ignore:The copy keyword is deprecated:pandas.errors.Pandas4Warning:gradio",
)


@contextmanager
def served(preparation):
    """Serve the page as app.py does and give its address."""
    from ui.demo import build_demo
    from ui.style import CSS, THEME

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        demo = build_demo(preparation)
        _, url, _ = demo.launch(
            theme=THEME, css=CSS, footer_links=[], ssr_mode=False, prevent_thread_lock=True, quiet=True
        )
        gc.collect()
    try:
        yield url.rstrip("/")
    finally:
        demo.close(verbose=False)
