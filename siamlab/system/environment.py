"""What the notebooks run on: package versions and processors. Notebook 01 shows it."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata

from siamlab.system.quiet import quiet_tensorflow, silent_stderr
from siamlab.system.table import Table

SHOWN = ("tensorflow", "keras", "opencv-python", "numpy", "matplotlib", "jupyterlab", "ipywidgets")


@dataclass(frozen=True)
class PackageVersion:
    """One package that siamlab needs.

    Attributes:
        name: as pip names it.
        found: installed version, or ``None``.
        needed: the versions that ``pyproject.toml`` allows.
        good: found, and allowed.
    """

    name: str
    found: str | None
    needed: str
    good: bool


def check_versions(names: tuple[str, ...] = SHOWN) -> tuple[PackageVersion, ...]:
    """Compare installed packages with the versions that siamlab's metadata allows.

    OpenCV without windows (``opencv-python-headless``) counts as OpenCV.
    """
    from packaging.requirements import Requirement

    wanted = {
        requirement.name: requirement
        for requirement in map(Requirement, metadata.requires("siamlab") or [])
    }
    results = []
    for name in names:
        found = _installed(name) or _installed(f"{name}-headless")
        specifier = wanted[name].specifier if name in wanted else None
        good = found is not None and (specifier is None or specifier.contains(found, True))
        results.append(PackageVersion(name, found, str(specifier or ""), good))
    return tuple(results)


def version_table(versions: Sequence[PackageVersion]) -> Table:
    """Packages with the versions that are installed and needed, and whether that is good."""
    rows = [
        (one.name, one.found or "missing", one.needed or "any",
         "good" if one.good else "TOO OLD OR MISSING")
        for one in versions
    ]  # fmt: skip
    return Table(rows, ("package", "installed", "needed", ""))


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def prepare_devices() -> tuple[str, ...]:
    """List the processors that TensorFlow sees, and let a GPU's memory grow as needed.

    Without growth TensorFlow allocates all memory of a GPU at once, and a second notebook
    finds none left.

    Returns:
        A line for each device.
    """
    quiet_tensorflow()
    with silent_stderr():
        import tensorflow as tf

    lines = [f"CPU: {platform.processor() or platform.machine()}"]
    for number, device in enumerate(tf.config.list_physical_devices("GPU")):
        try:
            tf.config.experimental.set_memory_growth(device, True)
            growth = "memory grows as needed"
        except RuntimeError:
            growth = "already in use: restart the kernel to let its memory grow"
        lines.append(f"GPU {number}: {device.name}, {growth}")
    if len(lines) == 1:
        lines.append("no GPU: the quick profile is made for that")
    return tuple(lines)
