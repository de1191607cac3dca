def said(f): return repr(f)
