"""A run packed for the browser, and the built module that shows it.

`payload` packs a run into one JSON object and one block of bytes, as `frontend/src/contract.ts`
says; `blocks` writes the bytes, `parts` and `words` what stands beside them; `writing` makes one
HTML document of it that needs nothing else.
"""

from descend.page.payload import Payload as Payload
from descend.page.payload import pack as pack
from descend.page.writing import document as document
from descend.page.writing import escaped as escaped
from descend.page.writing import module as module
from descend.page.writing import mount as mount
