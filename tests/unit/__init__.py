"""Unit tests, mirroring `src/bursar`."""
