"""The marks of the retrievers of a comparison, which stand beside their colours: nothing is told by colour alone."""

MARKS = "●▲■◆"
ORDINALS = ("first", "second", "third", "fourth")  # of fields of records and columns of files
COLOURS = ("green", "purple", "olive", "grey")  # what MODEL_COLOURS of ui/render/figures.py are called
PATTERNS = ("", "/", ".", "x")  # of bars
