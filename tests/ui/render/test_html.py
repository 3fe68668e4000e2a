"""HTML is safe by construction: hostile text of every kind is shown as text, whatever puts it into the page."""

import re

import pytest
from jinja2 import UndefinedError

from tests.support.hostile_text import HOSTILE, as_plotly, assert_shown_as_text, seen
from tests.support.page import Elements
from ui.render.html import TEMPLATES, Html, plotly_text, render, writable_text

NAMED = Html('<i title="{0}">{0}</i>')
WAYS = {
    "template": lambda given: render("header.html", facts={given: given}, own=False),
    "sentence": lambda given: NAMED.format(given),
    "sum": lambda given: NAMED.format("") + given,
    "list": lambda given: Html("<br>").join([given, given]),
    "sentence in a template": lambda given: render("header.html", facts={"of": NAMED.format(given)}, own=False),
}
each_kind = pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)


@each_kind
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_what_is_put_into_html_is_shown_as_text(way, hostile):
    assert_shown_as_text(way, hostile)
    assert not set("\0\u202e\u2066") & set(way(hostile))


@each_kind
def test_no_text_leaves_its_attribute(hostile):
    assert Elements(NAMED.format(hostile)).values == [seen(hostile)]
    assert Elements(f"<i title='{Html.escape(hostile)}'>").values == [seen(hostile)]


@each_kind
def test_what_was_shown_as_text_is_text_again(hostile):
    assert Html("<b>{}</b>").format(hostile).striptags() == " ".join(seen(hostile).split())
    assert writable_text(hostile).encode()


@each_kind
def test_plotly_shows_a_text_as_text(hostile):
    assert as_plotly(plotly_text(hostile)) == ([seen(hostile)], [])


def test_html_stays_html():
    bold = Html("<b>{}</b>").format(Html("<i>x</i>"))
    assert bold == "<b><i>x</i></b>" and isinstance(bold, Html)
    assert bold in render("header.html", facts={"of": bold}, own=False)


def test_a_template_that_lacks_a_value_is_an_error_and_none_goes_round_escaping():
    with pytest.raises(UndefinedError):
        render("header.html")
    sources = [path.read_text(encoding="utf-8") for path in TEMPLATES.rglob("*.html")]
    assert len(sources) > 5 and not [source for source in sources if re.search(r"\bsafe\b|\bautoescape\b", source)]
