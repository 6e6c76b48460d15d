"""Phase space of a learned crystal."""
# ruff: noqa: E501  (sentences are easier to compare on one line)

TEXTS = {
    "phase.of": ("Whose phase space", "谁的相空间"),
    "phase.of.formula": ("formulas", "公式"),
    "phase.of.learned": ("learned crystals", "学得的晶体"),
    "learned.model": ("Model, on its own crystal", "模型（在其自身的晶体上）"),
    "learned.mode": ("Normal mode", "简正模"),
    "learned.mode.name": ("{k}: {f:.2f} THz, {cm:.0f} cm⁻¹", "{k}：{f:.2f} THz，{cm:.0f} cm⁻¹"),
    "learned.size": ("Pulled out by / Å", "拉开的位移 / Å"),
    "learned.radius": ("Patch, as a share of that", "相点团半径（占位移的比例）"),
    "learned.dt": ("Step Δt / fs", "步长 Δt / fs"),
    "learned.area": ("Patch area Σ∮p·dr / eV fs", "相点团面积 Σ∮p·dr / eV fs"),
    "learned.picture": (
        "A patch in the plane of a {f:.1f} THz mode of {model} under the learned Hamiltonian, energy beside it",
        "{model} 的 {f:.1f} THz 简正模平面上，一团相点在学得的哈密顿量下的演化，旁边为能量",
    ),
    "learned.note": (
        "{model}'s {f:.1f} THz mode, pulled out of the learned crystal, goes round its contour while all atoms move freely; {method} lets the energy wander by {drift:.1e} of what was put in.",
        "从学得的 {model} 晶体中拉开 {f:.1f} THz 的简正模后，它沿等值线运动，而全部原子自由运动；{method}的能量波动为所加能量的 {drift:.1e}。",
    ),
    "learned.note.area": (
        " The patch's area, summed over all atoms, stays within {change:.1e} of {area:.4g} eV fs: Liouville holds for what was learned, too.",
        "对全部原子求和的相点团面积与 {area:.4g} eV fs 的相对偏差不超过 {change:.1e}：学得的系统同样满足刘维尔定理。",
    ),
    "learned.eq.mode": (
        "Amplitude and momentum of a mode e, orthonormal in mass-weighted coordinates:",
        "简正模 e（质量加权坐标下正交归一）的振幅与动量：",
    ),
    "learned.eq.slice": ("The contours: H where only this mode is excited:", "等值线：仅激发该模时的 H："),
}
