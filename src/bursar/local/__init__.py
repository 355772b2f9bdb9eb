"""One's own logs, read and priced without a server."""
