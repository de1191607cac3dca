"""Films of runs: MP4, GIF, or a page to be scrubbed by hand."""

from descend.animation.filming import animate as animate
from descend.animation.kinds import KINDS as KINDS
