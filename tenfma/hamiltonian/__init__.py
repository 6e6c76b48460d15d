"""Hamiltonians: the protocol, textbook formulas, and the learned one in its two charts."""
