"""Bokeh: notes when a session is over, by its own hook. HOOKS names the file."""

import os
import time

from bokeh.io import curdoc
from bokeh.models import Div


def note(what):
    with open(os.environ["HOOKS"], "a") as hooks:
        hooks.write(f"{what} {time.monotonic_ns()}\n")


curdoc().add_root(Div(text="the page is up"))
curdoc().on_session_destroyed(lambda _context: note("gone"))
