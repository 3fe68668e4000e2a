"""Word documents: what is text, what it is numbered with, what is named as not read, and files of other programs."""

import io
import zipfile

import docx
import pytest

from retriever.documents.loading import load_documents
from retriever.documents.readers.docx.reader import read_docx
from retriever.documents.readers.numerals import write_number
from retriever.errors import DocumentError

OOXML = "http://schemas.openxmlformats.org"
STRICT = "http://purl.oclc.org/ooxml"
W = f"{OOXML}/wordprocessingml/2006/main"
RELATIONS = f"{OOXML}/officeDocument/2006/relationships"
SPACES = {
    "w": W,
    "r": RELATIONS,
    "m": f"{OOXML}/officeDocument/2006/math",
    "a": f"{OOXML}/drawingml/2006/main",
    "pic": f"{OOXML}/drawingml/2006/picture",
    "c": f"{OOXML}/drawingml/2006/chart",
    "dgm": f"{OOXML}/drawingml/2006/diagram",
    "mc": f"{OOXML}/markup-compatibility/2006",
    "v": "urn:schemas-microsoft-com:vml",
    "o": "urn:schemas-microsoft-com:office:office",
    "x": "urn:example",
}
DECLARED = " ".join(f'xmlns:{prefix}="{space}"' for prefix, space in SPACES.items())


def element(name, content):
    return f"<{name} {DECLARED}>{content}</{name}>"


def relations(**targets):
    """Return relationships: kind__id=target."""
    lines = (
        f'<Relationship Id="{one.split("__")[-1]}" Type="{RELATIONS}/{one.split("__")[0]}" Target="{target}"/>'
        for one, target in targets.items()
    )
    return f'<Relationships xmlns="{OOXML}/package/2006/relationships">{"".join(lines)}</Relationships>'


