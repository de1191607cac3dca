"""One update of a run explained: its five moves, in symbols, numbers and code.

`expressions` reads one line of NumPy in four ways, `formulas` holds the lines, `facts` computes an
update again, `forward`, `losing`, `backward` and `updating` (with `searched`) tell its moves, and
`as_text`, `as_markdown` and `as_latex` write them down.
"""

from descend.explaining.asking import explain as explain
from descend.explaining.explanation import Explanation as Explanation
