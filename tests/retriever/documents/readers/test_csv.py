"""CSV and TSV tables as programs write them: dialects, headers, quotes that do not match, ids that are none."""

import csv
import io

import pytest

from retriever.documents.document import Document, TableColumns
from retriever.documents.loading import load_documents
from retriever.documents.readers.csv_tables import csv_columns, read_csv, read_tsv
from retriever.errors import DocumentError


@pytest.fixture
def load(tmp_path):
    """Return a function that writes one file and loads it."""

    def load(name, content):
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return load_documents(tmp_path / name)

    return load


def texts(content, read=read_csv):
    """Return the texts of a table without notes."""
    found = read(content.encode())
    assert not found.notes and not found.unread
    return [section.text for section in found.sections]


# --- columns -------------------------------------------------------------------------------------------------------


def test_a_table_with_a_text_column(load):
    documents = load("t.csv", 'ID,Title,Text,colour,row\nx1,Barn owl,"hunts, at\nnight",white,9\n\n,,larks sing,,\n')
    assert documents.failed == {}
    assert list(documents) == [
        Document("x1", "hunts, at\nnight", "Barn owl", {"source": "t.csv", "row": 1, "colour": "white", "row_": "9"}),
        Document("t.csv#row=3", "larks sing", "", {"source": "t.csv", "row": 3, "colour": "", "row_": ""}),
    ]


def test_without_a_text_column_all_are_read(load):
    (document,) = load("t.csv", "bird,,bird\nowl,white,\n")
    assert document == Document("t.csv#row=1", "bird: owl\ncolumn 2: white", "", {"source": "t.csv", "row": 1})


def test_equal_names_of_columns_lose_no_cell():
    assert texts("a,a,a 2\n1,2,3\n") == ["a: 1\na 2: 2\na 2 3: 3"]


def test_a_row_with_a_title_only_is_read_and_one_without_text_is_named(load):
    documents = load("t.csv", "id,title,text,colour\n1,On owls,,white\n2,,,grey\n3,Larks,They sing.,\n,,,\n")
    assert [(d.doc_id, d.title, d.text) for d in documents] == [
        ("1", "On owls", "On owls"),
        ("3", "Larks", "They sing."),
    ]
    title_only, left_out = documents.notes["t.csv"]
    assert title_only.startswith("Row 1: ") and left_out.startswith("Row 2: left out")


def test_an_id_that_repeats_is_no_key(load):
    documents = load("t.csv", "id,text\n7,Oars\n7,Ropes\n8,Sails\n")
    assert [d.doc_id for d in documents] == [f"t.csv#row={n}" for n in (1, 2, 3)]
    assert [d.metadata["id"] for d in documents] == ["7", "7", "8"]
    (note,) = documents.notes["t.csv"]
    assert 'The "id" of row 2, "7", is that of row 1' in note


# --- dialects ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_separators(load, mark):
    rows = [["name", "text"], ["owl", "hunts, at; night | quietly"], ["lark", "sings"], ["wren", "is, small"]]
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=mark).writerows(rows)
    documents = load("t.csv", buffer.getvalue())
    assert [(d.metadata["name"], d.text) for d in documents] == [tuple(row) for row in rows[1:]]


@pytest.mark.parametrize(
    "content",
    [
        "sep=;\nname;depth\nGull;2,5\nTern;3,5\n",
        '\ufeff"sep=;"\r\nname;depth\r\nGull;2,5\r\nTern;3,5\r\n',
        "name;depth\rGull;2,5\rTern;3,5\r",
        "\n;\n\nname;depth\nGull;2,5\n\nTern;3,5\n",
        "name;depth;;\nGull;2,5;;\nTern;3,5;;\n",
        '"name" ; "depth"\n"Gull" ; "2,5"\n"Tern" ; "3,5"\n',
        "name,depth\nGull,\"2,5\"\nTern,'3,5'\n".replace("'", '"'),
        'name, depth\nGull, "2,5"\nTern, "3,5"\n',
        "name|depth\nGull|2,5\nTern|3,5\n",
    ],
)
def test_dialects_of_spreadsheets(content):
    assert texts(content) == ["name: Gull\ndepth: 2,5", "name: Tern\ndepth: 3,5"]


