"""The list of notebooks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from siamlab.errors import InputError

if TYPE_CHECKING:
    pass

NOTEBOOKS = (
    "01_setup",
    "02_webcam_collection",
    "03_preprocessing",
    "04_model",
    "05_training",
    "06_evaluation",
    "07_realtime_verification",
    "08_what_makes_it_work",
)


def notebook_paths() -> tuple[Path, ...]:
    """The eight notebooks of the checkout.

    Raises:
        InputError: siamlab was installed without them.
    """
    folder = Path(__file__).resolve().parents[2] / "notebooks"
    paths = tuple(folder / f"{name}.ipynb" for name in NOTEBOOKS)
    if not all(path.is_file() for path in paths):
        raise InputError(
            "The notebooks are not here: siamlab was installed without its checkout. Clone the "
            "project and install it with pip install -e ."
        )
    return paths
