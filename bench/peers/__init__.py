"""What others do with a text, beside Ringback in the same run: `python -m bench peers` (docs/benchmarks.md)."""
