"""Data that ships with the library: toy data made by formula, and two real tables."""

from descend.datasets.shipped import shipped as shipped
from descend.datasets.shipped import shipped_table as shipped_table
from descend.datasets.toy import blobs as blobs
from descend.datasets.toy import checkerboard as checkerboard
from descend.datasets.toy import circles as circles
from descend.datasets.toy import houses as houses
from descend.datasets.toy import legacy as legacy
from descend.datasets.toy import line_by_hand as line_by_hand
from descend.datasets.toy import line_sgd as line_sgd
from descend.datasets.toy import moons as moons
from descend.datasets.toy import sliders as sliders
from descend.datasets.toy import spiral as spiral
from descend.datasets.toy import xor as xor