def word(body, parts=None, *, main="word/document.xml", **targets):
    """Write a Word document by hand. parts: name -> content; targets: relationships of the main part."""
    folder, _, name = main.rpartition("/")
    members = {
        "_rels/.rels": relations(officeDocument=main),
        main: element("w:document", f"<w:body>{body}</w:body>"),
        f"{folder}/_rels/{name}.rels": relations(**targets),
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for member, content in (members | (parts or {})).items():
            archive.writestr(member.strip("/"), content)
    return buffer.getvalue()


def run(text, properties=""):
    return f'<w:r><w:rPr>{properties}</w:rPr><w:t xml:space="preserve">{text}</w:t></w:r>'


def paragraph(text="", properties="", inside=""):
    return f"<w:p><w:pPr>{properties}</w:pPr>{run(text) if text else ''}{inside}</w:p>"


def text_of(data):
    (section,) = read_docx(data).sections
    return section.text


def made_by(document):
    """Return a document of python-docx as bytes."""
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


# --- blocks ----------------------------------------------------------------------------------------------------------


def test_paragraphs_and_tables_are_kept_in_order():
    document = docx.Document()
    document.add_paragraph("Before the table.")
    document.add_heading("Owls", 1)
    table = document.add_table(rows=3, cols=2)
    for cell, text in zip(table._cells, ("Name", "Wing\nspan", "Barn owl", "85 cm", "", ""), strict=True):
        cell.text = text
    table.cell(1, 0).add_table(rows=1, cols=1).cell(0, 0).text = "nested"
    document.add_paragraph("After\tthe table.")
    (section,) = read_docx(made_by(document)).sections
    assert section.title == "Owls"
    assert section.text == "Before the table.\n\nOwls\n\nName | Wing span\nBarn owl nested | 85 cm\n\nAfter\tthe table."


def test_a_frame_of_one_cell_keeps_its_paragraphs_apart():
    cell = paragraph("Tides") + paragraph("High water at six.")
    assert text_of(word(f"<w:tbl><w:tr><w:tc>{cell}</w:tc></w:tr></w:tbl>")) == "Tides\n\nHigh water at six."


def test_a_text_box_is_a_block_of_its_own_and_is_read_once():
    box = f"<w:txbxContent>{paragraph('Closed on Monday')}</w:txbxContent>"
    copies = f"<mc:Choice Requires='wps'><w:drawing>{box}</w:drawing></mc:Choice><mc:Fallback>{box}</mc:Fallback>"
    inside = f"<w:r><mc:AlternateContent>{copies}</mc:AlternateContent></w:r>{run('The harbour is open.')}"
    assert text_of(word(paragraph(inside=inside))) == "The harbour is open.\n\nClosed on Monday"
    cell = f"<w:tbl><w:tr>{f'<w:tc>{paragraph(inside=inside)}</w:tc>' * 2}</w:tr></w:tbl>"
    assert text_of(word(cell)) == " | ".join(["The harbour is open. Closed on Monday"] * 2)


def test_content_controls_and_custom_xml_are_read_at_any_depth():
    def wrapped(content, depth=5):
        for _ in range(depth):
            content = f"<w:customXml><w:sdt><w:sdtPr/><w:sdtContent>{content}</w:sdtContent></w:sdt></w:customXml>"
        return content

    cells = wrapped(f"<w:tc>{wrapped(paragraph('pier'))}</w:tc>") + f"<w:tc>{paragraph('3')}</w:tc>"
    table = f"<w:tbl>{wrapped(f'<w:tr>{cells}</w:tr>')}</w:tbl>"
    body = wrapped(paragraph(inside=wrapped(run("In a ") + wrapped(run("control"))))) + wrapped(table)
    assert text_of(word(body)) == "In a control\n\npier | 3"


def test_insertions_are_read_and_deletions_left_out_and_both_said():
    deleted = "<w:del><w:r><w:delText>gone</w:delText></w:r></w:del><w:moveFrom><w:r><w:t>gone</w:t></w:r></w:moveFrom>"
    ended = "<w:rPr><w:del/></w:rPr>"  # of a paragraph whose end was deleted
    body = [
        paragraph(inside=f"<w:ins>{run('kept ')}</w:ins>{deleted}{run('too')}"),
        paragraph("One ", ended),
        paragraph("sentence."),
        f"<w:del>{paragraph('gone')}</w:del>",
        paragraph("Last", ended),
    ]
    content = read_docx(word("".join(body)))
    assert content.sections[0].text == "kept too\n\nOne sentence.\n\nLast"
    assert any("tracked changes" in note for note in content.notes)


def test_a_large_initial_is_one_with_its_word():
    initial = paragraph("T", '<w:framePr w:dropCap="drop"/>')
    assert text_of(word(initial + paragraph("he tide turns."))) == "The tide turns."


def test_what_fields_show_is_read_and_what_they_are_told_is_not():
    def field(instructions, shown="", data=""):
        told = f"<w:r><w:fldChar w:fldCharType='begin'>{data}</w:fldChar></w:r>{instructions}"
        return (
            f"{told}<w:r><w:fldChar w:fldCharType='separate'/></w:r>{shown}<w:r><w:fldChar w:fldCharType='end'/></w:r>"
        )

    def told(text):
        return f"<w:r><w:instrText>{text}</w:instrText></w:r>"

    condition = told("IF ") + field(told("MERGEFIELD n"), run("unseen")) + told(' = 1 "a" "b"')
    box = "<w:ffData><w:checkBox><w:default w:val='0'/><w:checked/></w:checkBox></w:ffData>"
    choices = "<w:listEntry w:val='red'/><w:listEntry w:val='green'/>"
    chosen = f"<w:ffData><w:ddList><w:result w:val='1'/>{choices}</w:ddList></w:ffData>"
    fields = [field(condition, run("b")), field("", "", box), field("", "", chosen), field("", run("red"), chosen)]
    assert text_of(word(paragraph(inside=run(" ").join(fields)))) == "b ☒ green red"
    never_closed = "<w:r><w:fldChar w:fldCharType='begin'/></w:r>" * 30
    assert text_of(word(paragraph(inside=never_closed) + paragraph(inside=field("", run("shown"))))) == "shown"


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        (r"EQ \f(1,2)", "1/2"),
        (r" eq \f(1;2) ", "1/2"),
        (r"EQ x\s\up8(2)+\r(3,a+b)", "x^2+∛[a+b]"),
        (r"EQ \r(\f(a,b+1))", "√[a/[b+1]]"),
        (r"EQ \x(what)", r"\x(what)"),
    ],
)
def test_an_equation_field_is_read_as_it_has_no_result(told, shown):
    begin, turn, end = (f"<w:r><w:fldChar w:fldCharType='{kind}'/></w:r>" for kind in ("begin", "separate", "end"))
    told = f"{begin}<w:r><w:instrText>{told}</w:instrText></w:r>"
    for inside, text in ((told + end, shown), (told + turn + end, shown), (told + turn + run("7") + end, "7")):
        assert text_of(word(paragraph("so ", inside=inside))) == f"so {text}"


def test_a_pronunciation_stands_in_parentheses():
    ruby = f"<w:r><w:ruby><w:rt>{run('とうきょう')}</w:rt><w:rubyBase>{run('東京')}</w:rubyBase></w:ruby></w:r>"
    assert text_of(word(paragraph(inside=ruby))) == "東京(とうきょう)"


