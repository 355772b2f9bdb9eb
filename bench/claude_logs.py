"""Claude Code logs of any size, the same for a seed: what a person's laptop has after some months.

Lines are as Claude Code writes them: a prompt, then for each answer of the model a line a block, all with the
answer's id and with a growing count of output; tool results of many lengths; snapshots of files, progress and
summaries in between; files of sub-agents beside their session's; sessions that were resumed and so begin with
copies of the lines of another.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

BYTES = 500_000_000
LINES = 240_000
SESSIONS = 600
PROJECTS = 40
MONTHS_DAYS = 120
FIRST = datetime(2026, 7, 1, 8, tzinfo=UTC)
MODELS = ("claude-opus-4-5-20251101", "claude-sonnet-4-5-20250929", "claude-haiku-4-5-20251001")
WEIGHTS = (5, 4, 2)
WORDS = (
    *("return", "self", "value", "the", "import", "of", "None", "error", "def", "class", "async", "await", "result"),
    *("in", "for", "line", "file", "not", "found", "test", "assert", "passed", "with", "config", '"name":', "true,"),
    *("false", "null", "{", "}", "[", "]", "(", ")", "=>", "const", "let", "export", "/usr/lib", "0x7f3a\n", "\t"),
)
TEXT_BYTES = 4_000_000
RESUMED = 0.08
"""The share of sessions that begin with copies of another's lines."""


def write_logs(folder: Path, *, bytes_wanted: int = BYTES, lines_wanted: int = LINES, seed: int = 1) -> int:
    """Write a Claude Code home with about so many bytes and exactly so many lines; how many bytes it has become."""
    rng = random.Random(seed)
    writer = _Writer(rng, bytes_wanted / lines_wanted)
    sessions = max(1, SESSIONS * lines_wanted // LINES)
    weights = [rng.lognormvariate(0, 1.2) for _ in range(sessions)]
    written = done = 0
    earlier: list[bytes] = []
    for number, weight in enumerate(weights):
        last = number == sessions - 1
        count = lines_wanted - done if last else min(lines_wanted - done, int(lines_wanted * weight / sum(weights)))
        if not count:
            continue
        project = f"-home-dev-src-project-{rng.randrange(PROJECTS):02d}"
        copied = earlier[: count // 2] if rng.random() < RESUMED else []
        for path, lines in writer.session(project, count - len(copied), copied):
            data = b"".join(line + b"\n" for line in lines)
            (folder / "projects" / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / "projects" / path).write_bytes(data)
            written += len(data)
            earlier = lines
        done += count
    return written


def main() -> None:
    """Write a home for the benchmark into a folder that is given."""
    print(write_logs(Path(sys.argv[1])))


class _Writer:
    """Writes sessions whose lines are so long on average."""

    def __init__(self, rng: random.Random, line_bytes: float) -> None:
        self.rng = rng
        self.scale = line_bytes / 2_083
        self.text = " ".join(rng.choices(WORDS, k=TEXT_BYTES // 5))

    def session(self, project: str, count: int, copied: list[bytes]) -> Iterator[tuple[Path, list[bytes]]]:
        """A session's files, so many lines in all; every fifth has a sub-agent with a quarter of the lines."""
        name = self._uuid()
        at = FIRST + timedelta(days=self.rng.randrange(MONTHS_DAYS), minutes=self.rng.randrange(600))
        aside = count // 4 if self.rng.random() < 0.2 else 0
        yield Path(project, f"{name}.jsonl"), [*copied, *self._lines(project, name, at, count - aside, None)]
        if aside:
            agent = f"{self.rng.randrange(16**8):08x}"
            path = Path(project, name, "subagents", f"agent-{agent}.jsonl")
            yield path, list(self._lines(project, name, at + timedelta(minutes=3), aside, agent))

    def _lines(self, project: str, session: str, at: datetime, count: int, agent: str | None) -> Iterator[bytes]:
        model = self.rng.choices(MODELS, WEIGHTS)[0]
        head: dict[str, Any] = {
            "parentUuid": None,
            "isSidechain": agent is not None,
            "userType": "external",
            "cwd": project.replace("-", "/").replace("/project/", "/project-"),
            "sessionId": session,
            "version": "2.0.76",
            "gitBranch": "main",
        }
        if agent is not None:
            head["agentId"] = agent
        cached, made = 12_000, 0
        while made < count:
            for kind, content in self._turn(model, cached):
                if made == count:
                    return
                at += timedelta(milliseconds=self.rng.randrange(200, 9_000))
                line = self._line(kind, content, at)
                yield msgspec.json.encode(head | line)
                head["parentUuid"] = line["uuid"]
                made += 1
            cached = 12_000 if cached > 160_000 else cached + self.rng.randrange(500, 6_000)

    def _turn(self, model: str, cached: int) -> Iterator[tuple[str, dict[str, Any]]]:
        """A prompt or a tool's result, then the answer in one to four lines, now and then something else."""
        rng = self.rng
        yield "user", {"role": "user", "content": self._result()}
        request, message = f"req_{self._name(24)}", f"msg_{self._name(24)}"
        written = rng.randrange(500, 6_000)
        fresh, output = rng.randrange(2, 400), 0
        for _ in range(rng.choices((1, 2, 3), (5, 4, 2))[0]):
            output += rng.randrange(1, 600)
            usage: dict[str, Any] = {
                "input_tokens": fresh,
                "cache_creation_input_tokens": written,
                "cache_read_input_tokens": cached,
                "cache_creation": {"ephemeral_5m_input_tokens": written, "ephemeral_1h_input_tokens": 0},
                "output_tokens": output,
                "service_tier": "standard",
            }
            content = [{"type": "text", "text": self._text(int(rng.lognormvariate(5.5, 1.0)))}]
            yield (
                request,
                {
                    "model": model,
                    "id": message,
                    "type": "message",
                    "role": "assistant",
                    "content": content,
                    "stop_reason": None,
                    "stop_sequence": None,
                    "usage": usage,
                },
            )
        if rng.random() < 0.6:
            yield "progress", {"type": "hook_progress", "hookEvent": "PostToolUse", "command": self._text(120)}
        if rng.random() < 0.05:
            yield "file-history-snapshot", {"trackedFileBackups": {f"src/{n}.py": None for n in range(8)}}

    def _line(self, kind: str, content: dict[str, Any], at: datetime) -> dict[str, Any]:
        """What a line has besides its head."""
        line: dict[str, Any]
        if kind == "user":
            line = {"type": "user", "message": content}
            if self.rng.random() < 0.7:
                line["toolUseResult"] = {
                    "stdout": content["content"][0]["content"],
                    "stderr": "",
                    "interrupted": False,
                }
        elif kind.startswith("req_"):
            line = {"message": content, "requestId": kind, "type": "assistant"}
        else:
            line = {"type": kind, "data": content}
        return line | {"uuid": self._uuid(), "timestamp": f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"}

    def _result(self) -> list[dict[str, Any]]:
        length = int(self.rng.lognormvariate(6.62, 1.52) * self.scale)
        text = self._text(min(length, 200_000))
        return [{"tool_use_id": f"toolu_{self._name(24)}", "type": "tool_result", "content": text}]

    def _text(self, length: int) -> str:
        start = self.rng.randrange(len(self.text) - length) if length < len(self.text) else 0
        return self.text[start : start + length]

    def _uuid(self) -> str:
        digits = f"{self.rng.getrandbits(128):032x}"
        return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))

    def _name(self, length: int) -> str:
        return "01" + "".join(
            self.rng.choices("ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789", k=length - 2)
        )


if __name__ == "__main__":
    main()
