"""Molecular dynamics and relaxation of crystals with a learned Hamiltonian or any ASE calculator."""
