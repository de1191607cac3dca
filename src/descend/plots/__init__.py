"""Figures of runs, by matplotlib: `run.plot`, and what compares several runs.

They read what was recorded, and train nothing.
"""

from descend.plots.figures import FIGURES as FIGURES
from descend.plots.figures import describe as describe
from descend.plots.figures import draw as draw
from descend.plots.gallery import gallery as gallery
from descend.plots.gallery import scores_and_sigmoids as scores_and_sigmoids
from descend.plots.panel import Plots as Plots
from descend.plots.racing import race as race
from descend.plots.saving import rendered as rendered
from descend.plots.saving import save as save
