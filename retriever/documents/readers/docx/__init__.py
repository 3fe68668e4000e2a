"""Reader of Word documents: the parts of the file, and the text of each kind of element in them."""
