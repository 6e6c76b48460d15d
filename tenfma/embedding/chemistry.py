"""What else chemists know of the elements: stiffness, volatility, size and affinity, beside Module A's own table.

Measured values from pymatgen's periodic table; bulk modulus, volume and B′ of 71 elements as Wien2k has them (PBE), from
ASE's `dcdft`. A property that spans decades enters as its logarithm. An element without a value gets the mean over the
others, weighted by exp(−|x − x'|²/4), x Module A's standardised columns: no gap becomes a zero.
"""

import warnings
from functools import cache

import numpy as np
import torch
from torch import Tensor

from tenfma.crystal.elements import LAST, table

#: pymatgen's names → ours; True where the logarithm is taken
MEASURED = {
    "bulk_modulus": ("log_bulk_modulus", True),
    "rigidity_modulus": ("log_shear_modulus", True),
    "youngs_modulus": ("log_youngs_modulus", True),
    "boiling_point": ("log_boiling_temperature", True),
    "velocity_of_sound": ("log_velocity_of_sound", True),
    "mendeleev_no": ("mendeleev_number", False),
    "electron_affinity": ("electron_affinity", False),
    "average_ionic_radius": ("ionic_radius", False),
    "van_der_waals_radius": ("van_der_waals_radius", False),
    "brinell_hardness": ("log_hardness", True),
    "coefficient_of_linear_thermal_expansion": ("thermal_expansion", False),
    "thermal_conductivity": ("log_thermal_conductivity", True),
    "electrical_resistivity": ("log_resistivity", True),
}
COMPUTED = ("log_bulk_modulus_pbe", "log_volume_pbe", "bulk_modulus_slope_pbe")
NAMES = (*(name for name, _ in MEASURED.values()), *COMPUTED)
#: how a crystal's elements are summed up
STATISTICS = ("mean", "std", "min", "max")


@cache
def known_elements() -> Tensor:
    """(104, columns): Module A's element table, then `NAMES`, standardised; row 0 is zero."""
    own = torch.nan_to_num(table().values, nan=0.0)
    return torch.cat([own, _standardised(torch.as_tensor(_filled()))], dim=1)


def composition_names() -> tuple[str, ...]:
    """Names of the columns of `composition`."""
    return tuple(f"cell.{name}_{statistic}" for statistic in STATISTICS for name in NAMES)


def composition(numbers: Tensor, owner: Tensor, crystals: int, dtype: torch.dtype) -> Tensor:
    """Mean, deviation, least and largest of `NAMES` over each crystal's atoms: (crystals, 4 · names)."""
    x = known_elements()[numbers, -len(NAMES) :].to(dtype)
    atoms = torch.bincount(owner, minlength=crystals).to(dtype)[:, None]
    mean = x.new_zeros((crystals, x.shape[1])).index_add(0, owner, x) / atoms
    spread = x.new_zeros((crystals, x.shape[1])).index_add(0, owner, (x - mean[owner]) ** 2) / atoms
    rows = owner[:, None].expand_as(x)
    ends = [
        x.new_zeros((crystals, x.shape[1])).scatter_reduce(0, rows, x, how, include_self=False)
        for how in ("amin", "amax")
    ]
    return torch.cat([mean, spread.sqrt(), *ends], dim=1)


def _standardised(x: Tensor) -> Tensor:
    inner = x[1:]
    return torch.cat([torch.zeros_like(x[:1]), (inner - inner.mean(0)) / inner.std(0, correction=0)])


def _filled() -> np.ndarray:
    values = _listed()
    near = _standardised(torch.nan_to_num(table().values, nan=0.0)).numpy()
    for column in values.T:
        known = ~np.isnan(column)
        known[0] = False
        for z in np.nonzero(np.isnan(column))[0]:
            weights = np.exp(-((near[known] - near[z]) ** 2).sum(1) / 4) + 1e-12
            column[z] = weights @ column[known] / weights.sum()
    return values


def _listed() -> np.ndarray:
    from ase.collections import dcdft
    from pymatgen.core import Element

    values = np.full((LAST + 1, len(NAMES)), np.nan)
    for z in range(1, LAST + 1):
        element = Element.from_Z(z)
        for place, (attribute, (_, logarithm)) in enumerate(MEASURED.items()):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                held = getattr(element, attribute, None)
            try:
                value = float(held) if held is not None else np.nan
            except (TypeError, ValueError):
                continue
            if logarithm:
                value = np.log(value) if value > 0 else np.nan
            values[z, place] = value
        if element.symbol in dcdft.names:
            data = dcdft.data[element.symbol]
            values[z, len(MEASURED) :] = (
                np.log(data["wien2k_B"]),
                np.log(data["wien2k_volume"]),
                data["wien2k_Bp"],
            )
    return values
