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

# The data's way; a module imports only from those before it.
ORDER = [
    "errors",
    "opencv",
    "quiet",
    "backend",
    "profiles",
    "storage",
    "download",
    "environment",
    "images",
    "synthetic",
    "cameras",
    "finders",
    "faces",
    "people",
    "lfw",
    "omniglot",
    "sampling",
    "pairs",
    "augmentation",
    "pipeline",
    "layers",
    "record",
    "runtime",
    "gradients",
    "networks",
    "precision",
    "packing",
    "models",
    "export",
    "losses",
    "checkpoints",
    "training",
    "heads",
    "fusion",
    "evaluation",
    "quality",
    "projection",
    "oneshot",
    "baselines",
    "characters",
    "calibrating",
    "recipes",
    "studies",
    "gallery",
    "index",
    "verification",
    "bench",
    "reader",
    "capture",
    "live",
    "window",
    "plotting",
    "widgets",
    "series",
    "cli",
]
HEAVY = {
    "tensorflow": {"pipeline", "environment", "backend"},
    "ipywidgets": {"widgets"},
    "matplotlib": {"plotting"},
    "faiss": {"index"},
}


def part_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def modules() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if part_of(path) != "__init__")


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


def test_every_module_has_its_place():
    assert {part_of(path) for path in modules()} == set(ORDER)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_one_way(path):
    here = ORDER.index(part_of(path))
    for name in imported(path):
        if name.startswith("siamlab."):
            other = name.split(".")[1]
            assert ORDER.index(other) <= here, f"{part_of(path)} imports {other}"


@pytest.mark.parametrize("heavy", HEAVY)
def test_heavy_packages_stay_in_their_modules(heavy):
    users = {
        part_of(path)
        for path in modules()
        if any(name.split(".")[0] == heavy for name in imported(path))
    }
    assert users <= HEAVY[heavy]


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


def test_every_public_name_exists():
    import siamlab

    for name in siamlab.__all__:
        assert getattr(siamlab, name) is not None
    with pytest.raises(AttributeError, match="nothing_like_this"):
        _ = siamlab.nothing_like_this


def notebooks() -> list[Path]:
    return sorted((ROOT / "notebooks").glob("*.ipynb"))


def test_there_are_eight_notebooks():
    from siamlab.series import NOTEBOOKS

    assert tuple(path.stem for path in notebooks()) == NOTEBOOKS


@pytest.mark.parametrize("path", notebooks(), ids=lambda path: path.stem)
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
    lengths = sorted(len("".join(cell["source"]).splitlines()) for cell in code)
    assert lengths[len(lengths) // 2] <= 6
    assert path.stat().st_size < 3_000_000
    texts = [out.get("text", "") for cell in code for out in cell["outputs"]]
    texts += [
        out["data"].get("text/plain", "") for c in code for out in c["outputs"] if "data" in out
    ]
    # Not the whole file: any letters can stand in a picture's base64 text.
    assert not re.search(r"(^|\s)/(root|home|tmp|Users)/", "\n".join(map("".join, texts)))
