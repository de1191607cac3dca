"""The numbers behind pictures: read from runs, ready to be drawn, sampled where they must be.

Nothing here knows colours, matplotlib or HTML; `descend.plots` and `descend.page` draw.
`frames` are recorded states of theta, `samples` the rows to show, `curves` the figures of the
history, `surfaces` the objective over a plane of parameters.
"""