# --- characters ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("font", "code", "sign"),
    [
        ("Symbol", "F070", "π"),
        ("Symbol", "0070", "π"),
        ("Symbol", "F0B1", "±"),
        ("Wingdings", "F0FE", "☑"),
        ("Wingdings", "F0E0", "→"),
        ("Wingdings 2", "F050", "✓"),
        ("Segoe UI Symbol", "2612", "☒"),
        ("Nobody's Font", "F041", ""),
        ("Symbol", "no number", ""),
    ],
)
def test_symbols_are_the_characters_that_they_show(font, code, sign):
    symbol = f'<w:r><w:sym w:font="{font}" w:char="{code}"/></w:r>'
    content = read_docx(word(paragraph(inside=run("a") + symbol + run("b"))))
    assert content.sections[0].text == f"a{sign}b"
    assert bool(content.notes) == (not sign)


def test_text_in_a_symbol_font_is_what_it_shows():
    inside = run("\uf06dg", '<w:rFonts w:ascii="Symbol"/>') + run(" \uf06d", '<w:rFonts w:ascii="Arial"/>')
    assert text_of(word(paragraph(inside=inside))) == "µγ \uf06d"


def test_raised_and_lowered_digits_do_not_run_into_what_is_before():
    up, down = (f'<w:vertAlign w:val="{shift}"/>' for shift in ("superscript", "subscript"))
    for inside, text in (
        (run("10") + run("6", up) + run(" units, x") + run("n", up), "10^6 units, x^n"),
        (run("10") + run("1", up) + run("2", up) + run("3", up), "10^123"),
        (run("the 1") + run("st", up) + run(" H") + run("2", down) + run("O"), "the 1st H2O"),
        (run("101") + run("2", down), "101_2"),
        (
            run("3") + run("1", up) + run("/") + run("2", down) + run(" cups, ") + run("1", up) + run("⁄4"),
            "3 1/2 cups, 1⁄4",
        ),
    ):
        assert text_of(word(paragraph(inside=inside))) == text
    styles = element("w:styles", f'<w:style w:type="character" w:styleId="Up"><w:rPr>{up}</w:rPr></w:style>')
    inside = run("m") + run("2", '<w:rStyle w:val="Up"/>')
    assert text_of(word(paragraph(inside=inside), {"word/styles.xml": styles}, styles="styles.xml")) == "m^2"


def symbols(text):
    return f"<m:r><m:t>{text}</m:t></m:r>"


def form(name, properties="", **parts):
    inside = "".join(f"<m:{part}>{content}</m:{part}>" for part, content in parts.items())
    return f"<m:{name}><m:{name}Pr>{properties}</m:{name}Pr>{inside}</m:{name}>"


X, N, SUM = symbols("x"), symbols("n"), symbols("a+b")


@pytest.mark.parametrize(
    ("equation", "text"),
    [
        (form("f", num=symbols("3"), den=symbols("4")), "3/4"),
        (form("f", num=SUM, den=form("sSup", e=X, sup=symbols("2"))), "(a+b)/(x^2)"),
        (form("f", num=X, den=symbols("2a")), "x/(2a)"),
        (form("sSup", e=X, sup=N) + symbols("y"), "x^n y"),
        (form("f", '<m:type m:val="noBar"/>', num=N, den=symbols("k")), "n¦k"),
        (form("sSup", e=form("d", e=SUM), sup=symbols("10")), "(a+b)^10"),
        (form("sSub", e=X, sub=symbols("1")), "x1"),
        (form("sSub", e=X, sub=symbols("i")), "x_i"),
        (form("sSubSup", e=X, sub=symbols("i"), sup=symbols("n+1")), "x_i^(n+1)"),
        (form("sPre", sub=symbols("92"), sup=symbols("235"), e=symbols("U")), "_92^235U"),
        (form("rad", '<m:degHide m:val="1"/>', deg="", e=SUM), "√(a+b)"),
        (form("rad", deg=symbols("3"), e=X), "∛x"),
        (form("rad", deg=N, e=X), "n√x"),
        (form("nary", '<m:chr m:val="∑"/>', sub=symbols("i=1"), sup=N, e=X), "∑_(i=1)^n x"),
        (form("nary", '<m:supHide m:val="on"/>', sub=symbols("D"), sup="", e=X), "∫_D x"),
        (form("d", '<m:begChr m:val="["/><m:endChr m:val=""/>', e=SUM), "[a+b"),
        (form("func", fName=symbols("sin"), e=X), "sin x"),
        (form("func", fName=form("limLow", e=symbols("lim"), lim=symbols("x→0")), e=X), "lim_x→0 x"),
        ("<m:m><m:mr><m:e>{0}</m:e><m:e>{0}</m:e></m:mr><m:mr><m:e>{1}</m:e></m:mr></m:m>".format(X, N), "x, x; n"),
        (form("acc", e=X), "x\u0302"),
        (form("bar", '<m:pos m:val="top"/>', e=X), "x\u0305"),
        (form("box", e=form("borderBox", e=symbols("𝑥𝟐"))), "x2"),
        (form("phant", '<m:show m:val="0"/>', e=X), ""),
    ],
)
def test_equations_are_written_in_a_line(equation, text):
    inside = run("so ") + f"<m:oMath>{equation}</m:oMath>" + run(".")
    assert text_of(word(paragraph(inside=inside))) == f"so {text}."


