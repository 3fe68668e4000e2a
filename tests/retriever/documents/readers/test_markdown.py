"""Titles of Markdown files: front matter, headings, and what looks like a heading and is none."""

import time

import pytest

from retriever.documents.readers.markdown import read_md


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("intro\n\n## Second level ##\n# First level\n", "Second level"),
        ("Underlined\r\n==========\r\ntext", "Underlined"),
        ("Two lines\nof a heading\n---\n", "Two lines of a heading"),
        ("- a list\n---\n# After a rule\n", "After a rule"),
        ("no #heading here\n", ""),
        ("#\n# Notes on C#\n", "Notes on C#"),
        ("# Tides <!-- id: 7 -->\n", "Tides"),
    ],
)
def test_the_title_is_the_first_heading(text, title):
    (section,) = read_md(text.encode()).sections
    assert (section.title, section.text) == (title, text.replace("\r\n", "\n"))


@pytest.mark.parametrize(
    "front",
    [
        '---\n# options\nlayout: page\ntitle: "Boat: a guide" # shown\n---\n',
        "---\ntitle: >\n  Boat:\n  a guide\ntags: [a]\n...\n",
        "+++\n[extra]\n+++\n\n# Boat: a guide\n",
        "+++\ndraft = true\ntitle = 'Boat: a guide'\n+++\n",
        "---\n# only a comment\n---\n# Boat: a guide\n",
        "---\n\nA rule, and text.\n\n# Boat: a guide\n\n---\n",
        "---\nlayout: page\n\n# Boat: a guide\n",
    ],
)
def test_front_matter_gives_the_title_and_is_no_heading(front):
    (section,) = read_md(f"{front}\n# Other\n".encode()).sections
    assert (section.title, section.text) == ("Boat: a guide", f"{front}\n# Other\n")


@pytest.mark.parametrize(
    "block",
    [
        "```sh\n# no heading\n```",
        "~~~\n# no heading\n```\n# no heading\n~~~~",
        "`````md\n```sh\n# no heading\n```\n# no heading\n`````",
        "- ```sh\n  # no heading\n  ```",
        "   ```\n# no heading\n    ```",
        "    # indented code",
        "<!--\n# no heading\n\n# no heading\n-->",
        "<!-- one line -->",
        "<pre>\n# no heading\n\n# no heading\n</pre>",
    ],
)
def test_code_and_comments_hold_no_headings(block):
    assert read_md(f"{block}\n\n# Tides\n".encode()).sections[0].title == "Tides"


def test_inline_code_opens_no_block():
    assert read_md(b"``` inline ``` text\n# Tides\n").sections[0].title == "Tides"


@pytest.mark.parametrize("piece", ["a\n", "```\n~~~\n", "<!--\n", "# \t", "- " * 9, "---\na: b\n", "title:\n "])
def test_hostile_markdown_is_read_in_linear_time(piece):
    start = time.thread_time()
    read_md(piece.encode() * (2_000_000 // len(piece)))
    assert time.thread_time() - start < 10
