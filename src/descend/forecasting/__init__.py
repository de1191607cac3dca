"""Forecasting: what a task will do on its rows, said before the first step.

`motion` turns a rule into numbers along one direction, `spectrum` finds the directions, `looking`
passes over the rows, `making` puts both together, and `saying` puts the result into sentences.
"""

from descend.forecasting.making import forecast as forecast
from descend.forecasting.making import of_problem as of_problem
from descend.forecasting.motion import Motion as Motion
from descend.forecasting.motion import matrix_of as matrix_of
from descend.forecasting.motion import motion_of as motion_of
from descend.forecasting.result import Forecast as Forecast
