"""Real tables: read through DuckDB, split, and turned into numbers that can be turned back.

`reading` gets a file or a DataFrame into a `Table`, with `delimited` for CSV and `sniffing` for
what is wrong with it; `targets` decides what is to be predicted, `splitting` deals the rows,
`learning` decides on the training rows what becomes of each column, `columns` and `encoding` apply
that to any table, `preparing` does all of it in order, and `writing` puts predictions on disk.
"""

from descend.tables.encoding import Encoded as Encoded
from descend.tables.encoding import Encoder as Encoder
from descend.tables.preparing import Prepared as Prepared
from descend.tables.preparing import prepare as prepare
from descend.tables.reading import read as read
from descend.tables.splitting import split as split
from descend.tables.table import Table as Table
from descend.tables.writing import write_predictions as write_predictions
