"""The real app, served from this process on a free port, for tests that send requests to it."""

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
def served(shared_samples):
    """Serve the page as app.py does and yield its address."""
    with server_of(shared_samples) as server:
        yield server.address


@contextmanager
def server_of(shared_samples):
    """Serve the page as app.py does and yield the server."""
    from ui.hosting.server import Server
    from ui.page import build_page

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        server = Server(build_page(shared_samples), shared_samples)
        server.address = server.start(quiet=True)
        gc.collect()
    try:
        yield server
    finally:
        server.stop(tell=0)