def test_of_separators_that_split_alike_the_one_that_is_rare_in_numbers_and_texts_is_taken_and_told():
    found = read_csv("ship;crew, paid\nGull;2,5\nTern;3,5\n".encode())
    assert found.sections[0].text == "ship: Gull\ncrew, paid: 2,5"
    assert 'a guess: ";", though "," would' in found.notes[0]
    assert texts("ship,crew; paid\nGull,a; b\nTern,c; d\n")[0] == "ship: Gull\ncrew; paid: a; b", "prose has blanks"
    assert texts("ship,crews\nGull,a;b\nTern,c;d\n")[0] == "ship: Gull\ncrews: a;b", "not in the header"


def test_a_tsv_file_is_split_at_tabs_and_may_hold_bare_quotes(load):
    documents = load("t.tsv", 'id\tname, text\n1\t5" of rope, say\n2\tan oar\n')
    assert [(d.doc_id, d.text) for d in documents] == [
        ("1", 'id: 1\nname, text: 5" of rope, say'),
        ("2", "id: 2\nname, text: an oar"),
    ]
    assert texts("a;b\tc\n1;2\t3\n", read_tsv) == ["a;b: 1;2\nc: 3"]


def test_one_column_keeps_unquoted_commas_and_takes_a_megabyte(load):
    limit = csv.field_size_limit()
    rows = ["owls, larks, wrens", "a" * 1_000_000]
    assert [d.text for d in load("t.csv", "\n".join(["text", *rows]))] == rows
    assert csv.field_size_limit() == limit
    assert texts("review\nCalm, dry\nLoud, wet\nOld, cheap\n")[0] == "review: Calm, dry"


# --- what stands around the header ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "above",
    [
        "Boats of the harbour\n",
        "Boats of the harbour\n\n",
        "Boats of the harbour,,\n,,\n",
        "Report,Boats\nBy,Ada\n\n",
        "# written by hand\n# version 2, of May\n",
        "Boats\nin May\nof 2020\nby Ada\n\n",
    ],
)
def test_titles_above_the_header_are_left_out_and_named(above):
    found = read_csv(f"{above}name,crew,2019\nGull,2,9\nTern,3,8\n".encode())
    assert [section.text for section in found.sections] == [
        "name: Gull\ncrew: 2\n2019: 9",
        "name: Tern\ncrew: 3\n2019: 8",
    ]
    assert [section.place for section in found.sections] == ["row=1", "row=2"]
    (note,) = found.notes
    assert above.strip(",\n").split("\n")[0].split(",")[0] in note


@pytest.mark.parametrize(
    "content",
    ["text\na,b\nc,d\ne,f\n", "depth\n2,5\n3,5\n", "name,,\nGull,2,x\nTern,3,y\n", "#name,crew\nGull,2\nTern,3\n"],
)
def test_a_header_is_not_taken_for_a_title(content):
    assert len(texts(content)) == content.count("\n") - 1
    assert csv_columns(content.encode())[0] == content.split("\n")[0].split(",")[0]


@pytest.mark.parametrize("rows", ["3,Owl\n4,Vole", "Owl,30\nVole,12", "5.1,3.5\n4.9,3.0", "7,Owl,30", "0.5\n0.4"])
def test_a_first_row_of_data_is_no_header(rows):
    content = read_csv(rows.encode())
    first, *others = rows.split("\n")
    lines = [f"column {number}: {cell}" for number, cell in enumerate(first.split(","), 1)]
    assert content.sections[0].text == "\n".join(lines) and len(content.sections) == 1 + len(others)
    assert content.notes[-1].startswith("There is no header: the first row holds data")


@pytest.mark.parametrize("header", ["owl,2019,2018", "owl,1,2", "0,1,2", ",0,1", "owl,0.25,0.5", "owl,7,wings"])
def test_numbers_may_be_the_names_of_columns(header):
    content = read_csv(f"{header}\n4,{'6' if header[-1].isdigit() else 'hoot'},8".encode())
    assert len(content.sections) == 1 and content.notes == ()


