"""A sandbox for reading untrusted files: a restricted worker process, and the class that runs it."""
