"""Home: what this is, three ways in."""

import streamlit as st

from tenfma.ui import layout, state

t = layout.begin("home")
st.markdown(t("home.lead"))
