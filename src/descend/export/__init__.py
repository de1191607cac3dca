"""Export: a run as a file that others can use without this library.

`export` is the door; `portable` says what a run comes to in plain numbers, `made_up` makes rows to
check it by, and the other modules write one form each.  `predict`, `torch_model`, `jax_model` and
`sklearn_model` import nothing of this library: they are written out as they are.
"""

from descend.export.exporting import export as export
