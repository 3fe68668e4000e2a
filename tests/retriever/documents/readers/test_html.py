"""HTML pages: what a browser shows of them is read, in blocks that stay apart, and what is not read is named."""

import pytest

from retriever.documents.readers.html.encoding import codec_of
from retriever.documents.readers.html.reader import MAX_TAGS, read_html
from retriever.errors import DocumentError

OWLS = "Owls hunt at night on silent wings, and the barn owl finds a vole by its ears alone in the dark."


def read(page, encoding="utf-8"):
    """Return what a page's reader finds, and its one section."""
    content = read_html(page if isinstance(page, bytes) else page.encode(encoding))
    [section] = content.sections
    return content, section


def text_of(body, encoding="utf-8"):
    """Return the text of a page with such a body."""
    return read(f"<html><head><title>Owls</title></head><body>{body}</body></html>", encoding)[1].text


# --- encodings -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("label", "codec"),
    [
        ("latin1", "cp1252"),
        ("ISO-8859-1", "cp1252"),
        (" us-ascii ", "cp1252"),
        ("iso-8859-9", "cp1254"),
        ("TIS-620", "cp874"),
        ("gb2312", "gb18030"),
        ("x-gbk", "gb18030"),
        ("ks_c_5601-1987", "cp949"),
        ("euc-kr", "cp949"),
        ("Shift_JIS", "cp932"),
        ("x-sjis", "cp932"),
        ("windows-31j", "cp932"),
        ("big5", "big5hkscs"),
        ("iso88592", "iso8859-2"),
        ("iso-8859-8-i", "iso8859-8"),
        ("x-cp1251", "cp1251"),
        ("x-mac-cyrillic", "mac-cyrillic"),
        ("utf-16", "utf-8"),
        ("unicode_escape", ""),
        ("zlib", ""),
        ("no\0ne", ""),
    ],
)
def test_a_label_means_what_browsers_take_it_for(label, codec):
    assert codec_of(label) == codec


@pytest.mark.parametrize(
    ("head", "encoding", "words"),
    [
        ('<meta charset="iso-8859-7">', "iso8859-7", "γλαύκα"),
        ("<meta charset=latin1>", "cp1252", "“5 €” – don’t"),
        ("<META http-equiv=Content-Type content='text/html; charset = gb2312'>", "gb18030", "朱镕基的猫头鹰喆"),
        ("<meta content='text/html;charset=euc-kr' http-equiv='content-type'>", "cp949", "똠방각하"),
        ("<meta charset=shift_jis>", "cp932", "①丸数字と髙橋"),
        ("<meta charset=iso-2022-jp>", "iso2022_jp", "夜のふくろう"),
        (
            "<script><meta charset=koi8-r></script><!--<meta charset=koi8-r>--><meta charset=cp1250>",
            "cp1250",
            "sóweczka śpi",
        ),
        ("<meta name=description content='charset=koi8-r'><meta charset=windows-1254>", "cp1254", "Işık yağmurlu"),
        ("<meta charset=iso-8859-1>", "utf-8", "Grüße – schön"),
        ("<meta charset=utf-8>", "utf-16", "γλαύκα"),
        ("<meta charset=koi8-r>", "utf-8-sig", "γλαύκα"),
    ],
)
def test_a_page_is_read_in_the_encoding_that_it_declares(head, encoding, words):
    content, section = read(
        f"<html><head>{head}<title>{words}</title></head><body><p>{words}</p></body></html>", encoding
    )
    assert (section.title, section.text, content.notes) == (words, words, [])


def test_an_xml_declaration_names_the_encoding():
    page = '<?xml version="1.0" encoding="iso-8859-2"?><html><title>Sowa</title><p>Żółta sowa śpi.</p></html>'
    assert read(page, "iso8859-2")[1].text == "Żółta sowa śpi."


def test_bytes_that_a_declared_encoding_lacks_are_replaced_and_counted():
    page = f"<meta charset=utf-8><p>{'Große Eulen jagen nächtlich. ' * 20}</p>".encode() + b"<p>\xff</p>"
    content, section = read(page)
    assert "Große Eulen jagen nächtlich." in section.text and section.text.endswith("\ufffd")
    assert content.notes == ["Characters that are not valid in the declared encoding, utf-8, were replaced: 1."]


