"""Documents, and reading them from files of every accepted format."""
