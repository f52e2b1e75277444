"""The results file of the notebooks, and the table that ``siamlab run`` prints at the end."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from siamlab.config import Workspace
from siamlab.system.files import write_whole
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
        say(f"Nothing is kept here yet; python benchmarks/{name}.py --lfw PATH measures it.")
        return None
    return dict(json.loads(path.read_text()))


def record_results(workspace: Workspace, notebook: str, **values: Any) -> None:
    """Add a notebook's results to ``results.json`` of the workspace."""
    path = workspace.root / "results.json"
    results = read_results(workspace)
    results[notebook] = {**results.get(notebook, {}), **values}
    write_whole(path, lambda temporary: temporary.write_text(json.dumps(results, indent=1)))


def read_results(workspace: Workspace) -> dict[str, Any]:
    """Read all results so far; empty before the first."""
    path = workspace.root / "results.json"
    return dict(json.loads(path.read_text())) if path.exists() else {}


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3f}"
    return "-" if value is None else str(value)


def format_table(rows: list[dict[str, Any]]) -> str:
    """Rows with equal keys as aligned text."""
    names = list(rows[0])
    cells = [[_cell(row.get(name)) for name in names] for row in rows]
    return str(Table(cells, names, rule=True))


def results_table(workspace: Workspace) -> str:
    """Format the tables that ``siamlab run`` prints at the end."""
    results = read_results(workspace)
    strangers = results.get("06_evaluation", {}).get("strangers", [])
    user = results.get("07_realtime_verification", {}).get("verdicts", [])
    losses = results.get("08_what_makes_it_work", {}).get("losses", [])
    times = results.get("times", {})
    parts = []
    if strangers:
        parts += ["Pairs of people never seen in training", format_table(strangers), ""]
    if user:
        title = f"Verdicts on probes of {workspace.person} and of impostors"
        parts += [title, format_table(user), ""]
    if losses:
        title = "One small network, the same number of steps with each loss, on the same strangers"
        parts += [title, format_table(losses), ""]
    if times:
        total = sum(times.values())
        rows = [{"notebook": name, "seconds": round(value)} for name, value in times.items()]
        parts += [format_table([*rows, {"notebook": "all", "seconds": round(total)}])]
    return "\n".join(parts)