@pytest.mark.parametrize("head", ["", "<meta charset=nonsense>", "<meta charset=utf-8>"])
def test_without_a_true_declaration_the_encoding_is_guessed_and_said(head):
    page = f"<html><head>{head}</head><body><p>Une chouette dort là-haut, l’été comme l’hiver.</p></body></html>"
    content, section = read(page, "cp1252")
    assert "là-haut" in section.text and "guess" in content.notes[0]


# --- blocks --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("<h1>Owls</h1><p>One.</p><p>Two\n <b>bold</b>  words.</p>", "Owls\n\nOne.\n\nTwo bold words."),
        ("<div>Hoot</div><div>Screech</div>", "Hoot\nScreech"),
        (f"<div>{OWLS}</div><div>{OWLS}</div>", OWLS + "\n" + OWLS),
        (f"<div>{OWLS * 2}</div><div>Next</div>", OWLS * 2 + "\n\nNext"),
        ("<p>a<br>b<br><br>c</p>", "a\nb\n\nc"),
        ("<ul><li>One<ul><li>Deep</li></ul><li>Two</ul>End", "- One\n\n- Deep\n\n- Two\n\nEnd"),
        ("<ol start=3><li>Three</li><li><p>Four</p></li><li value=9>Nine</li></ol>", "3. Three\n\n4. Four\n\n9. Nine"),
        (
            "<ol type=a><li value=26>Z<li>AA</ol><ol style='list-style: inside upper-roman'><li>One</ol>",
            "z. Z\naa. AA\n\nI. One",
        ),
        ("<ol reversed><li>Two<li>One</ol><ol style=list-style-type:none><li>Bare</ol>", "2. Two\n1. One\n\n- Bare"),
        ("<dl><dt>Owl<dd>A bird<dt>Vole<dd>Its food</dl>", "Owl\nA bird\nVole\nIts food"),
        ("<table><tr><th>Owl<th>Wings<tr><td><p>Barn</p><td>2</table>", "Owl | Wings\nBarn | 2"),
        ("<table><tr><td><p>A</p><p>B</p></td><td>C</td></tr></table>", "A\n\nB\n\nC"),
        ("<pre>  def owl():\n      hoot</pre>x", "  def owl():\n      hoot\n\nx"),
        ("<p>Owls<p>hunt<hr>here", "Owls\n\nhunt\n\nhere"),
        ("<select><option>A</option></select><label>Name</label><label>Town</label>", "Name Town"),
        ("<a href=a>Hoot</a><a href=b>Nest</a>", "Hoot Nest"),
        ("<span style='display: block'>A</span><span style='display:block'>B</span>", "A\nB"),
        ("<my-card>A</my-card><my-card>B</my-card>", "A B"),
        ("<p>Was <del>30</del> <ins>22</ins> EUR, in<b>divi</b>sible</p>", "Was 30 22 EUR, indivisible"),
        ("<p><ruby>梟<rp>(</rp><rt>ふくろう</rt><rp>)</rp></ruby></p>", "梟(ふくろう)"),
        ("<p>one</br>two&nbsp;&nbsp;three</p>", "one\ntwo three"),
        ("<h2>Nests<a class=headerlink href=#nests>¶</a></h2>", "Nests"),
    ],
)
def test_blocks_lines_items_and_cells_are_apart_and_words_are_whole(body, text):
    assert text_of(body) == text


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("H<sub>2</sub>O, 10<sup>6</sup> and 5<sup>th</sup>", "H2O, 10^6 and 5th"),
        ("3<sup>1</sup>/<sub>2</sub> cups, m<sup>2</sup>, Ca<sup>2+</sup>", "3 1/2 cups, m^2, Ca^2+"),
        ("in 2020<sup><a href=#n>1</a></sup>", "in 2020[1]"),
        ("log<sub>10</sub>, 101<sub>2</sub>, x<sub>i+1</sub>", "log10, 101_2, x_i+1"),
        ("<math><mi>a</mi><mo>≠</mo><mn>0</mn></math>", "a ≠ 0"),
        ("<math><munder><mi>lim</mi><mi>x</mi></munder><msub><mi>y</mi><mn>1</mn></msub></math>", "lim_x y1"),
        ("<math><mfrac><mi>b</mi><mrow><mn>2</mn><mi>a</mi></mrow></mfrac></math>", "b/(2a)"),
        ("<math><msup><mi>x</mi><mrow><mi>n</mi><mo>+</mo><mn>1</mn></mrow></msup></math>", "x^(n + 1)"),
        ("<math><mn>2</mn><mfrac><mn>1</mn><mn>3</mn></mfrac></math>", "2 1/3"),
        ("<math><msqrt><mi>x</mi></msqrt><mo>=</mo><msup><mi>y</mi><mn>2</mn></msup></math>", "√x = y^2"),
        ("<math><mi>sin</mi><mo>\u2061</mo><mi>x</mi></math>", "sin x"),
        ("<math alttext='E=mc^2'></math>", "E=mc^2"),
        (
            "<math><semantics><mrow></mrow><annotation encoding='application/x-tex'>{\\displaystyle e^{x}}</annotation>"
            "</semantics></math>",
            "e^{x}",
        ),
        ("<span style='display:none'><math><mi>x</mi></math></span><img alt='x' class=math aria-hidden=true>", "x"),
        ("<img class=mathimage alt='\\frac{a}{b}'>", "\\frac{a}{b}"),
        ("<script type='math/tex'>a^2</script>", "a^2"),
        ("<span class=MathJax>a2</span><script type='math/tex'>a^2</script>", "a2"),
        ("<span class=k><math><mi>x</mi></math></span><span aria-hidden=true>x</span>", "x"),
    ],
)
def test_formulas_are_kept_as_a_line_of_text(body, text):
    assert text_of(f"<p>{body}</p>") == text


