"""The program, run in this process on a data folder of its own."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from bursar.cli.main import main

PLAN = 'name = "engineers"\namount = "2000.00"\ntime_zone = "Europe/Stockholm"\nmodels = ["claude-*"]\n'


class Done(NamedTuple):
    """What a run left: its exit code and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed, as JSON."""
        return json.loads(self.out)


class Program:
    """`bursar` on one data folder."""

    def __init__(self, folder: Path, capture: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capture = capture

    def run(self, *words: str) -> Done:
        """Run it on the folder with these words."""
        return self.bare("--data", str(self.folder), *words)

    def bare(self, *words: str) -> Done:
        """Run it with these words alone."""
        self._capture.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(list(words))
        printed = self._capture.readouterr()
        assert "Traceback" not in printed.err, printed.err
        code = ended.value.code
        return Done(code if isinstance(code, int) else 0, printed.out, printed.err)

    def done(self, *words: str) -> Done:
        """Run it; it must do what it is asked."""
        done = self.run(*words)
        assert done.code == 0, done.err
        return done


@pytest.fixture(scope="session")
def made_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder after `bursar init`, to copy."""
    folder = tmp_path_factory.mktemp("made") / "data"
    with pytest.raises(SystemExit) as ended:
        main(["--data", str(folder), "init"])
    assert not ended.value.code
    return folder


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal of a known width, and no settings of whoever runs the tests."""
    monkeypatch.setenv("COLUMNS", "100")
    for name in ("BURSAR_DATA", "BURSAR_URL", "BURSAR_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def program(made_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Program:
    """The program on a folder with nobody in it."""
    shutil.copytree(made_folder, tmp_path / "data")
    return Program(tmp_path / "data", capsys)


@pytest.fixture
def ada(program: Program, tmp_path: Path) -> str:
    """A person on the plan "engineers"; her e-mail."""
    plan = tmp_path / "engineers.toml"
    plan.write_text(PLAN)
    program.done("person", "add", "ada@example.com", "--name", "Ada", "--team", "compilers")
    program.done("plan", "add", str(plan))
    program.done("grant", "ada@example.com", "--plan", "engineers")
    return "ada@example.com"
