"""Measures what the README promises: every figure beside its promise and a floor or a peer of the same run."""
