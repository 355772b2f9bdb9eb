"""Runs focus-validator on a file in an environment of its own; prints as JSON which rules held, and which did not.

The validator is written for Python 3.12 but for one expression, which older ones cannot read; it is mended as it is
imported. Its rules for FOCUS 1.2 are in the package, and nothing is downloaded.
"""

# mypy: disable-error-code="import-not-found"
from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path
from types import ModuleType

CONVERTER = "focus_validator.config_objects.focus_to_duckdb_converter"
BACKSLASH = """f"'{k.replace('\\"', '\\"\\"')}'" for k"""
MENDED = """"'" + k.replace('"', '""') + "'" for k"""


class Mended(importlib.machinery.SourceFileLoader):
    """Loads the one module that Python 3.11 cannot read."""

    def get_data(self, path: str) -> bytes:
        """The module's text, mended."""
        return super().get_data(path).replace(BACKSLASH.encode(), MENDED.encode())

    def get_code(self, fullname: str) -> object:  # type: ignore[override]
        """Compiled from its text, never from a cache."""
        path = self.get_filename(fullname)
        return compile(self.get_data(path), path, "exec")


class Finder(importlib.abc.MetaPathFinder):
    """Finds that module before the usual ones do."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Its place in the package, with the loader that mends it."""
        if name != CONVERTER or not path:
            return None
        file = str(Path(path[0]) / f"{CONVERTER.rpartition('.')[2]}.py")
        return importlib.util.spec_from_file_location(name, file, loader=Mended(name, file))


def main(file: str, criteria: str) -> None:
    """Validate a file against FOCUS 1.2 with those of its conditional parts that apply."""
    sys.meta_path.insert(0, Finder())
    import focus_validator
    from focus_validator.validator import DEFAULT_VERSION_SETS_PATH, Validator

    os.chdir(Path(str(focus_validator.__file__)).parents[1])  # it looks for its list of currencies from here
    with redirect_stdout(sys.stderr):
        results = Validator(
            data_filename=file,
            rule_set_path=DEFAULT_VERSION_SETS_PATH,
            rules_version="1.2",
            output_type="console",
            output_destination=None,
            column_namespace=None,
            rules_block_remote_download=True,
            applicability_criteria=criteria,
            focus_dataset="CostAndUsage",
        ).validate()
    told: dict[str, list[str]] = {"held": [], "broken": [], "skipped": []}
    for rule, result in results.by_rule_id.items():
        skipped = result.get("details", {}).get("skipped", False)
        told["skipped" if skipped else "held" if result["ok"] else "broken"].append(rule)
    print(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
