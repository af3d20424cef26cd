"""What calls are like, judged from what the caller's side received. See docs/benchmarks-voice.md."""
