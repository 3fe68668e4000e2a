"""What a piece of the page contains: its elements, its words, the files in its links, or nothing new."""

import base64
import gc
import html
import json
import re
import warnings
from html.parser import HTMLParser

import gradio as gr
import plotly.graph_objects as go

from ui.blocks import LabBlocks


class Elements(HTMLParser):
    """The elements of some HTML, their attributes with their values, and all text."""

    def __init__(self, source):
        super().__init__()
        self.tags, self.attributes, self.values, self.words = [], [], [], []
        self.feed(source)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]
        self.values += [value for _, value in attrs]

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self):
        return "".join(self.words)


def assert_harmless(source):
    found = Elements(source)
    assert not {"img", "script"} & set(found.tags)
    assert not [name for name in found.attributes if name.startswith("on")]


def words_of(source):
    """Return the text of some HTML on one line."""
    return " ".join(Elements(str(source).replace("<small>", " <small>")).text.split())


def content_of(link):
    return base64.b64decode(re.search(r'href="data:[^;]+;base64,([^"]+)"', link).group(1)).decode()


def files_of(source):
    """Return the files that links contain: name -> content."""
    links = re.findall(r'<a class="lab-download" download="([^"]+)" (href="[^"]+")', source)
    return {html.unescape(name): content_of(link) for name, link in links}


def figure_of(plot):
    """Return what is drawn as a Plotly figure, which refuses what Plotly does not know."""
    return go.Figure(json.loads(plot.plot))


def number(written):
    """Return a number as the page writes it, with a minus sign."""
    return float(written.replace("−", "-"))


def build_tab(build, *arguments):
    """Return what a function builds in a page of its own, and the page: handlers need no server."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # Gradio leaves an event loop to the garbage collector
        with LabBlocks() as page:
            built = build(gr.State(), *arguments)
        gc.collect()
    return built, page
