"""Explaining a Hamiltonian: who holds the energy, what would change it, what is coupled, where energy flows.

explain         `explain(model, structure)` → `Explanation`, each answer computed when asked for
parted          H as a sum of parts, J_ij = {E_i, E_j}
formulas, crystals, calculators
                how formulas, models and brought-in calculators split into parts
subjects        what can be explained, as H, state and parts
parts, sensitivities, tensions, couplings, simplex_couplings, modes, flow
                the answers
comparison      two explanations side by side, `compare`; `gauge_stability`
faithfulness    deletion and insertion curves, finite changes, shuffled weights
"""

from tenfma.explanation.comparison import Agreement, Comparison, compare, gauge_stability
from tenfma.explanation.explain import Explanation, explain

__all__ = ["Agreement", "Comparison", "Explanation", "compare", "explain", "gauge_stability"]