def test_equations_that_stand_alone_take_lines_of_their_own():
    alone = f"<m:oMathPara><m:oMath>{X}</m:oMath><m:oMath>{N}</m:oMath></m:oMathPara>"
    assert text_of(word(paragraph("where", inside=alone) + alone)) == "where\nx\nn\n\nx\nn"


# --- numbers ---------------------------------------------------------------------------------------------------------


def level(depth, text, number_format="decimal", more="", start=1):
    return (
        f'<w:lvl w:ilvl="{depth}"><w:start w:val="{start}"/><w:numFmt w:val="{number_format}"/>{more}'
        f'<w:lvlText w:val="{text}"/></w:lvl>'
    )


def numbered(items, levels, nums='<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num>', styles="", more=""):
    """Return the lines of paragraphs. items: text -> (list, level), or properties."""
    body = ""
    for text, place in items:
        if isinstance(place, tuple):
            place = f'<w:numPr><w:ilvl w:val="{place[1]}"/><w:numId w:val="{place[0]}"/></w:numPr>'
        body += paragraph(text, place)
    lists = f'<w:abstractNum w:abstractNumId="0">{"".join(levels)}</w:abstractNum>{more}{nums}'
    parts = {"word/numbering.xml": element("w:numbering", lists), "word/styles.xml": element("w:styles", styles)}
    return text_of(word(body, parts, numbering="numbering.xml", styles="styles.xml")).split("\n\n")


def test_clauses_are_numbered_and_deeper_levels_begin_anew():
    levels = [level(0, "%1."), level(1, "%1.%2"), level(2, "(%3)", "lowerLetter"), level(3, "%4)", "upperRoman")]
    places = [0, 1, 2, 2, 3, 1, 0, 1, 2]
    lines = numbered([("x", (1, place)) for place in places], levels)
    assert [line.split()[0] for line in lines] == ["1.", "1.1", "(a)", "(b)", "I)", "1.2", "2.", "2.1", "(a)"]


def test_a_level_can_go_on_where_others_begin_anew():
    for restart, last in ((0, "3"), (1, "1"), (2, "1")):
        levels = [level(0, "%1"), level(1, "%2"), level(2, "%3", more=f'<w:lvlRestart w:val="{restart}"/>')]
        lines = numbered([("x", (1, place)) for place in (0, 1, 2, 2, 0, 2)], levels)
        assert lines[-1] == f"{last} x"
    levels = [level(0, "%1"), level(1, "%2"), level(2, "%3", more='<w:lvlRestart w:val="1"/>')]
    assert numbered([("x", (1, place)) for place in (0, 1, 2, 1, 2)], levels)[-1] == "2 x"


def test_lists_of_one_kind_go_on_unless_one_begins_anew():
    nums = (
        '<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num><w:num w:numId="2"><w:abstractNumId w:val="0"/></w:num>'
        '<w:num w:numId="3"><w:abstractNumId w:val="0"/><w:lvlOverride w:ilvl="0"><w:startOverride w:val="7"/>'
        f'</w:lvlOverride><w:lvlOverride w:ilvl="1">{level(1, "%2]")}</w:lvlOverride></w:num>'
    )
    places = [(1, 0), (1, 0), (2, 0), (3, 0), (3, 0), (3, 1), (1, 0)]
    lines = numbered([("x", place) for place in places], [level(0, "%1)"), level(1, "%2)")], nums)
    assert [line.split()[0] for line in lines] == ["1)", "2)", "3)", "7)", "8)", "1]", "9)"]


def test_styles_number_their_paragraphs():
    def style(style_id, content, based_on=""):
        return (
            f'<w:style w:type="paragraph" w:styleId="{style_id}"><w:name w:val="heading {style_id}"/>'
            f'<w:basedOn w:val="{based_on}"/><w:pPr>{content}</w:pPr></w:style>'
        )

    place = '<w:numPr><w:numId w:val="1"/></w:numPr>'
    styles = style("1", place) + style("2", place) + style("3", "", "2") + style("4", "", "4")
    levels = [
        level(0, "Part %1", "upperRoman", '<w:pStyle w:val="1"/>'),
        level(1, "%1.%2", more='<w:pStyle w:val="2"/>'),
    ]
    none = '<w:numPr><w:numId w:val="0"/></w:numPr>'
    items = [
        ("x", f'<w:pStyle w:val="{one}"/>{more}') for one, more in ("1 ", "2 ", "3 ", ("2", none), "1 ", "2 ", "4 ")
    ]
    assert numbered(items, levels, styles=styles) == ["Part I x", "I.1 x", "I.2 x", "x", "Part II x", "II.1 x", "x"]
    legal = [levels[0], level(1, "%1.%2", more='<w:isLgl/><w:pStyle w:val="2"/>')]
    assert numbered(items[:2], legal, styles=styles)[1] == "1.1 x"


