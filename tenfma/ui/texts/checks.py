"""Names and meanings of a certificate's checks; in English they are as the certificate says them."""
# ruff: noqa: E501  (sentences are easier to compare on one line)

_NAMES = {
    "invariant": "候选不变量",
    "run": "运行",
    "symplectic defect": "辛缺陷",
    "conformal symplectic defect": "共形辛缺陷",
    "det J": "雅可比行列式 det J",
    "Jacobian": "雅可比矩阵",
    "reversal error": "反演误差",
    "order": "阶数",
    "energy drift": "能量漂移",
    "equivariance": "等变性",
    "position covariance": "位置协方差",
    "momentum covariance": "动量协方差",
    "kinetic temperature": "动能温度",
    "configurational temperature": "构型温度",
    "shadow work": "影子功",
    "parts add up to H": "各部分之和等于 H",
    "flow is antisymmetric": "能流反对称",
    "flows add up to the change of every part": "能流之和等于各部分的变化",
    "tensions and torques add up to the forces": "张力与力矩合成为力",
    "couplings equal differences of ∂H/∂q": "耦合等于 ∂H/∂q 的差分",
    "couplings are symmetric": "耦合对称",
    "acoustic sum rule": "声学求和规则",
}
_MEANINGS = {
    "fraction of the asked-for steps that the run finished with a finite energy": "以有限能量完成的步数占要求步数的比例",
    "det J of one step: phase-space volume after over before; e^{−γhD} under friction γ, else 1": "一步的 det J：步后与步前相空间体积之比；有摩擦 γ 时为 e^{−γhD}，否则为 1",
    "relative difference of J·v by derivatives and by differences: guards the checks that use J": "由导数与由差分得到的 J·v 的相对差：保证其他使用 J 的检验",
    "slope of log(error) on log(dt), error against Dormand–Prince 8 at round-off tolerance": "log(误差) 对 log(dt) 的斜率，误差相对于舍入精度的 Dormand–Prince 8",
    "slope of the total energy on time with its 99 % band, residuals allowed to be correlated": "总能量对时间的斜率及其 99 % 置信带，允许残差相关",
    "largest change over the run relative to its largest value; does not decide the verdict": "运行中最大变化与最大值之比；不影响结论",
    "‖JᵀΩJ − Ω‖/‖J‖² of the step's Jacobian J: 0 where the step is a canonical flow": "步的雅可比矩阵 J 的 ‖JᵀΩJ − Ω‖/‖J‖²：正则流为 0",
    "‖z − z₀‖/‖z₀‖ after up to 100 steps of dt and as many of −dt": "以 dt 前进至多 100 步、再以 −dt 退回同样步数后的 ‖z − z₀‖/‖z₀‖",
    "largest ‖step′(Dz, Dξ) − D step(z, ξ)‖/‖step(z, ξ)‖ over the symmetries D; step′ steps H as D sees it": "对各对称操作 D 取最大的 ‖step′(Dz, Dξ) − D step(z, ξ)‖/‖step(z, ξ)‖；step′ 在 D 之后的 H 上步进",
    "|Σ E_i − H| over the sum of sizes": "|Σ E_i − H| 与各部分绝对值之和的比",
    "max |J_ij + J_ji| over the largest flow: what one part gains another loses": "max |J_ij + J_ji| 与最大能流之比：一方所得即另一方所失",
    "max |Σ_j J_ij − dE_i/dt|, the rate by differences along the motion, over the largest flow": "max |Σ_j J_ij − dE_i/dt| 与最大能流之比，变化率由沿运动的差分得到",
    "max |F − F from bond tensions and angle torques alone|, eV/Å": "max |F − 仅由键张力与角力矩得到的 F|，eV/Å",
    "one column, against central differences of second order, over the largest coupling": "一列耦合与二阶中心差分之差，相对最大耦合",
    "the strongest block against its transpose": "最强的块与其转置之差",
    "|Σ_j ∂²U/∂r_i∂r_j| over the largest: moving all atoms together changes nothing": "|Σ_j ∂²U/∂r_i∂r_j| 与最大者之比：整体平移不改变任何量",
}

TEXTS = {f"check:{name}": (name, told) for name, told in _NAMES.items()} | {
    f"meaning:{meaning}": (meaning, told) for meaning, told in _MEANINGS.items()
}
