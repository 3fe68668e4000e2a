"""Tests of titles: what a program wrote where a title belongs is none, what a person wrote is one."""

import pytest

from retriever.documents.titles import real_title

NO_TITLES = """
    untitled|Untitled-1|<untitled>|(Untitled)|Untitled document|Microsoft Word - x.doc|Microsoft PowerPoint - a talk|
    guide.pdf|guide|report final.DOCX|Document1|PowerPoint Presentation|Slide 1|Page 3|---|title|no title|Untitled 2|
    cover.qxd:Layout 1|C:\\Users\\me\\plan|/home/me/plan|http://host/page|Scan_0001|doc20240131|Présentation PowerPoint|
    Sans titre 3|Dokument1|Folie 2|Layout 1|Full page photo|Scanned Document|Microsoft Word Document|\x01\x02\x03rules
"""
TITLES = """
    What yeast does|Null hypothesis|Titles of nobility|Presentation skills|os.path|Guide to trees|Untitled: a novel|
    Microsoft Word for beginners|The .doc format|日本語|1984|Page turners|Title 4|None of the above|
    Document management|Scanning tunnelling microscopy|Print culture|Input/output|Layout of gardens|Excel for beginners
"""


@pytest.mark.parametrize("title", [title.strip() for title in NO_TITLES.split("|")])
def test_what_names_a_file_or_says_that_there_is_none_is_no_title(title):
    assert real_title(title, "folder/guide.pdf") == ""


@pytest.mark.parametrize("title", [title.strip() for title in TITLES.split("|")])
def test_what_a_person_wrote_is_a_title(title):
    assert real_title(title, "folder/guide.pdf") == title
