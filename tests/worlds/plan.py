"""What happens in a world, from its seed alone: a short list of steps, which can be shortened while it still fails."""

import random
from dataclasses import dataclass, field
from typing import Any

PHONES = (
    "answers",
    "answers",
    "slow",
    "late-receipt",
    "lost-receipt",
    "duplicate-receipt",
    "duplicate-sender",
    "echo",
    "unreachable",
    "blocks-you",
)
MOODS = ("well", "flaky", "down", "hanging", "dripping")
_WEIGHTS = {
    "send": 30,
    "burst": 8,
    "race": 6,
    "clash": 2,
    "text": 16,
    "keyword": 7,
    "look": 6,
    "pry": 2,
    "fault": 12,
    "outage": 3,
    "line": 4,
    "mood": 8,
    "hook": 4,
    "unhook": 2,
    "redeliver": 3,
    "campaign": 2,
    "buy": 5,
    "release": 3,
    "power": 4,
    "note": 3,
    "crash": 8,
    "stop": 1,
    "network": 3,
    "clock": 3,
    "set_forward": 5,
    "set_back": 2,
    "disk": 1,
    "full": 2,
    "close": 1,
}
_ALSO = ("replay", "rotate", "settle")
FAULTS = (
    "submit-timeout",
    "submit-timeout",
    "submit-refused",
    "throttled",
    "connection-lost",
    "connection-lost",
    "receipt-lost",
    "receipt-duplicated",
    "inbound-duplicated",
    "inbound-duplicated",
)
KEYWORDS = ("STOP", "STOP", "START", "HELP", "stop ")


@dataclass(frozen=True)
class Step:
    """One thing that happens `at` seconds; `n` is its number for ever, whatever others are left out."""

    n: int
    at: float
    do: str
    args: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.at:9.3f} s  #{self.n} {self.do} {self.args}"


@dataclass(frozen=True)
class Plan:
    """A world before it runs. `apart`: the network is a process of its own, which dies by itself."""

    seed: int
    apart: bool
    phones: tuple[str, ...]
    steps: tuple[Step, ...]


def plan_of(seed: int) -> Plan:
    """The plan of a seed."""
    draw = random.Random(f"plan {seed}")
    steps: list[Step] = []
    at = 0.0
    kinds, weights = list(_WEIGHTS), list(_WEIGHTS.values())
    for n in range(draw.randint(12, 40)):
        at += draw.choice((0, 0.001, 0.004, 0.02, 0.2, 1, 3)) * draw.random()
        do = draw.choices(kinds, weights)[0]
        args = _args(draw, do)
        when = at
        if do in ("crash", "network", "stop") and steps:
            # Most windows are milliseconds wide: die soon after something began.
            when = steps[draw.randrange(max(0, len(steps) - 4), len(steps))].at + 0.03 * draw.random() ** 2
        if do == "set_forward":
            # Also while an answer is waited for, so that a lease ends before it.
            when += 6 * draw.random() ** 2
        steps.append(Step(n, round(when, 6), do, args))
    # By a draw of their own, so that a seed keeps the rest of its plan.
    also = random.Random(f"also {seed}")
    for n in range(len(steps), len(steps) + also.randint(0, 3)):
        do = also.choice(_ALSO)
        steps.append(Step(n, round(at * also.random(), 6), do, _args(also, do)))
    steps.sort(key=lambda step: step.at)
    phones = tuple(draw.choice(PHONES) for _ in range(3))
    return Plan(seed, draw.random() < 0.4, phones, tuple(steps))


def _args(draw: random.Random, do: str) -> dict[str, Any]:
    line, phone = draw.randrange(4), draw.randrange(3)
    match do:
        case "send" | "race" | "burst" | "clash":
            args: dict[str, Any] = {"line": line, "phone": phone}
            if do == "send":
                args |= {"keyed": draw.random() < 0.5}
                if draw.random() < 0.08:
                    args["validity_s"] = draw.choice((1, 3, 60))
                if draw.random() < 0.08:
                    args["to_line"] = draw.randrange(4)
            if do == "burst":
                args["count"] = draw.randint(2, 6)
            if do == "race":
                args["count"] = draw.randint(2, 4)
            return args
        case "text" | "keyword":
            word = draw.choice(KEYWORDS) if do == "keyword" else None
            return {"line": line, "phone": phone, "word": word}
        case "fault":
            whose = draw.choice(("line", "phone", None))
            return {
                "kind": draw.choice(FAULTS),
                "count": draw.choice((1, 1, 2, 3, 6)),
                "line": line if whose == "line" else None,
                "phone": phone if whose == "phone" else None,
            }
        case "outage":
            return {"for_s": draw.choice((0.5, 3, 9))}
        case "line":
            return {
                "latency_ms": draw.choice((0, 0, 200, 2000)),
                "jitter_ms": draw.choice((0, 0, 0, 300)),
                "loss_percent": draw.choice((0, 0, 20)),
                "messages_per_second": draw.choice((None, 1, 3)),
            }
        case "mood":
            return {"hook": draw.randrange(3), "mood": draw.choice(MOODS)}
        case "hook":
            return {
                "who": draw.randrange(3),
                "hook": draw.randrange(3),
                "of_agent": draw.random() < 0.4,
                "events": draw.random() < 0.3,
                "ordered": draw.random() < 0.3,
            }
        case "unhook":
            return {"who": draw.randrange(3), "hook": draw.randrange(3), "of_agent": draw.random() < 0.4}
        case "campaign":
            return {"campaign": draw.choice((None, "sole_proprietor", "low_volume", "high_trust"))}
        case "buy":
            return {"who": draw.randrange(3), "keyed": draw.random() < 0.6}
        case "release":
            return {"who": draw.randrange(3), "which": draw.randrange(4), "first": draw.random() < 0.15}
        case "power":
            return {"phone": phone, "for_s": draw.choice((1, 5, 20))}
        case "replay":
            return {
                "who": draw.randrange(3),
                "all_types": draw.random() < 0.5,
                "after": draw.choice((0, 0, 9)),
            }
        case "rotate":
            return {
                "who": draw.randrange(3),
                "of_agent": draw.random() < 0.3,
                "overlap_h": draw.choice((0, 24)),
            }
        case "settle":
            return {"line": line, "phone": phone, "status": draw.choice(("delivered", "failed"))}
        case "note" | "look" | "pry" | "redeliver":
            return {"who": draw.randrange(3), "phone": phone}
        case "crash" | "stop" | "network":
            return {"for_s": draw.choice((0, 0.05, 1, 8))}
        case "clock":
            return {"by_s": draw.choice((1, 6, 40, 400, 8000))}
        case "set_forward":
            return {"by_s": draw.choice((5, 90, 200, 4000))}
        case "set_back":
            return {"by_s": draw.choice((1, 30, 3600, 90_000))}
        case "full":
            return {"for_s": draw.choice((0.02, 0.5, 4)), "network_too": draw.random() < 0.3}
        case "close":
            return {}
        case "disk":
            return {"times": draw.choice((5, 30)), "for_s": draw.choice((0.5, 3))}
    raise AssertionError(do)
