"""The lab: a page on which one sees a model learn, with the real engine behind it.

`docs/decisions/0020-the-lab.md` says what a branch is, which thread does what, and what passes
between page and Python.
"""
