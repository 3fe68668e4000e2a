"""Run records and tables as downloads; no text in a CSV file becomes a formula. Pure functions."""

import base64
import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence

from retriever.json_text import write_json
from retriever.run_record import RunRecord
from ui.render.html import HINT, Html
from ui.render.numbers import count_of, format_megabytes
from ui.take_home.script import TakeHome, why_not

SIGN, BLANK = r"[=+\-@＝＋－＠]", r"\s\"\0\u200b-\u200f\ufeff"  # what begins a formula, and what may stand before it
FORMULA = re.compile(rf"[{BLANK}]*{SIGN}|[\t\r]")  # at the beginning of a cell
INNER_FORMULA = re.compile(rf"(?<![{BLANK};])[{BLANK};]+(?={SIGN})")
RECORD = Html('<pre class="lab-record" role="region" aria-label="Run record" tabindex="0">{}</pre>')


def record_section(run: RunRecord) -> Html:
    """Return a run record as HTML, with links to it, and to a script and a notebook that measure it again."""
    links = [
        download_link("run-record.json", "application/json", run.to_json(), "JSON"),
        download_link("run-record.md", "text/markdown", run.to_markdown(), "Markdown"),
    ]
    return downloads("Download", links) + _measure_again(run) + RECORD.format(run.to_json())


def _measure_again(run: RunRecord) -> Html:
    """Return links to a record's script and notebook, or why there are none; nothing for a record without a kind."""
    if not run.kind:
        return Html()
    if reason := why_not(run):
        return HINT.format(reason)
    made = TakeHome(run)
    links = [
        download_link(f"{made.name}.py", "text/x-python", made.script, "Python script"),
        download_link(f"{made.name}.ipynb", "application/x-ipynb+json", made.notebook, "Jupyter notebook"),
    ]
    return downloads("Take it home and measure it again", links)


def folded_record(run: RunRecord) -> Html:
    """Return a run record as HTML, folded until it is opened."""
    return Html("<details><summary>Run record</summary>{}</details>").format(record_section(run))


def result_downloads(rows: Sequence[Mapping[str, object]]) -> Html:
    """Return links to rows as CSV and as JSON."""
    links = [
        download_link("results.csv", "text/csv", rows_to_csv(rows), "CSV"),
        download_link("results.json", "application/json", rows_to_json(rows), "JSON"),
    ]
    return downloads("Download these results", links)


def downloads(words: str, links: Iterable[Html]) -> Html:
    """Return a line of links with words before it."""
    return Html('<div class="lab-downloads">{}: {}</div>').format(words, Html().join(links))


def download_link(name: str, kind: str, content: str, label: str) -> Html:
    """Return a link that contains its file: nothing is stored on the server, nobody else can fetch it."""
    raw = content.encode("utf-8", "replace")  # a lone surrogate, which UTF-8 cannot hold, becomes a question mark
    data = base64.b64encode(raw).decode()
    size = count_of(len(raw), "byte") if len(raw) < 1000 else f"{len(raw) / 1000:.1f} kB"
    if len(data) > 100_000:
        size = format_megabytes(len(data))
    link = Html('<a class="lab-download" download="{}" href="data:{};base64,{}">{} ({})</a>')
    return link.format(name, kind, data, label, size)


def rows_to_csv(rows: Sequence[Mapping[str, object]]) -> str:
    """Return rows as CSV in which a spreadsheet takes no text for a formula."""
    file = io.StringIO()
    if rows:
        writer = csv.DictWriter(file, list(rows[0]), quoting=csv.QUOTE_NONNUMERIC)
        writer.writeheader()
        for row in rows:
            writer.writerow({key: _defuse_formula(value) for key, value in row.items()})
    return file.getvalue()


def rows_to_json(rows: Sequence[Mapping[str, object]]) -> str:
    """Return rows as JSON."""
    return write_json(list(rows), indent=2, default=str) + "\n"


def _defuse_formula(value: object) -> object:
    """Return a value with an apostrophe before what would be a formula; numbers stay numbers.

    Where the list separator is a semicolon, spreadsheets split cells there and at line ends, whatever the quotes say,
    so a formula may also begin inside a text. Source: OWASP, CSV injection.
    """
    if not isinstance(value, str):
        return value
    marked = INNER_FORMULA.sub(_mark_formula, value)
    return f"'{marked}" if FORMULA.match(value) else marked


def _mark_formula(before: re.Match[str]) -> str:
    """Return what stands before a formula, with an apostrophe if it ends a cell or a line."""
    return f"{before[0]}'" if set(before[0]) & set(";\r\n") else before[0]
