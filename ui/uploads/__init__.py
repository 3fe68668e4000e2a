"""Uploaded files: received, stored for a while, and parsed in a confined process."""
