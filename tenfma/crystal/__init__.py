"""Module A: a crystal becomes atoms, bonds and triangles with named features."""
