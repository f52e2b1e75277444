"""Guards: imports go one way, importing does nothing, heavy packages stay in their modules."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "siamlab"

# The data's way: a package imports only from itself and from those above it.
ORDER = (
    "errors",
    "config",
    "system",
    "images",
    "faces",
    "data",
    "gallery",
    "capture",
    "models",
    "evaluation",
    "training",
    "verification",
    "plotting",
    "study",
    "attributes",
    "assessment",
    "attendance",
    "ui",
    "course",
    "cli",
)
PANELS = (
    *("attendance_panel", "base", "best_matches", "camera_light", "capture_panel"),
    *("consent_form", "explorer_panel", "threshold_sliders", "thumbnails", "verify_panel"),
)
HEAVY = {
    "tensorflow": {
        "data/pipeline.py",
        "system/environment.py",
        "system/backend.py",
        "assessment/attack_defenses.py",
    },
    "ipywidgets": {f"ui/panels/{name}.py" for name in PANELS},
    "anywidget": {"capture/cameras/camera_widget.py", "ui/panels/page.py"},
    "faiss": {"gallery/search.py"},
    "psycopg": {"gallery/postgres.py", "gallery/vector_table.py", "gallery/publishing.py"},
    "pgvector": {"gallery/vector_table.py"},
    "jax": {"training/distributed.py"},
}


def package_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def files() -> list[Path]:
    """Every file of the package but its front door, which names the verbs of all packages."""
    return sorted(
        path for path in PACKAGE.rglob("*.py") if path.parent != PACKAGE or path.stem in ORDER
    )


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


def imported_packages(path: Path) -> set[str]:
    return {name.split(".")[1] for name in imported(path) if name.startswith("siamlab.")}


def test_every_package_has_its_place():
    entries = {path.name.removesuffix(".py") for path in PACKAGE.iterdir()}
    assert entries - {"__init__", "__pycache__", "py.typed"} == set(ORDER)


@pytest.mark.parametrize("package", ORDER)
def test_a_package_imports_only_from_those_above_it(package):
    above = ORDER[: ORDER.index(package) + 1]
    wrong = {
        str(path.relative_to(PACKAGE)): sorted(imported_packages(path) - set(above))
        for path in files()
        if package_of(path) == package and imported_packages(path) - set(above)
    }
    assert not wrong


def test_no_package_hands_on_the_names_of_another():
    for path in PACKAGE.rglob("__init__.py"):
        own = ".".join(("siamlab", *path.parent.relative_to(PACKAGE).parts))
        given = {
            alias.asname or alias.name
            for node in ast.parse(path.read_text()).body
            if isinstance(node, ast.ImportFrom)
            and node.module
            and node.module.startswith("siamlab")
            and not node.module.startswith(own)
            for alias in node.names
        }
        listed = re.search(r"^__all__ = \[(.*?)\]", path.read_text(), re.S | re.M)
        offered = set(re.findall(r'"(\w+)"', listed[1])) if listed else set()
        assert not given & offered, path


def test_no_two_files_share_a_name():
    """But for the same part of sibling families: what a camera, a detector, a panel is."""
    stems = [path.stem for path in files() if path.stem not in ("__init__", "__main__", "base")]
    assert [stem for stem in stems if stems.count(stem) > 1] == []


@pytest.mark.parametrize("heavy", HEAVY)
def test_heavy_libraries_stay_in_their_files(heavy):
    users = {
        str(path.relative_to(PACKAGE))
        for path in files()
        if any(name.split(".")[0] == heavy for name in imported(path))
    }
    assert users <= HEAVY[heavy]


def test_matplotlib_stays_in_plotting():
    users = {package_of(path) for path in files() if "matplotlib" in str(imported(path))}
    assert users == {"plotting"}


IMPORT = """
import sys, time
began = time.perf_counter()
import siamlab
print(time.perf_counter() - began, "tensorflow" in sys.modules, "numpy" in sys.modules)
"""


def test_import_is_quick_and_loads_no_tensorflow(tmp_path):
    best = 1.0
    for _ in range(3):
        out = subprocess.run(
            [sys.executable, "-c", IMPORT], capture_output=True, text=True, check=True, cwd=tmp_path
        )
        seconds, tensorflow, numpy = out.stdout.split()
        assert (tensorflow, numpy) == ("False", "False")
        best = min(best, float(seconds))
    assert best < 0.3
    assert not list(tmp_path.iterdir()), "importing makes no files"


def notebooks() -> list[Path]:
    return sorted((ROOT / "notebooks").glob("*.ipynb"))


def solutions() -> list[Path]:
    return sorted((ROOT / "notebooks" / "solutions").glob("*.ipynb"))


def test_the_list_of_notebooks_is_the_folder():
    from siamlab.course.notebooks import BEYOND, SERIES

    assert tuple(path.stem for path in notebooks()) == (*SERIES, *BEYOND)


@pytest.mark.parametrize("path", [*notebooks(), *solutions()], ids=lambda path: path.stem)
def test_notebooks_are_stored_run_short_and_small(path):
    cells = json.loads(path.read_text())["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    for cell in code:
        source = "".join(cell["source"])
        # nbval does not compare a cell whose count is null.
        assert cell["execution_count"] is not None, source
        assert not [out for out in cell["outputs"] if out["output_type"] == "error"], source
        assert len(source.splitlines()) <= 15, source
        if "nbval-ignore-output" in cell["metadata"].get("tags", []):
            assert cell["metadata"].get("reason"), f"say why it is not compared: {source}"
    told = [c for c in code if "answer" not in c["metadata"].get("tags", ())]
    lengths = sorted(len("".join(cell["source"]).splitlines()) for cell in told)
    assert lengths[len(lengths) // 2] <= 6 or path in solutions()
    assert path.stat().st_size < 3_000_000
    texts = [out.get("text", "") for cell in code for out in cell["outputs"]]
    texts += [
        out["data"].get("text/plain", "") for c in code for out in c["outputs"] if "data" in out
    ]
    # Not the whole file: any letters can stand in a picture's base64 text.
    assert not re.search(r"(^|\s)/(root|home|tmp|Users)/", "\n".join(map("".join, texts)))
