"""Pooling: a state of simplices → numbers of the crystal, invariant, intensive and named.

A state is read back through the lift as weighted features w·x in their own units, and for each rank,
with sums over the cells of a crystal and N its atoms,

    density        Σ w / N
    mean           Σ w x / (Σ w₀ + ε N)                             even channels: scalars, and ℓ = 1, 2 apart
    square         Σ |w (x − μ)/σ|² / (Σ w₀² + ε N)                 every channel

where σ and μ are the lift's and w₀ is the weight at the start. Nothing depends on the choice of cell,
orientation or order; ε keeps an empty rank at zero.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from tenfma.crystal.features import LOCAL_RANKS, FeatureTable
from tenfma.hamiltonian.layout import Layout
from tenfma.hamiltonian.lift import Lift

if TYPE_CHECKING:
    import pandas as pd

#: ε: the weight per atom below which a rank counts as empty
FAINT = 1e-3
#: how columns that tell of the path begin in a table
CERTIFICATE = "certificate."


@dataclass(frozen=True)
class Embedding:
    """Invariants of n crystals, (n, d), one name per column; the ℓ = 1 and 2 parts come apart, {name: (n,
    3 or 5)}, and so does the certificate of the path behind each row, {name: (n,)}; see `tenfma.embedding.certificate`.
    """

    values: np.ndarray
    names: tuple[str, ...]
    tensors: dict[str, np.ndarray]
    certificate: dict[str, np.ndarray] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.values)

    def to_frame(self, certificate: bool = False) -> "pd.DataFrame":
        """One row per crystal, one column per name; with the certificate also columns as 'certificate.reversal_error'."""
        import pandas as pd

        frame = pd.DataFrame(self.values, columns=list(self.names))
        if not certificate or not self.certificate:
            return frame
        told = {f"{CERTIFICATE}{name}": values for name, values in self.certificate.items()}
        return pd.concat([frame, pd.DataFrame(told)], axis=1)

    @staticmethod
    def concatenate(parts: Sequence["Embedding"]) -> "Embedding":
        """The crystals of several embeddings in a row."""
        return Embedding(
            np.concatenate([part.values for part in parts]),
            parts[0].names,
            {name: np.concatenate([part.tensors[name] for part in parts]) for name in parts[0].tensors},
            {
                name: np.concatenate([part.certificate[name] for part in parts])
                for name in parts[0].certificate
            },
        )


def pool(lift: Lift, layout: Layout, state: Tensor, tables: dict[str, FeatureTable]) -> Embedding:
    """Pool a state (D,) over each crystal; `tables` are the features at the start, for their weights."""
    atoms = torch.bincount(layout.owners["atoms"], minlength=layout.n_crystals).to(state)[:, None]
    columns: list[Tensor] = []
    names: list[str] = []
    tensors: dict[str, np.ndarray] = {}
    for rank, rows in layout.split(state).items():
        one = lift.rank(rank)

        def summed(values: Tensor, rank: str = rank) -> Tensor:
            flat = values.flatten(1)
            return flat.new_zeros((layout.n_crystals, flat.shape[1])).index_add(0, layout.owners[rank], flat)

        f = one.inverse(rows)
        weighted = one.readings(rows)
        start = tables[rank].weights[:, None]
        columns.append(summed(weighted[:, :1]) / atoms)
        names.append(f"{rank}.density")
        norm, norm2 = summed(start) + FAINT * atoms, summed(start * start) + FAINT * atoms
        column = 1
        for channel in one.channels[1:]:
            place = slice(column, column + channel.dim)
            column = place.stop
            if channel.flip > 0:
                mean = summed(weighted[:, place]) / norm
                if channel.irreps == "0e":
                    columns.append(mean)
                    names.append(f"{rank}.{channel.name}.mean")
                else:
                    tensors[f"{rank}.{channel.name}.mean"] = mean.detach().cpu().numpy()
            columns.append(summed((f[:, place] ** 2).sum(1, keepdim=True)) / norm2)
            names.append(f"{rank}.{channel.name}.square")
    values = torch.cat(columns, dim=1)
    return Embedding(values.detach().cpu().numpy(), tuple(names), tensors)


def energies_per_atom(layout: Layout, parts: dict[str, Tensor]) -> tuple[Tensor, tuple[str, ...]]:
    """The learned energy of each rank per atom, (crystals, 3), eV, with names."""
    atoms = torch.bincount(layout.owners["atoms"], minlength=layout.n_crystals)
    values = [layout.sum_crystals(rank, parts[rank]) / atoms for rank in LOCAL_RANKS]
    return torch.stack(values, dim=1), tuple(f"{rank}.energy_per_atom" for rank in LOCAL_RANKS)