@pytest.mark.parametrize("row", [",m,°C", "-,[m],(°C)"])
def test_units_below_the_header_follow_the_numbers(row):
    found = read_csv(f"place,depth,warmth\n{row}\nPier,12,4.5\nBuoy,30,\n".encode())
    assert [section.text for section in found.sections] == [
        "place: Pier\ndepth: 12 m\nwarmth: 4.5 °C",
        "place: Buoy\ndepth: 30 m",
    ]
    assert found.notes == ("Row 1 holds units, which were put after the numbers: m, °C.",)
    assert len(texts("size,letter\nm,A\nl,B\n")) == 2, "no numbers, so no units"


def test_a_table_tells_its_columns_without_the_empty_ones():
    assert csv_columns(b"Boats\n\n,Question,Answer,Answer,\n1,a,b,c,\n2,d,e,f,\n") == [
        *("column 1", "Question", "Answer", "Answer 4"),
    ]


# --- quotes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (r'"She said \"no\", and left"', 'She said "no", and left'),
        (r'"\"no\""', '"no"'),
        (r'"She said ""no"", and left"', 'She said "no", and left'),
        (r'"C:\dir\"', "C:\\dir\\"),
        (r"C:\new", r"C:\new"),
    ],
)
def test_quotes_are_escaped_by_doubling_or_by_backslashes(cell, text):
    assert texts(f"id,text,n\n1,{cell},2\n2,plain,3\n") == [text, "plain"]


ROWS = 10_000
STRAY = [  # a line with a quote without match, and what its text must contain
    ('{n},"big rope,5', "big rope"),
    ('{n},"a 12" rope",5', '12" rope'),
    ('{n},"an ""old" rope,5', "old"),
]


@pytest.mark.parametrize("quoted", [False, True])
@pytest.mark.parametrize(("line", "words"), STRAY)
def test_a_stray_quote_costs_no_row_and_its_line_is_named(line, words, quoted):
    cell = '"item, {0}"' if quoted else "item {0}"
    lines = [f"{n},{cell.format(n)},{n}" for n in range(1, ROWS + 1)]
    lines[4999] = line.format(n=5000)
    found = read_csv("\n".join(["id,text,n", *lines]).encode())
    assert [section.given_id for section in found.sections] == [str(n) for n in range(1, ROWS + 1)]
    assert words in found.sections[4999].text
    assert len(found.notes) == 1 and found.notes[0].startswith("Line 5,001: a quote there has no match")


def test_two_stray_quotes_do_not_swallow_the_rows_between_them():
    lines = [f"{n},item {n},{n}" for n in range(100)]
    lines[10], lines[60] = '10,"big rope,5', '60,rope of 5",12'
    found = read_csv("\n".join(["id,text,n", *lines]).encode())
    assert len(found.sections) == 100 and found.notes[0].startswith("Line 12: ")


def test_a_stray_quote_in_a_cell_of_several_lines_does_not_break_the_row():
    found = read_csv(b'id,text,n\n1,"first\nof 5" rope",3\n2,"a\nb",4\n')
    assert [section.text for section in found.sections] == ['first\nof 5" rope', "a\nb"]
    assert found.notes[0].startswith("Line 2: ")


def test_sound_cells_of_many_lines_are_whole():
    poem = "\n".join(f"line {n}, of many" for n in range(200))
    assert texts(f'id,text\n1,"{poem}\nend"\n2,b\n')[1] == "b"
    assert texts(f'id,text,n\n1,"{poem}",3\n2,b,4\n') == [poem, "b"]


def test_many_stray_quotes_take_time_in_proportion_to_the_text():
    lines = ['1,"a,', '2,""""', '3,"a"b"c",', '4,"""a""",'] * 20_000
    found = read_csv("\n".join(["id,text,n", *lines]).encode())
    assert len(found.sections) == 80_000 and len(found.notes[0]) < 300


def test_a_table_without_rows_is_refused():
    with pytest.raises(DocumentError, match="no rows with text below its header"):
        read_csv(b"name,price\n")
    with pytest.raises(DocumentError, match='no column "prize".*"name", "price"'):
        read_csv(b"name,price\na,b\n", TableColumns(("prize",)))
