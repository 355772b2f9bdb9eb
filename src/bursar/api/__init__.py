"""The HTTP API under /api: the one way to change anything. The CLI and the pages are its clients."""