def test_a_list_may_be_that_of_a_style():
    styles = (
        '<w:style w:type="numbering" w:styleId="L"><w:pPr><w:numPr><w:numId w:val="5"/></w:numPr></w:pPr></w:style>'
    )
    linked = '<w:abstractNum w:abstractNumId="1"><w:numStyleLink w:val="L"/></w:abstractNum>'
    nums = (
        '<w:num w:numId="5"><w:abstractNumId w:val="0"/></w:num><w:num w:numId="1"><w:abstractNumId w:val="1"/></w:num>'
    )
    assert numbered([("x", (1, 0))], [level(0, "§ %1")], nums, styles, linked) == ["§ 1 x"]


def test_labels_are_as_word_shows_them():
    own = (
        '<mc:AlternateContent><mc:Choice Requires="w14"><w:numFmt w:val="custom" w:format="001, 002"/></mc:Choice>'
        '<mc:Fallback><w:numFmt w:val="decimal"/></mc:Fallback></mc:AlternateContent>'
    )
    levels = [
        level(0, "\uf0b7", "bullet"),
        level(1, "%2", more='<w:suff w:val="nothing"/>'),
        level(2, "", "none"),
        level(3, "%4.%5", start=4),
        level(4, "%5:").replace('<w:numFmt w:val="decimal"/>', own),
        level(5, "%6", more="<w:rPr><w:vanish/></w:rPr>"),
        level(6, "%7" + "-" * 10_000),
    ]
    lines = numbered([("x", (1, depth)) for depth in range(8)], levels)
    assert lines[:6] == ["• x", "1 x", "x", "4.001 x", "001: x", "x"]
    assert len(lines[6]) < 120 and lines[7] == "x"


def test_what_is_empty_has_no_line_but_a_number_unless_it_is_deleted_or_a_section_break():
    place = '<w:numPr><w:numId w:val="1"/></w:numPr>'
    items = [("a", place), ("", place), ("", f"{place}<w:rPr><w:del/></w:rPr>"), ("", f"{place}<w:sectPr/>")]
    items.append(("b", place))
    assert numbered(items, [level(0, "%1.")]) == ["1. a", "3. b"]


@pytest.mark.parametrize(
    ("number_format", "written"),
    [
        ("decimalZero", {4: "04", 14: "14"}),
        ("lowerRoman", {4: "iv", 1999: "mcmxcix"}),
        ("upperLetter", {1: "A", 26: "Z", 27: "AA", 53: "AAA", 10**8: "100000000"}),
        ("russianLower", {1: "а", 29: "я"}),
        ("ordinal", {1: "1st", 12: "12th", 22: "22nd", 113: "113th"}),
        ("cardinalText", {1: "One", 40: "Forty", 42: "Forty-two"}),
        ("ordinalText", {1: "First", 12: "Twelfth", 20: "Twentieth", 43: "Forty-third", 100: "100th"}),
        ("decimalEnclosedCircle", {1: "①", 20: "⑳", 21: "21"}),
        ("decimalFullWidth", {12: "１２"}),
        ("chineseCounting", {3: "三", 10: "十", 12: "十二", 20: "二十", 103: "一百零三", 10_000: "10000"}),
        ("ideographDigital", {105: "一〇五"}),
        ("ideographTraditional", {1: "甲", 11: "11"}),
        ("none", {3: ""}),
        ("unheardOf", {3: "3"}),
        ("lowerRoman", {0: "0"}),
    ],
)
def test_numbers_are_written_in_the_formats_of_word(number_format, written):
    assert {value: write_number(value, number_format) for value in written} == written


# --- notes, headers and footers --------------------------------------------------------------------------------------


