"""The server around the page: admission of visitors, cached assets, temporary files, start and stop."""
