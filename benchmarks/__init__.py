"""Reproducible measurements. ``python -m benchmarks`` runs all; results go to benchmarks/results."""