def test_notes_follow_the_block_that_refers_to_them():
    def note(kind, note_id, text, more=""):
        return (
            f'<w:{kind} w:id="{note_id}" {more}>{paragraph(inside=f"<w:r><w:{kind}Ref/></w:r>{run(text)}")}</w:{kind}>'
        )

    def mark(kind, note_id, more=""):
        return f'<w:r><w:{kind}Reference w:id="{note_id}" {more}/></w:r>'

    parts = {
        "word/footnotes.xml": element("w:footnotes", note("footnote", 1, "By sea.") + note("footnote", 2, "Or air.")),
        "word/endnotes.xml": element("w:endnotes", note("endnote", 1, "Not on Sunday.")),
    }
    cell = f"<w:tc>{paragraph('Fare', inside=mark('endnote', 1))}</w:tc>"
    body = [
        paragraph("Goods come in", inside=mark("footnote", 2) + mark("footnote", 2) + run(".")),
        f"<w:tbl><w:tr>{cell}<w:tc>{paragraph('9')}</w:tc></w:tr></w:tbl>",
        paragraph("People", inside=mark("footnote", 1, 'w:customMarkFollows="1"') + run("*") + mark("footnote", 77)),
    ]
    text = text_of(word("".join(body), parts, footnotes="footnotes.xml", endnotes="endnotes.xml"))
    assert text == "Goods come in[1][1].\n\n[1] Or air.\n\nFare[i] | 9\n\n[i] Not on Sunday.\n\nPeople*\n\nBy sea."


def test_headers_and_footers_that_are_shown_come_once_and_last():
    names = {"a": "Harbour office", "b": "12", "c": "never shown", "d": "Harbour office", "e": "Page 1"}
    parts = {f"word/{name}.xml": element("w:hdr", paragraph(text)) for name, text in names.items()}
    kinds = {"a": "default", "b": "default", "c": "first", "d": "default", "e": "default"}
    references = "".join(f'<w:headerReference w:type="{kind}" r:id="{name}"/>' for name, kind in kinds.items())
    body = paragraph("Rules", f"<w:sectPr>{references}</w:sectPr>") + f"<w:sectPr>{references}</w:sectPr>"
    targets = {f"header__{name}": f"{name}.xml" for name in names}
    assert text_of(word(body, parts, **targets)) == "Rules\n\nHarbour office\n\nPage 1"


def test_comments_are_left_out_and_that_is_said():
    comments = element("w:comments", f"<w:comment>{paragraph('Really?')}</w:comment>")
    content = read_docx(word(paragraph("Rules"), {"word/comments.xml": comments}, comments="comments.xml"))
    assert content.sections[0].text == "Rules"
    assert content.notes == ["Comments of reviewers are left out (1)."]


# --- what stands in other parts --------------------------------------------------------------------------------------

PAGE = (
    '<html><head><meta charset="windows-1252"></head><body><nav>Café menu</nav><p>Written elsewhere.</p></body></html>'
)
WRITTEN = "Café menu\n\nWritten elsewhere."
ARCHIVE = (
    "MIME-Version: 1.0\nContent-Type: multipart/related; boundary=b\n\n--b\nContent-Type: text/html; charset=utf-8\n"
    f"Content-Transfer-Encoding: 8bit\n\n{PAGE}\n--b--\n"
)
IMPORTS = {
    "a.html": PAGE.encode("cp1252"),
    "b.mht": ARCHIVE,
    "c.txt": WRITTEN,
    "d.docx": word(paragraph("Café menu") + paragraph("Written elsewhere.")),
    "e.dat": PAGE.encode("cp1252"),
}


@pytest.mark.parametrize("name", IMPORTS)
def test_imported_parts_are_read(name):
    body = paragraph("Before") + '<w:altChunk r:id="x"/>' + paragraph("after")
    content = read_docx(word(body, {f"word/{name}": IMPORTS[name]}, aFChunk__x=name))
    assert content.sections[0].text == f"Before\n\n{WRITTEN}\n\nafter"
    assert not content.unread


@pytest.mark.parametrize(
    "imported", ["{\\rtf1 no}", "<x/>", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"PK\x03\x04 no", None, ""]
)
def test_imported_parts_that_cannot_be_read_are_named(imported):
    parts = {} if imported is None else {"word/x.bin": imported}
    body = '<w:altChunk r:id="gone"/>' + paragraph("Before") + '<w:altChunk r:id="x"/>'
    content = read_docx(word(body, parts, aFChunk__x="x.bin"))
    assert content.sections[0].text == "Before"
    assert list(content.unread) == ["imported parts 1 and 2"]


def test_a_document_inside_one_inside_another_is_named_and_not_read():
    def around(data):
        body = paragraph("level") + '<w:altChunk r:id="x"/>'
        return word(body, {"word/x.docx": data}, aFChunk__x="x.docx")

    content = read_docx(around(around(around(word(paragraph("deepest"))))))
    assert content.sections[0].text == "level\n\nlevel"
    assert list(content.unread) == ["imported part 1, imported part 1"]


