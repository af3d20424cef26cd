"""Figures beside their goals."""


def head(title: str) -> None:
    print(f"\n## {title}\n\n| figure | found | goal | of the goal |\n| --- | --- | --- | --- |", flush=True)


def row(figure: str, found: float, goal: float | None = None, unit: str = "ms") -> None:
    """One figure; of the goal below 1 is better than the goal."""
    beside = f"{goal:,g} {unit} | {found / goal:.2f}" if goal else " | "
    print(f"| {figure} | {found:,.{0 if found >= 100 else 2}f} {unit} | {beside} |", flush=True)


def percentile(values: list[float], part: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]
