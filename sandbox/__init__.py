"""Reading files from visitors in a confined process."""
