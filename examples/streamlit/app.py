"""A supply behind a switch. Who is warned, when, and in which words is not written here, but in rig.toml."""

import socket

import streamlit as st


@st.cache_resource
def supply():
    return socket.create_connection(("127.0.0.1", 15025))


st.title("Supply")
if st.toggle("Output"):
    supply().sendall(f"VOLT {st.slider('Voltage in V', 0.0, 12.0)}\nOUTP ON\n".encode())
else:
    supply().sendall(b"OUTP OFF\n")
