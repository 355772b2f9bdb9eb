"""Bursar's tests. Run them with `make test`."""
