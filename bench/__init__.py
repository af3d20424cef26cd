"""Benchmarks: `python -m bench`. Never part of the tests."""
