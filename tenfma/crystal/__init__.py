"""Module A: a crystal becomes atoms, bonds and triangles with named features."""

from collections.abc import Callable
from typing import Any

#: prefix → what gives the structure of the name behind it; parts above this one add theirs, as `catalogue:`
RESOLVERS: dict[str, Callable[[str], Any]] = {}
