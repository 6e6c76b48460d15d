"""Simplices."""

from tenfma.ui import layout

t = layout.begin("simplices")
