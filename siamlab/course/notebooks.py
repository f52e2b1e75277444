"""The list of the series' notebooks, and where the solutions of their exercises are."""

from __future__ import annotations

from pathlib import Path

from siamlab.errors import InputError

SERIES = (
    "01_setup",
    "02_webcam_collection",
    "03_preprocessing",
    "04_model",
    "05_training",
    "06_evaluation",
    "07_realtime_verification",
    "08_strong_weights",
)
BEYOND = (
    "09_losses_and_data",
    "10_one_shot",
    "11_several_images",
    "12_privacy_and_attacks",
    "13_attributes",
)
SOLUTIONS = "solutions"  # the folder beside the notebooks


def notebook_paths(beyond: bool = True) -> tuple[Path, ...]:
    """The notebooks of the checkout, in order.

    Args:
        beyond: those that go beyond the series, too.

    Raises:
        InputError: siamlab was installed without them.
    """
    folder = Path(__file__).resolve().parents[2] / "notebooks"
    paths = tuple(folder / f"{name}.ipynb" for name in (*SERIES, *(BEYOND if beyond else ())))
    if not all(path.is_file() for path in paths):
        raise InputError(
            "There are no notebooks: siamlab was installed without its checkout. Clone the "
            "project and install it with pip install -e ."
        )
    return paths


def solutions_path(notebook: Path) -> Path:
    """Where the solutions of a notebook's exercises are; not all have some."""
    return notebook.parent / SOLUTIONS / f"{notebook.stem}_solutions.ipynb"
