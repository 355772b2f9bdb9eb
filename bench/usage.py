"""Reading the logs of coding agents: `bursar usage daily` beside ccusage, on the same half a gigabyte.

`python -m bench.usage` measures nothing else. Both programs read the same files in turn, from the system's cache of
files, and must find the same tokens; ccusage is told to use the prices that it brings (`--offline`). Bursar's first
time is without anything that it keeps but the price book, then nothing has changed, then one session has grown.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console

from bench import ccusage
from bench.claude_logs import LINES
from bench.field import Say, Settings
from bench.figure import Cell, Figure, Spread, as_table, spread
from bench.processes import BenchError, run

FOLDER = Path(__file__).parent / "results"
ROUNDS = 5
BURSAR = [sys.executable, "-m", "bursar", "usage", "daily", "--since", "all", "--json"]
NAMES = ("inputTokens", "outputTokens", "cacheCreationTokens", "cacheReadTokens")
OURS = ("input_tokens", "output_tokens", "cache_write_tokens", "cache_read_tokens")
TIMER = """
import os, sys, time
since_s = time.perf_counter()
process = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_, status, used = os.wait4(process, 0)
print(time.perf_counter() - since_s, used.ru_utime + used.ru_stime, used.ru_maxrss, file=sys.stderr)
sys.exit(os.waitstatus_to_exitcode(status))
"""
"""Runs a command and tells seconds, CPU seconds and KB of memory: a process begins with the memory of whoever starts
it, so that has to be a small one."""


class Run(NamedTuple):
    """One run: wall and CPU seconds of the process tree, the most memory of any of its processes, what it printed."""

    wall_s: float
    cpu_s: float
    memory_mb: float
    told: Any


def usage(say: Say) -> Figure:
    """Wall time, CPU and memory of both programs, and Bursar's wall time as a share of ccusage's in each round."""
    say("usage: installing ccusage")
    program = ccusage.prepare()
    with tempfile.TemporaryDirectory(prefix="usage-", dir=FOLDER) as name:
        home = Path(name)
        say("usage: writing logs")
        written = int(run([sys.executable, "-m", "bench.claude_logs", home / ".claude"], cwd=FOLDER.parent.parent))
        env = {"HOME": str(home), "XDG_CACHE_HOME": str(home / "cache"), "PATH": os.environ["PATH"], "TZ": "UTC"}
        theirs = [str(program), "claude", "daily", "--offline", "--json"]
        runs: dict[str, list[Run]] = {"ccusage": [], "first time": [], "unchanged": [], "one session grew": []}
        for number in range(ROUNDS + 1):
            say(f"usage: round {number} of {ROUNDS}")
            for one, done in _round(theirs, env, home, number).items():
                runs[one].append(done)
    note = (
        f"{written / 1e6:,.0f} MB of Claude Code's logs, {LINES:,} lines; {ROUNDS} rounds after one to warm up. "
        "Memory is of the largest process; Bursar reads with one for each core. The same tokens in every round."
    )
    rows = [_row(one, runs) for one in runs]
    return Figure("Usage from coding agents' logs", note, rows)


def _round(theirs: Sequence[str], env: dict[str, str], home: Path, number: int) -> dict[str, Run]:
    done = {"ccusage": _run(theirs, env)}
    for kept in ("logs.bin", "summary.bin"):
        (home / "cache/bursar" / kept).unlink(missing_ok=True)
    shutil.rmtree(home / "cache/bursar/answers", ignore_errors=True)
    done["first time"] = _run(BURSAR, env)
    done["unchanged"] = _run(BURSAR, env)
    expected = [done["ccusage"].told["totals"][name] for name in NAMES]
    for ours in (done["first time"], done["unchanged"]):
        found = [ours.told["total"][name] for name in OURS]
        if found != expected:
            raise BenchError(f"Bursar and ccusage find different tokens: {found} and {expected}")
    logs = sorted((home / ".claude/projects").rglob("*.jsonl"))
    log = logs[number % len(logs)]
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join(lines) + lines[-1].replace(b'"id":"msg_01', b'"id":"msg_%02d' % (number + 2)))
    done["one session grew"] = _run(BURSAR, env)
    return done


def _run(command: Sequence[str], env: dict[str, str]) -> Run:
    with tempfile.TemporaryFile() as out:
        timed = [sys.executable, "-I", "-S", "-c", TIMER, *command]
        done = subprocess.run(timed, stdout=out, stderr=subprocess.PIPE, env=env, text=True, check=False)
        if done.returncode:
            raise BenchError(f"{command[0]} ended with {done.returncode}: {done.stderr}")
        out.seek(0)
        told = json.load(out)
    wall_s, cpu_s, memory_kb = map(float, done.stderr.splitlines()[-1].split())
    return Run(wall_s, cpu_s, memory_kb / 1024, told)


def _row(name: str, runs: dict[str, list[Run]]) -> dict[str, Cell | Spread]:
    some, base = runs[name][1:], runs["ccusage"][1:]
    return {
        "program": f"ccusage {ccusage.VERSION}" if name == "ccusage" else f"bursar, {name}",
        "wall s": spread([one.wall_s for one in some]),
        "share of ccusage's": spread([one.wall_s / other.wall_s for one, other in zip(some, base, strict=True)]),
        "CPU s": spread([one.cpu_s for one in some]),
        "memory MB": spread([one.memory_mb for one in some]),
    }


def main() -> None:
    """Measure, print the figure and write it to bench/results."""
    from bench.session import Report, write_results  # noqa: PLC0415 - it measures this among others

    console = Console()
    taken = datetime.now(UTC)
    figure = usage(lambda text: console.print(text, style="dim"))
    console.print(as_table(figure))
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Linux {platform.release()}"
    report = Report(taken, machine, Settings(0, ROUNDS, 0), {"ccusage": ccusage.VERSION}, [figure], {})
    console.print(f"written to {write_results(report)}", markup=False)


if __name__ == "__main__":
    main()
