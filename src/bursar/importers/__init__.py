"""What other tools know of usage: one module for each source, bytes in, usage out."""
