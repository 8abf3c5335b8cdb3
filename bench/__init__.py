"""Benchmarks: each prints its figure beside a peer or a floor measured in the same run."""
