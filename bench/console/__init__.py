"""What the console is like in a real Chromium, and what its open pages cost. See docs/benchmarks-console.md."""
