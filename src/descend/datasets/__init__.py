"""Data that ships with the library: toy data made by formula, and two real tables."""

from descend.datasets.shipped import shipped as shipped
from descend.datasets.shipped import shipped_table as shipped_table
