"""Bokeh: notes when a session is over, by its own hook. HOOKS names the file."""

import os
import time

from bokeh.io import curdoc
from bokeh.models import Div


# Bokeh has emptied this module's names by the time it calls the hook: what the hook needs is given to it before.
def gone(_context, path=os.environ["HOOKS"], clock=time.monotonic_ns, write=open):
    with write(path, "a") as hooks:
        hooks.write(f"gone {clock()}\n")


curdoc().add_root(Div(text="the page is up"))
curdoc().on_session_destroyed(gone)