# --- what is left out ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "hidden",
    [
        "<script>evil()</script>",
        "<style>.evil{}</style>",
        "<template><p>evil</p></template>",
        "<noscript>evil</noscript>",
        "<p hidden>evil</p>",
        "<p style='color:red; display : none'>evil</p>",
        "<dialog>evil</dialog>",
        "<svg><title>evil</title><desc>evil</desc></svg>",
        "<i aria-hidden=true>evil</i>",
    ],
)
def test_what_a_browser_does_not_show_is_not_read(hidden):
    assert text_of(f"<p>Owls{hidden} hunt.</p>").split() == ["Owls", "hunt."]


def test_much_text_that_is_hidden_is_said():
    content, section = read(f"<h1>Where do owls nest?</h1><p>{OWLS}</p><div hidden><p>{OWLS * 3}</p></div>")
    assert section.text.count(OWLS) == 1 and "Hidden parts" in content.notes[0]
    assert not read(f"<p>{OWLS}</p><div hidden><script>{OWLS * 9}</script>Menu</div>")[0].notes


MENU = "".join(f"<li><a href=/{number}>Section {number}</a></li>" for number in range(40))


@pytest.mark.parametrize(
    "before",
    [
        f"<nav><ul>{MENU}</ul></nav>",
        f"<div role=navigation>{MENU}</div>",
        f"<div id=main-menu><ul>{MENU}</ul></div>",
        f"<header><p>The owl society of the whole county</p>{MENU}</header>",
        "<footer><p>All rights of the owl society are reserved.</p></footer>",
        "<aside>Read this as well: the larks of the county</aside>",
        "<div class='cookie-banner'>We use cookies to make this site work as it should. <button>Accept</button></div>",
        "<div class=sidebar>The owl of the week is the tawny owl</div>",
    ],
)
def test_menus_footers_side_columns_and_cookie_banners_stay_out(before):
    assert text_of(f"{before}<h1>Owls</h1><p>{OWLS}</p><p>{OWLS}</p>") == f"Owls\n\n{OWLS}\n\n{OWLS}"


def test_lists_of_links_at_the_start_are_left_out_with_a_note_and_those_in_the_text_stay():
    page = f"<body><table><tr><td>{MENU}</td></tr></table><h1>Owls</h1><p>{OWLS * 12}</p><ul>{MENU}</ul><p>{OWLS}</p>"
    content, section = read(page)
    assert section.text.startswith("Owls") and section.text.count("Section 7") == 1
    assert "taken for menus" in content.notes[0]


