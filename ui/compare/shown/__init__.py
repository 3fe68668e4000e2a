"""What a comparison shows: figures, tables, lists of questions, and files."""
