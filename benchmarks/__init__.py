"""Benchmarks: ours beside the peers'; see README.md in this folder."""

from importlib import import_module

# In the order of the table.
_MODULES = (
    "rows_line",
    "rows_stochastic",
    "rows_engines",
    "rows_moons",
    "rows_gradients",
    "rows_adam",
    "rows_solvers",
    "rows_doctor",
    "rows_recording",
    "rows_processes",
    "rows_growth",
)


def all_rows() -> None:
    """Enter every row into the table."""
    for name in _MODULES:
        import_module(f"benchmarks.{name}")
