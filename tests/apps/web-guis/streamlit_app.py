"""Streamlit: notes when a page's connection is gone. It has no hook of its own for that: this is its session manager's
own step, wrapped. HOOKS names the file."""

import os
import time

import streamlit as st
from streamlit.runtime.websocket_session_manager import WebsocketSessionManager


def note(what):
    with open(os.environ["HOOKS"], "a") as hooks:
        hooks.write(f"{what} {time.monotonic_ns()}\n")


if not hasattr(WebsocketSessionManager, "noted"):
    before = WebsocketSessionManager.disconnect_session

    def disconnect_session(self, session_id):
        note("gone")
        return before(self, session_id)

    WebsocketSessionManager.noted = True
    WebsocketSessionManager.disconnect_session = disconnect_session

st.write("the page is up")
