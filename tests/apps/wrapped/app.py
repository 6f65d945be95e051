"""A web app as others write them, with what they do wrong chosen by the arguments: PORT LOG [WHAT...]

drives=PORT  switches an instrument on, again and again
tree         has children that leave their parent, group and session, and ignore what can be ignored
deaf         ignores SIGTERM
floods       prints without end before it listens
mute         never answers
"""

import http.server
import os
import signal
import socket
import subprocess
import sys
import threading
import time

port, log, *what = sys.argv[1:]


def note(word):
    with open(log, "a") as file:
        file.write(word + "\n")


class Pages(http.server.BaseHTTPRequestHandler):
    def answer(self):
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self):
        self.answer()

    def do_POST(self):
        note("POST " + self.path)
        self.answer()

    def log_message(self, *_):
        pass


def drive(instrument):
    while True:
        try:
            with socket.create_connection(("127.0.0.1", instrument)) as line:
                while True:
                    line.sendall(b"OUTP ON\n")
                    time.sleep(0.005)
        except OSError:
            time.sleep(0.05)


def leave(*_):
    note("TERM")
    os._exit(0)


signal.signal(signal.SIGTERM, signal.SIG_IGN if "deaf" in what else leave)
for word in what:
    if word.startswith("drives="):
        instrument = int(word.removeprefix("drives="))
        threading.Thread(target=drive, args=(instrument,), daemon=True).start()
if "tree" in what:
    hides = "trap '' TERM HUP INT; "
    subprocess.Popen(["sh", "-c", hides + f"(setsid sh -c \"{hides}(setsid sleep 1000 &); sleep 1001\" &); sleep 1002"])
    subprocess.Popen(["sleep", "1003"], start_new_session=True)
if "floods" in what:
    for _ in range(20_000):
        print("x" * 200)
if "mute" in what:
    time.sleep(1000)
note("listens")
http.server.ThreadingHTTPServer(("127.0.0.1", int(port)), Pages).serve_forever()
