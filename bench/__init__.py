"""Side-by-side benchmarks: Bursar against its peers, in turn, in one run. `python -m bench` runs them."""