def test_charts_and_diagrams_are_read_or_named():
    def cache(tag, values):
        points = "".join(f'<c:pt idx="{place}"><c:v>{value}</c:v></c:pt>' for place, value in enumerate(values))
        return f"<c:{tag}><c:strRef><c:strCache>{points}</c:strCache></c:strRef></c:{tag}>"

    title = "<c:title><c:tx><c:rich><a:p><a:r><a:t>Catch</a:t></a:r></a:p></c:rich></c:tx></c:title>"
    series = f"<c:ser>{cache('tx', ['Herring'])}{cache('cat', ['May', 'June'])}{cache('val', [4, 7])}</c:ser>"
    words = "<a:p><a:r><a:t>{}</a:t></a:r></a:p>"
    points = "".join(f"<dgm:pt><dgm:t>{words.format(text)}</dgm:t></dgm:pt>" for text in ("Sort", "Pack"))
    parts = {
        "word/charts/a.xml": element("c:chartSpace", title + series),
        "word/charts/b.xml": element("c:chartSpace", ""),
        "word/d.xml": element(
            "dgm:dataModel", f'{points}<dgm:pt type="pres"><dgm:t>{words.format("no")}</dgm:t></dgm:pt>'
        ),
        "word/e.xml": "<broken",
    }
    drawn = "<w:r><w:drawing>{}</w:drawing></w:r>".format
    charts = "".join(drawn(f'<c:chart r:id="{name}"/>') for name in "ab")
    diagrams = "".join(drawn(f'<dgm:relIds r:dm="{name}"/>') for name in "de")
    targets = {
        "chart__a": "charts/a.xml",
        "chart__b": "charts/b.xml",
        "diagramData__d": "d.xml",
        "diagramData__e": "e.xml",
    }
    content = read_docx(word(paragraph("Fish", inside=charts + diagrams), parts, **targets))
    assert content.sections[0].text == "Fish\n\nCatch\nHerring: May 4; June 7\n\nSort\nPack"
    assert list(content.unread) == ["chart 2", "diagram 2"]


def picture(wide, high):
    blip = '<a:blip><a:extLst><a:ext uri="x"/></a:extLst></a:blip>'
    return (
        f'<w:r><w:drawing><pic:pic>{blip}<a:xfrm><a:ext cx="{wide}" cy="{high}"/></a:xfrm></pic:pic></w:drawing></w:r>'
    )


def test_what_cannot_be_read_is_named():
    shape = "<v:shape><v:imagedata/></v:shape>"
    inside = [
        f'<w:r><w:object>{shape}<o:OLEObject ProgID="Excel.Sheet.12"/></w:object></w:r>',
        f'<w:r><w:object>{shape}<o:OLEObject ProgID="Equation.DSMT4"/></w:object></w:r>',
        f"<w:r><w:object>{shape}<w:control/></w:object></w:r>",
        picture(5_000_000, 7_000_000),
        picture(500_000, 700_000),
    ]
    content = read_docx(word(paragraph("Rules", inside="".join(inside)) + '<w:subDoc r:id="x"/>'))
    kinds = ["embedded file 1", "equation object 1", "form control 1", "picture 1", "linked document 1"]
    assert list(content.unread) == kinds
    assert all(reason.endswith(".") and len(reason) < 300 for reason in content.unread.values())
    assert content.notes == ["Text in pictures is not read (1 in this document)."]


@pytest.mark.parametrize(
    ("drawn", "found"),
    [
        (picture(100, 100), "pictures"),
        (picture(9_000_000, 9_000_000), "picture 1"),
        (
            '<w:r><w:pict><v:shape style="width:595pt;height:29.7cm"><v:imagedata/></v:shape></w:pict></w:r>',
            "picture 1",
        ),
    ],
)
def test_a_document_of_pictures_alone_is_refused_as_one(drawn, found):
    with pytest.raises(DocumentError, match=rf"holds no text.*\({found}\).*OCR"):
        read_docx(word(paragraph(inside=drawn)))


@pytest.mark.parametrize(
    ("part", "kind"), [("styles", "list of styles"), ("numbering", "list of numbers"), ("footnotes", "list of notes")]
)
def test_a_damaged_part_does_not_stop_the_text(part, kind):
    inside = '<w:r><w:footnoteReference w:id="1"/></w:r>' if part == "footnotes" else ""
    content = read_docx(word(paragraph("Rules", inside=inside), {f"word/{part}.xml": "<w:"}, **{part: f"{part}.xml"}))
    assert content.sections[0].text == "Rules" and list(content.unread) == [kind]


# --- titles ----------------------------------------------------------------------------------------------------------


