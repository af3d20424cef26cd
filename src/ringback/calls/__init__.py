"""Calls: who talked with whom, what was said, how it ended."""
