"""NiceGUI: notes when a client is gone, by its own hook. HOOKS names the file, PORT the port."""

import os
import time

from nicegui import app, ui


def note(what):
    with open(os.environ["HOOKS"], "a") as hooks:
        hooks.write(f"{what} {time.monotonic_ns()}\n")


app.on_delete(lambda: note("gone"))


@ui.page("/")
def page():
    ui.label("the page is up")


ui.run(host="127.0.0.1", port=int(os.environ["PORT"]), show=False, reload=False)
