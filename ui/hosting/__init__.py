"""The server around the page: HTTP, headers, cached assets, temporary files, start and stop."""
