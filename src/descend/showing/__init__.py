"""The numbers behind pictures: read from runs, ready to be drawn, sampled where they must be.

Nothing here knows colours, matplotlib or HTML; `descend.plots` and `descend.page` draw.
"""
