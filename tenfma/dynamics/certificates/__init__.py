"""Certificates: what a method was measured to do to a Hamiltonian.

`certify` makes them; `report` holds their values; `geometry`, `accuracy` and `stationary` are the
measurements, usable on any step; `checks` and `bath` turn measurements into verdicts.
"""

from tenfma.dynamics.certificates.certifier import certify
from tenfma.dynamics.certificates.report import Certificate, Check

__all__ = ["Certificate", "Check", "certify"]
