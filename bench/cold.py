"""What a server costs before it does anything: start, memory, disk."""

import re
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from bench.server import ROOT, Server


def report(rounds: int, *, first_run: bool) -> None:
    fresh, existing, pss, rss, cpu = [], [], [], [], []
    for _ in range(max(rounds, 3)):
        first = Server()
        fresh.append(first.start_s)
        first.stop(keep=True)
        second = Server(data=first.folder)
        existing.append(second.start_s)
        cpu.append(second.cpu_s())
        time.sleep(1)
        own, shared = second.memory_mb()
        pss.append(own)
        rss.append(shared)
        second.stop()
    middle = statistics.median
    print(
        f"\n## Start\n\nfirst answer after {middle(fresh):.2f} s on an empty folder, {middle(existing):.2f} s on an existing"
        f" store (goal 1.0 s; {middle(cpu):.2f} s of processor time)\n"
        f"idle memory {middle(pss):.0f} MB PSS, {middle(rss):.0f} MB RSS (goal 90 MB)\n"
        f".venv {_size_mb(ROOT / '.venv'):.0f} MB"
    )
    if first_run:
        print(f"a first `make run` in a fresh clone answers after {_first_run_s():.0f} s")


def _size_mb(folder: Path) -> float:
    out = subprocess.run(["du", "-sk", str(folder)], capture_output=True, text=True, check=False).stdout
    return int(out.split()[0]) / 1024 if out else 0.0


def _first_run_s() -> float:
    folder = Path(tempfile.mkdtemp(prefix="ringback-clone-"))
    try:
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder / "ringback")], check=True)
        began = time.perf_counter()
        process = subprocess.Popen(
            ["make", "run"],
            cwd=folder / "ringback",
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert process.stdout is not None
        for line in process.stdout:
            if re.search(r"answers at", line):
                break
        took = time.perf_counter() - began
        process.terminate()
        process.wait(30)
        return took
    finally:
        shutil.rmtree(folder, ignore_errors=True)
