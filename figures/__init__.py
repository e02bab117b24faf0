"""Figures: each a function from data to a matplotlib Figure.

They compute no result and write no file; `figures.style.save` writes what a caller wants kept.
"""

from figures import bound_vs_measured as bound_vs_measured
from figures import linear_speedup as linear_speedup
from figures.style import save as save
