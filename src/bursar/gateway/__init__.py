"""The data plane: every provider call is bounded, held, relayed and settled here."""
