"""The results file of the notebooks, and the table that ``siamlab run`` prints at the end."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from siamlab.config import Workspace
from siamlab.system.files import write_text
from siamlab.system.table import Table


def read_benchmark(name: str, say: Callable[[str], None] = print) -> dict[str, Any] | None:
    """Read the stored results of ``benchmarks/NAME.py`` from the checkout.

    Args:
        name: the script's name without suffix.
        say: receives the command to run where there are no stored results.

    Returns:
        Plain values, or ``None``.
    """
    path = Path(__file__).resolve().parents[2] / "benchmarks" / f"{name}.json"
    if not path.is_file():
        say(f"Nothing is stored here yet; python benchmarks/{name}.py --lfw PATH measures it.")
        return None
    return dict(json.loads(path.read_text()))


def record_results(workspace: Workspace, notebook: str, **values: Any) -> None:
    """Add a notebook's results to ``results.json`` of the workspace."""
    results = read_results(workspace)
    results[notebook] = {**results.get(notebook, {}), **values}
    write_text(workspace.root / "results.json", json.dumps(results, indent=1))


def read_results(workspace: Workspace) -> dict[str, Any]:
    """Read all results so far; empty before the first."""
    path = workspace.root / "results.json"
    return dict(json.loads(path.read_text())) if path.exists() else {}


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3f}"
    return "-" if value is None else str(value)


def rows_table(rows: list[dict[str, Any]]) -> Table:
    """Rows with equal keys as a table: HTML in a notebook, aligned text elsewhere.

    Example:
        >>> rows_table([{"model": "compact", "AUC": 0.91}, {"model": "none", "AUC": None}])
        model      AUC
        --------------
        compact  0.910
        none         -
    """
    names = list(rows[0])
    cells = [[_cell(row.get(name)) for name in names] for row in rows]
    sides = [">" if all(_is_number(row.get(name)) for row in rows) else "<" for name in names]
    return Table(cells, names, "".join(sides), rule=True)


def _is_number(value: Any) -> bool:
    return value is None or isinstance(value, (int, float))


def format_table(rows: list[dict[str, Any]]) -> str:
    """Rows with equal keys as aligned text."""
    return str(replace(rows_table(rows), align="<"))


def results_table(workspace: Workspace) -> str:
    """Format the tables that ``siamlab run`` prints at the end."""
    results = read_results(workspace)
    tables = (
        ("06_evaluation", "strangers", "Pairs of people never seen in training"),
        ("07_realtime_verification", "verdicts",
         f"Verdicts on probes of {workspace.person} and of impostors"),
        ("08_strong_weights", "models",
         "The same pairs of strangers, judged by each model"),
        ("09_losses_and_data", "losses",
         "One small network, the same number of steps with each loss, on the same strangers"),
    )  # fmt: skip
    parts = []
    for notebook, key, title in tables:
        if rows := results.get(notebook, {}).get(key, []):
            parts += [title, format_table(rows), ""]
    if times := results.get("times", {}):
        total = sum(times.values())
        rows = [{"notebook": name, "seconds": round(value)} for name, value in times.items()]
        parts += [format_table([*rows, {"notebook": "all", "seconds": round(total)}])]
    return "\n".join(parts)
