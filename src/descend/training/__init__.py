"""The one loop: `train` asks an engine to advance, records, and decides whether to stop.

`loop` is that loop, `stopping` its decisions, `callbacks` what others may watch, `progress` the
bar; `making` begins it from what was `asked`, `ending` tells how it ended. `live` leads it by hand,
and `changing` says what may change meanwhile. There is no second training loop anywhere in this
library.
"""

from descend.training.callbacks import Callback as Callback
from descend.training.callbacks import Now as Now
from descend.training.carrying import carry as carry
from descend.training.live import Live as Live
from descend.training.live import begin as begin
from descend.training.live import lead as lead
from descend.training.making import resume as resume
from descend.training.making import train as train
