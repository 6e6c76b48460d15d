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
#: whole notes, or the parts of one between semicolons; what holds figures stays as the certificate says it
_NOTES = {
    "estimated from random tangent vectors": "由随机切向量估计",
    "the Jacobian is probed, not formed, in this many dimensions": "维数很高，雅可比矩阵只作探测，不显式构造",
    "heat does not flow back by itself": "热不会自行倒流",
    "H depends on time, and the clock is held fixed here": "H 依赖时间，而此处时钟固定",
    "strong, weak and measure orders of noise are other tests": "噪声的强阶、弱阶与测度阶属于别的检验",
    "single precision hides the slope; use float64": "单精度掩盖斜率；请用 float64",
    "higher than claimed on this system": "在此系统上高于所称的阶",
    "the energy diverged before the run's end": "能量在运行结束前发散",
    "round-off only": "仅舍入误差",
    "the shadow energy holds ten times better, so this is a slow oscillation": "影子能量守恒好十倍，故这是缓慢振荡",
    "the run holds too few oscillations to tell drift from oscillation: raise steps": "运行中的振荡太少，无法区分漂移与振荡：请增加步数",
    "the run is too short or diverged": "运行太短或已发散",
    "conserved by H's bracket; the bath, friction or driving may change it": "与 H 的括号为零；热浴、摩擦或驱动可使其改变",
    "holds to round-off": "在舍入精度内守恒",
    "holds on average: its slope's band contains 0": "平均守恒：斜率的置信带含 0",
    "drifts": "漂移",
    "other frames are left out: the friction of each component does not turn with them": "未检验其他参考系：各分量的摩擦不随之转动",
    "H has no normalisable Gibbs measure": "H 没有可归一化的吉布斯测度",
    "follows from the defect above": "由上面的缺陷推出",
    "solved, not sampled": "由求解得到，而非抽样",
}

TEXTS = (
    {f"check:{name}": (name, told) for name, told in _NAMES.items()}
    | {f"meaning:{meaning}": (meaning, told) for meaning, told in _MEANINGS.items()}
    | {f"note:{note}": (note, told) for note, told in _NOTES.items()}
)
