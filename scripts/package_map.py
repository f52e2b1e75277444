"""Draw the packages of siamlab and who imports whom: python scripts/package_map.py

Reads the order from ``tests/test_architecture.py``, the imports from the code, and each package's
line from its docstring. Writes ``figures/design/packages.svg`` and ``.png``, and the list of
packages in ``docs/design.md``. ``tests/test_docs.py`` fails when either is out of date.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "siamlab"
PAGE = ROOT / "docs" / "design.md"
FIGURE = ROOT / "figures" / "design" / "packages.svg"
CELL = 0.27  # inches
_BLOCK = re.compile(r"(<!-- packages -->\n).*?(<!-- end packages -->)", re.S)


def order() -> tuple[str, ...]:
    """The packages, each importing only from those before it."""
    tree = ast.parse((ROOT / "tests" / "test_architecture.py").read_text())
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "ORDER":
            return tuple(ast.literal_eval(node.value))
    raise SystemExit("tests/test_architecture.py has no ORDER.")


def files(package: str) -> list[Path]:
    """A package's modules; for a single module, its file."""
    single = PACKAGE / f"{package}.py"
    return [single] if single.is_file() else sorted((PACKAGE / package).rglob("*.py"))


def summary(package: str) -> str:
    """The first line of the package's docstring, as Markdown."""
    single = PACKAGE / f"{package}.py"
    path = single if single.is_file() else PACKAGE / package / "__init__.py"
    first = (ast.get_docstring(ast.parse(path.read_text())) or "").split("\n\n")[0]
    return re.sub(r":\w+:(?=`)", "", " ".join(first.split())).replace("``", "`")


def imports() -> dict[str, set[str]]:
    """The packages that each package imports from, itself left out."""
    known = order()
    found: dict[str, set[str]] = {}
    for package in known:
        names = {
            node.module.split(".")[1]
            for path in files(package)
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("siamlab.")
        }
        found[package] = (names & set(known)) - {package}
    return found


def render(text: str) -> str:
    """The page with its list of packages made again."""
    rows = "".join(f"| `{name}` | {summary(name)} |\n" for name in order())
    return _BLOCK.sub(
        lambda block: f"{block[1]}| package | what it holds |\n| --- | --- |\n{rows}{block[2]}",
        text,
    )


def draw() -> Any:
    """A matrix: the package of a row imports from the columns that are marked."""
    from siamlab.plotting.style import COLORS, GRAY, canvas, style

    names, found = order(), imports()
    width, height = 1.2 + CELL * len(names) + 1.0, CELL * len(names) + 0.2
    with style():
        figure, axes = canvas(width, height)
        for row, name in enumerate(names):
            y = height - 0.1 - CELL * (row + 0.5)
            places = [1.2 + CELL * (column + 0.5) for column in range(row + 1)]
            axes.plot(places[:-1], [y] * row, "s", markersize=17, color="#EEEEEE")
            axes.plot(places[-1], y, "s", markersize=17, color=GRAY)
            axes.text(1.1, y, name, ha="right", va="center")
            axes.text(places[-1] + 0.2, y, name, va="center", color=GRAY)
            for column, x in enumerate(places[:-1]):
                if names[column] in found[name]:
                    (mark,) = axes.plot(x, y, "o", markersize=6, color=COLORS["blue"])
                    mark.set_gid(f"{name}-imports-{names[column]}")
        top, left = height - 0.35, width - 2.75
        axes.plot(left, top, "o", markersize=6, color=COLORS["blue"])
        axes.text(
            left + 0.15, top, "the package of the row imports\nfrom that of the column", va="center"
        )
        axes.plot(left, top - 0.5, "s", markersize=11, color=GRAY)
        axes.text(left + 0.15, top - 0.5, "where a package's column begins", va="center")
    return figure


def main() -> None:
    """Write the figure and the list."""
    from siamlab.plotting.style import save_figure

    save_figure(draw(), FIGURE.stem, FIGURE.parent)
    PAGE.write_text(render(PAGE.read_text()))
    print(f"{len(order())} packages, {sum(map(len, imports().values()))} imports between them")


if __name__ == "__main__":
    main()
