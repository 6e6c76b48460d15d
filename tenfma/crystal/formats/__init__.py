"""How each file format becomes crystals: a text is split into frames, and every frame is read by itself.

`split(text, name)` gives the frames of a file, whole or damaged; `build(frame, name)` makes one structure of
a frame. Both raise StructureError with one plain sentence, in which `name` says where the fault is.
"""

from types import ModuleType

from tenfma.crystal.formats import cif, extxyz, poscar, records

FORMATS: dict[str, ModuleType] = {"CIF": cif, "POSCAR": poscar, "extxyz": extxyz, "JSON": records}
