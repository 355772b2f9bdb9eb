"""The ledger's decisions: text tables, properties against a model, and mutants that both must catch."""
