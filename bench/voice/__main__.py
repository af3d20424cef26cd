"""`python -m bench.voice [PART ...]`: see docs/benchmarks-voice.md."""

import argparse

from bench.voice import barge, calls, noise, replies, slope, words

PARTS = ("replies", "barge", "noise", "backchannels", "words", "calls", "slope")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.voice", description="Measure calls.")
    parser.add_argument("--turns", type=int, default=50, help="replies, interruptions and backchannels (50)")
    parser.add_argument("--minutes", type=float, default=5, help="of each noise (5)")
    parser.add_argument("--calls", type=int, default=200, help="in a row, for the slope of memory (200)")
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; all if none is named")
    asked = parser.parse_args()
    parts = asked.parts or PARTS
    if unknown := set(parts) - set(PARTS):
        parser.error(f"no parts are {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    if "replies" in parts:
        replies.report(asked.turns)
    if "barge" in parts:
        barge.report(asked.turns)
    if "noise" in parts:
        noise.report(asked.minutes)
    if "backchannels" in parts:
        barge.report_backchannels(asked.turns)
    if "words" in parts:
        words.report()
    if "calls" in parts:
        calls.report()
    if "slope" in parts:
        slope.report(asked.calls)


if __name__ == "__main__":
    main()
