"""How Sphinx builds the site: python scripts/build_site.py

The source folder is the root of the checkout, so that the links between pages, notebooks, figures
and code are the same on the site as in the repository.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "docs" / "extensions")]

from siamlab import __version__  # noqa: E402

project = "siamlab"
author = "the siamlab contributors"
release = version = __version__
root_doc = "docs/index"

include_patterns = [
    "docs/**",
    "notebooks/**",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "data/README.md",
    "siamlab/models/weights/README.md",
]
# Whatever else may lie in a checkout is not walked through either.
exclude_patterns = [".*", "*.egg-info", "build", "data/*/**", "dist", "out", "siamlab-data", "venv"]
exclude_patterns += ["**/.ipynb_checkpoints", "**/__pycache__", "docs/extensions", "docs/static"]

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "myst_nb",
    "docstrings",
    "mathml",
    "command_help",
    "picture_words",
]

nb_execution_mode = "off"  # chapters show the outputs that are stored, and compared by the tests
nb_ipywidgets_js = {}  # panels are shown as pictures: no script from elsewhere
myst_enable_extensions = ["amsmath", "dollarmath"]
myst_heading_anchors = 4  # the anchors that GitHub makes
suppress_warnings = ["misc.highlighting_failure"]  # SQL with psql's own lines: only less colorful

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented_params"
autodoc_type_aliases = {"ArrayLike": "ArrayLike"}
napoleon_numpy_docstring = False
napoleon_use_rtype = False  # "Returns: the scores: float32" names no type
napoleon_custom_sections = ["Source"]

html_theme = "furo"
html_title = f"siamlab {version}"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_math_renderer = "mathml"
html_copy_source = False
html_show_sphinx = False
html_show_search_summary = (
    False  # it reads the pages found, which no browser allows without a server
)
pygments_style = "tango"
pygments_dark_style = "github-dark"
