"""All figures: functions of data that return a figure and never show or save it.

The figure is a ``Picture``, a matplotlib figure outside pyplot's state that a notebook displays
once; :func:`save_figure` writes it as SVG and PNG. Functions with one panel can draw into given
axes.
"""

from siamlab.plotting.architecture import draw_architecture
from siamlab.plotting.attribute_plots import plot_age, plot_group_errors
from siamlab.plotting.embedding_plots import plot_baselines, plot_map, plot_oneshot
from siamlab.plotting.heat_plots import plot_heat
from siamlab.plotting.history_plot import plot_history
from siamlab.plotting.image_plots import (
    plot_images,
    plot_judged_pairs,
    plot_pairs,
    plot_verification,
)
from siamlab.plotting.network_steps import Step, network_steps
from siamlab.plotting.pull_plots import plot_pulls
from siamlab.plotting.score_plots import plot_curves, plot_reliability, plot_scores
from siamlab.plotting.study_plots import (
    plot_against_size,
    plot_losses,
    plot_quality_against_people,
)
from siamlab.plotting.style import COLORS, Picture, new_figure, save_figure, style
from siamlab.plotting.towers import draw_towers

__all__ = [
    "COLORS",
    "Picture",
    "Step",
    "draw_architecture",
    "draw_towers",
    "network_steps",
    "new_figure",
    "plot_against_size",
    "plot_age",
    "plot_baselines",
    "plot_curves",
    "plot_group_errors",
    "plot_heat",
    "plot_history",
    "plot_images",
    "plot_judged_pairs",
    "plot_losses",
    "plot_map",
    "plot_oneshot",
    "plot_pairs",
    "plot_pulls",
    "plot_quality_against_people",
    "plot_reliability",
    "plot_scores",
    "plot_verification",
    "save_figure",
    "style",
]
