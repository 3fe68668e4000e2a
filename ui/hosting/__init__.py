"""The server around the page: who may ask, what is cached, how it stops."""
