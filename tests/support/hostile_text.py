"""Texts that would change a page, a figure or a table if they were not shown as text, and checks that they are."""

import re
from collections import Counter

from tests.support.page import Elements

IMG = "<img src=x onerror=window.hacked=1>"
HOSTILE = {
    "script": "<script>window.hacked=1</script><SCRIPT SRC=//x.example></SCRIPT>",
    "image": IMG,
    "svg": "<svg onload=window.hacked=1><animate onbegin=window.hacked=1 attributeName=x>",
    "iframe": '<iframe srcdoc="<script>parent.hacked=1</script>"></iframe>',
    "link": '<a href="javascript:window.hacked=1">x</a> javascript:window.hacked=1',
    "double quotes": '" onmouseover="window.hacked=1" x="',
    "single quotes": "' onfocus='window.hacked=1' autofocus x='",
    "back quotes": "`-window.hacked-` </textarea></title></style></pre></p></td></table></div></details>" + IMG,
    "comment": f"--><!-->{IMG}<!--",
    "section": f"]]>{IMG}<![CDATA[ <?xml ?> <!DOCTYPE x [<!ENTITY y 'z'>]> &y;",
    "template": "${window.hacked=1} `${window.hacked=1}` @children",
    "handlebars": '{{constructor.constructor("window.hacked=1")()}} {{{value}}} {{#each value}}',
    "format": "%s %(x)s %{x} %{customdata} {0.__class__} {value} {",
    "pseudo-tags": "<b>b</b><br><i>i</i><sub>s</sub><a href='https://x.example' target='_self'>a</a><extra></extra>",
    "entities": "&lt;img src=x onerror=window.hacked=1&gt; &amp;lt; &#60;b&#62; &#x3c;b&#x3e; &nbsp;",
    "formula": r"$\href{javascript:window.hacked=1}{x}$ $$y$$ \(z\) =1+1",
    "markdown": "[x](javascript:window.hacked=1) ![x](https://x.example/x.png) `code` **b** # h | cell",
    "nul": f"a\0<\0b>\0{IMG}",
    "turned": f"\u202e{IMG}\u202d\u2066\u2067\u2068",
    "zero width": "zero\u200bwidth\u200d\ufeff<\u200bscript>",
    "half a pair": f"\ud83d{IMG}\udc00",
    "lines": "one\ntwo\r\nthree\tfour\u2028five\x0bsix",
    "long": "x" * 10_000,
}
SPREAD_OUT = {"details", "summary", "p"}  # a long text is shown as its beginning, which opens


def seen(given):
    """Return a hostile text as a page can show it."""
    marks = str.maketrans({"\0": "\ufffd", **dict.fromkeys("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")})
    return re.sub("[\ud800-\udfff]", "\ufffd", given.translate(marks))


def structure(source):
    """Count elements and attributes, that is all but the text."""
    found = Elements(source)
    return Counter(tag for tag in found.tags if tag not in SPREAD_OUT), Counter(found.attributes)


def assert_shown_as_text(render, hostile, *, times=1):
    """Check that a visitor's text changes nothing but the words, and appears among these unchanged."""
    source = render(hostile)
    assert structure(source) == structure(render("word"))
    lines = {"\r\n": "\n", "\r": "\n"}  # as every parser of HTML reads them
    wanted, found = seen(hostile), Elements(source).text
    for old, new in lines.items():
        wanted, found = wanted.replace(old, new), found.replace(old, new)
    assert found.count(wanted) >= times
    source.encode()  # else the answer never reaches the page


def as_plotly(label):
    """Return a label as Plotly shows it, by its documentation: split at tags, then entities decoded."""
    assert not re.search(r"\$.*\$", label, re.DOTALL), "a formula, where MathJax is loaded"
    parts = re.split(r"(<[^<>]*>)", label)
    names = {"amp": "&", "lt": "<", "gt": ">"}

    def decode(found):
        return chr(int(found[1][1:])) if found[1].startswith("#") else names[found[1]]

    return [re.sub(r"&(#\d+|[a-z]+);", decode, part) for part in parts[::2]], parts[1::2]