@pytest.mark.parametrize("body", [f"<ul>{MENU}</ul>", f"<nav>{MENU}</nav>", f"<div class=toc>{MENU}</div><p>Index</p>"])
def test_a_page_of_links_is_read_whole(body):
    assert text_of(body).count("Section") == 40


def test_the_marked_main_part_is_read_and_a_large_rest_is_said():
    content, section = read(f"<body><div>Weather: fog</div><main><h1>Owls</h1><p>{OWLS * 3}</p></main>")
    assert "fog" not in section.text and content.notes == []
    content, section = read(f"<body><p>{OWLS}</p><main><h1>Owls</h1><p>{OWLS}</p><p>{OWLS}</p></main>")
    assert section.text.count(OWLS) == 2 and "67%" in content.notes[0]


@pytest.mark.parametrize("name", ["class=comments", "id=answers", "class=reply-list"])
def test_answers_and_comments_are_kept(name):
    answers = f"<div {name}><div>Try the old barn first.</div><div>Or the church tower.</div></div>"
    for page in (
        f"<div id=question><p>{OWLS}</p></div>{answers}",
        f"<main><p>{OWLS}</p></main><section>{answers}</section>",
        f"<main><p>{OWLS}</p></main><aside {name}>{answers}</aside>",
    ):
        assert text_of(page) == f"{OWLS}\n\nTry the old barn first.\nOr the church tower."


def test_tables_of_numbers_are_kept():
    rows = "".join(f"<tr><td>{year}</td><td>{year % 7}</td></tr>" for year in range(1900, 2000))
    assert text_of(f"<p>Owls that were seen</p><table>{rows}</table>").count(" | ") == 100


@pytest.mark.parametrize(
    ("page", "title"),
    [
        ("<title>A  page</title><h1>Other</h1><p>Owls", "A page"),
        ("<div><svg><title>Icon</title></svg><h1><a href=#>Harbour <b>owls</b></a></h1><p>Owls</div>", "Harbour owls"),
        ("<p>Owls", ""),
    ],
)
def test_the_title_is_that_of_the_page_or_its_heading(page, title):
    assert read(page)[1].title == title


# --- pages whose text is elsewhere ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "page",
    [
        "<noscript>You need to enable JavaScript.</noscript><div id=root></div><script>render('Boots')</script>",
        "<div id=app>Loading…</div><script src=app.js></script>",
        "<p>This site requires JavaScript to be turned on.</p><script src=app.js></script>",
    ],
)
def test_a_page_that_scripts_fill_is_refused_with_what_to_do(page):
    with pytest.raises(DocumentError, match=r"No text .* JavaScript .* save it from a browser"):
        read_html(page.encode())


def test_a_short_page_that_asks_for_scripts_says_that_text_may_be_missing():
    content, _ = read("<p>The owl shop</p><noscript>Please enable JavaScript</noscript><script>shop()</script>")
    assert "may be missing" in content.notes[0]
    assert read(f"<p>{OWLS * 9}</p><noscript>Please enable JavaScript</noscript>")[0].notes == []


def test_frames_are_named():
    with pytest.raises(DocumentError, match=r"\(toc.html, my owls.html\): upload"):
        read_html(b"<frameset><frame src=a/toc.html><frame src='my%20owls.html?x=1'><noframes>No</noframes></frameset>")
    content, _ = read("<p>Owls</p><iframe src='owls_files/nest.html'></iframe><iframe src=about:blank></iframe>")
    assert (
        list(content.unread) == ["the frames in the page"] and "(nest.html)" in content.unread["the frames in the page"]
    )
    content, _ = read(f"<p>{OWLS * 9}</p><iframe src=https://video.example/embed/42></iframe>")
    assert not content.unread and "(42)" in content.notes[0]


def test_a_page_that_is_nested_too_deeply_is_read_to_there_and_says_so():
    content, section = read("<p>Owls hunt.</p>" + "<div>" * 3000 + "deep")
    assert section.text == "Owls hunt." and "nested too deeply" in content.unread["the end of the page"]
    assert text_of("<div>" * 1000 + "deep" + "</div>" * 1000) == "deep"


def test_of_a_very_long_page_all_is_read():
    content, section = read("<nav>Menu</nav>" + "<i>a</i> " * (MAX_TAGS // 2))
    assert section.text.startswith("Menu") and "tags" in content.notes[0]
