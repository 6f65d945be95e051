"""A supply behind a slider. That it is off once the tab is gone is not written here, but in rig.toml."""

import socket

from bokeh.models import Slider
from bokeh.plotting import curdoc

supply = socket.create_connection(("127.0.0.1", 15025))
supply.sendall(b"OUTP ON\n")
volts = Slider(title="Voltage in V", start=0, end=12, step=0.1, value=0)
volts.on_change("value_throttled", lambda _attr, _old, new: supply.sendall(f"VOLT {new}\n".encode()))
curdoc().add_root(volts)
