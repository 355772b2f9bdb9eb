"""What an offer is worth: a token budget, and the pay around it, valued with an interval. Pure."""
