"""The list of the series' notebooks."""

from __future__ import annotations

from pathlib import Path

from siamlab.errors import InputError

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
            "There are no notebooks: siamlab was installed without its checkout. Clone the "
            "project and install it with pip install -e ."
        )
    return paths
