"""Every picture: takes data, returns the figure, never shows or stores anything by itself.

Input: arrays, results of the other modules, Keras models. Output: ``Picture``, a
matplotlib figure outside pyplot's state that a notebook displays once, and that
:func:`save_figure` writes as SVG and PNG. Functions with one panel also draw into axes given
to them.
"""

from siamlab.plotting.architecture import Step, network_steps
from siamlab.plotting.charts import plot_history, plot_quality_against_size, plot_time_against_size
from siamlab.plotting.comparisons import plot_losses, plot_quality_against_people
from siamlab.plotting.network import draw_architecture
from siamlab.plotting.pictures import plot_images, plot_pairs, plot_verification
from siamlab.plotting.score_plots import plot_curves, plot_reliability, plot_scores
from siamlab.plotting.study_plots import plot_baselines, plot_map, plot_oneshot
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
    "plot_baselines",
    "plot_curves",
    "plot_history",
    "plot_images",
    "plot_losses",
    "plot_map",
    "plot_oneshot",
    "plot_pairs",
    "plot_quality_against_people",
    "plot_quality_against_size",
    "plot_reliability",
    "plot_scores",
    "plot_time_against_size",
    "plot_verification",
    "save_figure",
    "style",
]
