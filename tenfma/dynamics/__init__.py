"""Dynamics: flows, methods, trajectories, brackets and certificates, for any Hamiltonian."""
