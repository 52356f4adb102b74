"""Column: flows that authors declare in YAML, and the pure engine that runs them."""
