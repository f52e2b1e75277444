"""The front door: every public name exists, has a type for a type checker, and an example."""

from __future__ import annotations

import ast
import doctest
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import siamlab

ROOT = Path(__file__).parents[1]
NAMES = [name for name in siamlab.__all__ if name != "__version__"]


def test_type_checkers_and_python_find_the_same_names_in_the_same_places():
    tree = ast.parse((ROOT / "siamlab" / "__init__.py").read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    typed = {
        alias.asname: f"{node.module}".removeprefix("siamlab.")
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert typed == siamlab._HOMES


def test_every_public_name_exists():
    for name in NAMES:
        assert getattr(siamlab, name).__name__ == name
    assert set(dir(siamlab)) == set(siamlab.__all__)
    with pytest.raises(AttributeError, match="nothing_like_this"):
        _ = siamlab.nothing_like_this


def test_a_type_checker_sees_real_types(tmp_path):
    """mypy is asked for the type of every public name; ``Any`` would be no type at all."""
    lines = ["import siamlab", *(f"reveal_type(siamlab.{name})" for name in NAMES)]
    lines += [
        "answer = siamlab.verify('a.jpg', 'b.jpg')",
        "reveal_type(answer.verified)",
        "reveal_type(siamlab.Verifier(siamlab.load_model(), siamlab.Gallery('g')).verify)",
        "siamlab.verify('a.jpg')  # one image is an error",
    ]
    (tmp_path / "use.py").write_text("\n".join(lines) + "\n")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", str(ROOT / "pyproject.toml"),
         "--cache-dir", str(tmp_path / "cache"), str(tmp_path / "use.py")],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    revealed = [line for line in done.stdout.splitlines() if "Revealed type" in line]
    assert len(revealed) == len(NAMES) + 2, done.stdout
    for name, line in zip(NAMES, revealed, strict=False):
        said = line.split("Revealed type is ")[1].strip('"')
        # Keras itself has no types, so a Keras model is Any to a type checker.
        keras_model = name == "build_embedding"
        assert said != "Any" and (keras_model or not said.endswith("-> Any")), f"{name}: {said}"
    assert "bool | None" in revealed[-2].replace("builtins.", "").replace("Union[", "")
    assert "Verification" in revealed[-1]
    errors = [line for line in done.stdout.splitlines() if ": error:" in line]
    assert len(errors) == 1 and "Missing positional argument" in errors[0], done.stdout


@pytest.mark.parametrize("name", NAMES)
def test_the_example_of_each_public_name_runs(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SIAMLAB_DATA", str(tmp_path / "data"))
    text = inspect.getdoc(getattr(siamlab, name)) or ""
    test = doctest.DocTestParser().get_doctest(text, {}, name, None, None)
    assert test.examples, f"{name} has no example"
    assert not any(doctest.SKIP in example.options for example in test.examples)
    said: list[str] = []
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    result = doctest.DocTestRunner(optionflags=flags).run(test, out=said.append)
    assert result.failed == 0, "".join(said)
