"""Calls in a row: what the processes keep of each."""

import numpy as np

from bench.voice.desk import Desk, Step, Webhook, load

_SOME = 10
SCRIPT: tuple[Step, ...] = ({"pauseMs": 300}, {"say": "book a table"}, {"pauseMs": 6_000}, {"hangup": True})


def report(count: int) -> None:
    """Memory after every tenth call, and the slope of the second half."""
    seen: list[tuple[int, dict[str, float]]] = []
    with Desk(Webhook({"text": "done", "hangup": True}), stt="fake", tts="fake") as desk:
        for done in range(0, count + 1, _SOME):
            seen.append((done, desk.memory_mb()))
            if done < count:
                for call in [desk.dial(*SCRIPT, phone=phone) for phone in range(_SOME)]:
                    desk.wait(call)
    print(f"\n## {count} calls, {_SOME} at a time: memory of the processes ({load()})\n")
    print(
        "| process | MB after the first calls | at the end | KB a call over the second half |\n| --- | --- | --- | --- |"
    )
    half = seen[len(seen) // 2 :]
    for kind in seen[-1][1]:
        slope = np.polyfit([done for done, _ in half], [sizes[kind] for _, sizes in half], 1)[0] * 1024
        print(f"| {kind} | {seen[1][1][kind]:.1f} | {seen[-1][1][kind]:.1f} | {slope:.1f} |", flush=True)
