"""The notebook runs from its first cell to its last, and shows tables and charts. It is kept without outputs."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from tests.docs.pages import ROOT

NOTEBOOK = ROOT / "examples/offer.ipynb"
HTML, DRAWING = "text/html", "image/svg+xml"
TIMEOUT_S = 120


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What the cells show, each as its mime types."""
    folder = tmp_path_factory.mktemp("kernels")
    kernel = folder / "kernels" / "python3"
    kernel.mkdir(parents=True)
    command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (kernel / "kernel.json").write_text(
        json.dumps({"argv": command, "display_name": "Python 3", "language": "python"})
    )
    notebook = nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_PATH", str(folder))
        patch.setenv("JUPYTER_RUNTIME_DIR", str(folder / "runtime"))
        patch.setenv("IPYTHONDIR", str(folder / "ipython"))
        client = NotebookClient(notebook, timeout=TIMEOUT_S, resources={"metadata": {"path": str(folder)}})
        asyncio.run(client.async_execute())
    return [output["data"] for cell in notebook.cells for output in cell.get("outputs", []) if "data" in output]


def test_tables_and_charts_are_shown(shown: list[dict[str, Any]]) -> None:
    tables = [data for data in shown if "<table" in data.get(HTML, "")]
    drawn = [data[DRAWING] for data in shown if DRAWING in data]
    assert len(tables) == 2
    assert len(drawn) == 4
    assert all(chart.startswith("<svg") for chart in drawn)


def test_a_budget_with_the_best_terms_is_worth_its_face(shown: list[dict[str, Any]]) -> None:
    numbers = [data["text/plain"] for data in shown if set(data) == {"text/plain"}]
    assert [float(number) for number in numbers if not number.startswith("Renderer")] == [pytest.approx(1.0)]


def test_it_is_kept_without_outputs() -> None:
    cells = json.loads(NOTEBOOK.read_text("utf-8"))["cells"]
    programs = [cell for cell in cells if cell["cell_type"] == "code"]
    assert programs
    assert all(not cell["outputs"] and cell["execution_count"] is None for cell in programs)