def test_the_title_is_that_of_the_style_then_the_first_heading_then_the_property():
    def style(style_id, name, more=""):
        return f'<w:style w:type="paragraph" w:styleId="{style_id}"><w:name w:val="{name}"/>{more}</w:style>'

    outline = '<w:pPr><w:outlineLvl w:val="0"/></w:pPr>'
    styles = style("H", "heading 2") + style("T", "Title") + style("C", "Chapter", outline)
    styles += style("O", "TOC Heading", '<w:basedOn w:val="H"/>')
    parts = {
        "word/styles.xml": element("w:styles", styles),
        "docProps/core.xml": '<a xmlns:d="urn:d"><d:title>By property</d:title></a>',
        "_rels/.rels": relations(officeDocument="word/document.xml", **{"core-properties": "docProps/core.xml"}),
    }
    lines = {"O": "Contents", "C": "By level", "H": "By heading", "T": "By title"}
    for used, title in (("OCHT", "By title"), ("OHC", "By heading"), ("OC", "By level"), ("O", "By property")):
        body = "".join(paragraph(lines[one], f'<w:pStyle w:val="{one}"/>') for one in used)
        (section,) = read_docx(word(body, parts, styles="styles.xml")).sections
        assert section.title == title


# --- files of other programs -----------------------------------------------------------------------------------------


def rewritten(data, change):
    """Return an archive with the names and contents of its members changed."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as archive, zipfile.ZipFile(buffer, "w") as written:
        for name in archive.namelist():
            written.writestr(*change(name, archive.read(name).decode()))
    return buffer.getvalue()


RULES = word(
    paragraph("Rules", '<w:numPr><w:numId w:val="1"/></w:numPr>'),
    {
        "word/numbering.xml": element(
            "w:numbering",
            f'<w:abstractNum w:abstractNumId="0">{level(0, "%1.")}</w:abstractNum>'
            '<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num>',
        )
    },
    numbering="numbering.xml",
    image__gone="media/gone.png",
    image__null="NULL",
    hyperlink__mark="#a-bookmark",
    hyperlink__odd="file:///C:\\odd path\\x.docx",
)
VARIANTS = {
    "as it is": lambda name, text: (name, text),
    "strict": lambda name, text: (
        name,
        text.replace(W, f"{STRICT}/wordprocessingml/main").replace(RELATIONS, f"{STRICT}/officeDocument/relationships"),
    ),
    "in capitals": lambda name, text: (name.upper(), text),
    "backslashes": lambda name, text: (name.replace("/", "\\"), text.replace("word/", "word\\")),
    "absolute": lambda name, text: (name, text.replace('"word/', '"/word/').replace('"numbering', '"/word/numbering')),
    "no relationships": lambda name, text: (name.replace("_rels/.rels", "x"), text),
    "blanks first": lambda name, text: (name, f"\n {text}"),
    "odd types": lambda name, text: (name, text.replace("<w:body>", "<!-- made by hand --><w:body>")),
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_sound_files_are_read_however_they_are_written(variant):
    assert text_of(rewritten(RULES, VARIANTS[variant])) == "1. Rules"


def test_the_main_part_is_found_by_its_relationship():
    assert text_of(word(paragraph("Rules"), main="content/main.xml")) == "Rules"


@pytest.mark.parametrize("suffix", ["docx", "docm", "dotx", "dotm"])
def test_documents_with_macros_and_templates_are_read(tmp_path, suffix):
    file = tmp_path / f"a.{suffix}"
    types = f'<Types><Override PartName="/word/document.xml" ContentType="application/{suffix}"/></Types>'
    file.write_bytes(word(paragraph("Rules"), {"[Content_Types].xml": types, "word/vbaProject.bin": "macros"}))
    (document,) = load_documents(file)
    assert document.text == "Rules"


@pytest.mark.parametrize(("limit", "reason"), [("MAX_UNPACKED", "unpacks to"), ("MAX_MEMBERS", "parts, at most 2")])
def test_a_document_beyond_a_limit_is_refused(monkeypatch, limit, reason):
    monkeypatch.setattr(f"retriever.documents.readers.docx.package.{limit}", 2)
    with pytest.raises(DocumentError, match=reason):
        read_docx(RULES)


def test_a_note_that_is_referred_to_often_is_read_once():
    notes = element("w:footnotes", f'<w:footnote w:id="1">{paragraph("long " * 5_000)}</w:footnote>')
    body = paragraph(inside='<w:r><w:footnoteReference w:id="1"/></w:r>' * 5_000)
    assert len(text_of(word(body, {"word/footnotes.xml": notes}, footnotes="footnotes.xml"))) < 50_000


def test_text_boxes_may_be_nested_as_deep_as_the_xml_parser_allows():
    body = paragraph("innermost")
    for _ in range(50):
        body = paragraph(inside=f"<w:r><w:pict><w:txbxContent>{body}</w:txbxContent></w:pict></w:r>")
    assert text_of(word(body)) == "innermost"
