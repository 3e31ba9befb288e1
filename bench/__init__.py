"""Benchmarks. Most results are ratios to a baseline in the same run, because ratios vary less than times do."""
