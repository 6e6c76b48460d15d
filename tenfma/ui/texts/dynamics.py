"""Phase space and Energy drift."""
# ruff: noqa: E501  (sentences are easier to compare on one line)

TEXTS = {
    "method.euler": ("explicit Euler", "显式欧拉"),
    "method.rk4": ("Runge–Kutta 4", "四阶龙格–库塔"),
    "method.symplectic_euler": ("symplectic Euler", "辛欧拉"),
    "method.leapfrog": ("leapfrog", "蛙跳法"),
    "method.yoshida4": ("Yoshida 4", "Yoshida 4 阶"),
    "method.suzuki4": ("Suzuki 4", "Suzuki 4 阶"),
    "method.yoshida6": ("Yoshida 6", "Yoshida 6 阶"),
    "method.kahan_li8": ("Kahan–Li 8", "Kahan–Li 8 阶"),
    "method.implicit_midpoint": ("implicit midpoint", "隐式中点"),
    "method.gauss_legendre4": ("Gauss–Legendre 4", "高斯–勒让德 4 阶"),
    "method.tao2": ("Tao 2", "Tao 2 阶"),
    "method.tao4": ("Tao 4", "Tao 4 阶"),
    "system": ("System", "系统"),
    "system.own": ("a formula of your own", "自己的公式"),
    "system.harmonic": ("harmonic oscillator", "谐振子"),
    "system.anharmonic": ("quartic oscillator", "四次非谐振子"),
    "system.pendulum": ("pendulum", "单摆"),
    "system.double-well": ("double well", "双势阱"),
    "system.morse": ("Morse bond", "莫尔斯键"),
    "system.quartic-kinetic": ("quartic kinetic energy", "四次动能"),
    "system.coupled-oscillators": ("two coupled oscillators", "两个耦合振子"),
    "system.driven-pendulum": ("driven pendulum", "受驱单摆"),
    "system.damped-oscillator": ("damped oscillator", "阻尼振子"),
    "system.kepler": ("Kepler problem", "开普勒问题"),
    "system.figure-eight": ("three bodies on a figure eight", "八字形三体"),
    "system.outer-solar-system": ("outer solar system", "外太阳系"),
    "system.double-pendulum": ("double pendulum", "双摆"),
    "system.henon-heiles": ("Hénon–Heiles", "Hénon–Heiles 系统"),
    "system.toda": ("Toda lattice", "户田晶格"),
    "system.fput-alpha": ("FPUT chain, cubic", "FPUT 链（三次）"),
    "system.fput-beta": ("FPUT chain, quartic", "FPUT 链（四次）"),
    "system.lennard-jones": ("Lennard-Jones cluster", "Lennard-Jones 团簇"),
    "system.magnetic": ("charge in a magnetic field", "磁场中的电荷"),
    "system.nonseparable": ("Tao's nonseparable example", "Tao 的不可分例子"),
    "system.lotka-volterra": ("predators and prey", "捕食者与猎物"),
    "formula": ("H(q, p) =", "H(q, p) ="),
    "formula.help": (
        "Names: q, p; or q1, q2, p1, p2; or x, y, px, py; t for time. Functions: sin, cos, exp, log, sqrt, tanh …",
        "变量：q、p；或 q1、q2、p1、p2；或 x、y、px、py；t 为时间。函数：sin、cos、exp、log、sqrt、tanh 等。",
    ),
    "formula.many": (
        "This page draws up to {most} coordinates, and this formula has {count}; leave some out.",
        "本页最多绘制 {most} 个坐标，而该公式有 {count} 个；请减少坐标。",
    ),
    "methods": ("Methods (the first carries the patch)", "方法（第一个携带相点团）"),
    "plane": ("Plane shown", "显示的平面"),
    "start": ("Start", "初态"),
    "dt": ("Step Δt", "步长 Δt"),
    "steps": ("Steps", "步数"),
    "radius": ("Radius of the patch", "相点团半径"),
    "stopped": (
        "{name} left the finite numbers: its path ends where the picture holds it.",
        "{name} 发散：其轨迹停在图中所示处。",
    ),
    "phase.title": ("Phase space", "相空间"),
    "phase.question": (
        "What does the motion keep? Watch a patch of phase space being carried along.",
        "运动保持了什么？观察相空间中的一团相点如何随流动演化。",
    ),
    "phase.picture": (
        "{system}: trajectories and a patch of phase space over contours of H, energy against time beside it",
        "{system}：轨迹与相点团，背景为 H 的等值线，旁边为能量随时间的变化",
    ),
    "phase.note.keeps": (
        "Carried by {method}, the patch keeps its area: Σ∮p dq stays within {change:.1e} of {area:.5g} while its shape is "
        "sheared. The energy of that method moves by at most {drift:.1e} of its start.",
        "在{method}下，相点团的面积保持不变：形状被剪切，而 Σ∮p dq 与 {area:.5g} 的相对偏差不超过 {change:.1e}。"
        "该方法的能量相对初值至多变化 {drift:.1e}。",
    ),
    "phase.note.loses": (
        "Carried by {method}, the patch does not keep its area: Σ∮p dq goes from {area:.5g} to {end:.5g}, a factor {factor:.3g}. "
        "No Hamiltonian flow does that; the step is not symplectic. Its energy moves by up to {drift:.1e} of its start.",
        "在{method}下，相点团的面积没有保持：Σ∮p dq 从 {area:.5g} 变为 {end:.5g}，相差 {factor:.3g} 倍。"
        "哈密顿流不会如此；这一步不是辛的。其能量相对初值变化达 {drift:.1e}。",
    ),
    "phase.note.damped": (
        "This system has friction c = {damping:g}, so area is not kept but shrinks as e^(−ct): from {area:.5g} to {end:.5g}, "
        "a factor {factor:.3g}; exactly e^(−ct) would be {expected:.3g}.",
        "该系统有摩擦 c = {damping:g}，面积不守恒，而按 e^(−ct) 收缩：从 {area:.5g} 到 {end:.5g}，"
        "比值 {factor:.3g}；精确的 e^(−ct) 为 {expected:.3g}。",
    ),
    "phase.note.folded": (
        " After t ≈ {time:.3g} the patch is folded too finely for its points, and its area is no longer measured.",
        "t ≈ {time:.3g} 之后相点团折叠过细，无法再用其边界点测量面积。",
    ),
    "patch.folded": ("folded too finely to measure", "折叠过细，无法测量"),
    "phase.note.plain": (
        "The energy of {method} moves by at most {drift:.1e} of its start over t = {time:.4g}.",
        "在 t = {time:.4g} 内，{method}的能量相对初值至多变化 {drift:.1e}。",
    ),
    "phase.eq.hamilton": ("Hamilton's equations for this system:", "该系统的哈密顿方程："),
    "phase.eq.area": (
        "What every symplectic map keeps, round any closed curve:",
        "任何辛映射沿任意闭合曲线保持：",
    ),
    "section.title": ("Poincaré section", "庞加莱截面"),
    "section.note": (
        "{orbits} orbits of energy {energy:.4g}, a dot each time {plane} = 0 is crossed upwards: {dots} dots. Smooth closed curves "
        "are regular motion; a sprinkling of dots is chaos.",
        "能量为 {energy:.4g} 的 {orbits} 条轨道，每次向上穿过 {plane} = 0 时记一点，共 {dots} 点。光滑闭曲线是规则运动；"
        "散布的点是混沌。",
    ),
    "section.energy": ("Energy of the section", "截面能量"),
    "section.orbits": ("Orbits", "轨道数"),
    "section.picture": (
        "Poincaré section of {system} at energy {energy}",
        "{system}在能量 {energy} 处的庞加莱截面",
    ),
    "section.none": (
        "No orbit of energy {energy:.4g} starts on this section; choose another energy.",
        "能量 {energy:.4g} 在该截面上没有轨道；请选择其他能量。",
    ),
    "drift.title": ("Energy drift", "能量漂移"),
    "drift.question": (
        "Which step keeps the energy, now and after a long time?",
        "哪种步进能保持能量——此刻，以及长时间之后？",
    ),
    "and": (", ", "、"),
    "drift.methods": ("Methods", "方法"),
    "drift.axis": ("largest |ΔE/E₀| so far", "迄今最大 |ΔE/E₀|"),
    "drift.axis.zero": ("largest |ΔE| so far (E₀ = 0)", "迄今最大 |ΔE|（E₀ = 0）"),
    "drift.picture": (
        "{system}: relative energy error against time on log axes, one line per method",
        "{system}：相对能量误差随时间变化（对数轴），每种方法一条线",
    ),
    "drift.note.crossing": (
        "Runge–Kutta 4 begins {ratio:.2g} times closer to the energy than {rival}, but its error grows steadily, like $t^{{{slope:.2f}}}$, "
        "while {rival}'s stays bounded: Runge–Kutta {when}.{euler}",
        "四阶龙格–库塔起初比{rival}更接近真实能量 {ratio:.2g} 倍，但误差持续增长（约 $t^{{{slope:.2f}}}$），而{rival}的误差有界："
        "{when}。{euler}",
    ),
    "drift.euler": (
        " Explicit Euler is off by the whole energy at t = {time:.3g}.",
        "显式欧拉在 t = {time:.3g} 时误差已达整个能量。",
    ),
    "drift.when.crossed": ("falls behind at t ≈ {time:.3g}", "龙格–库塔在 t ≈ {time:.3g} 落后"),
    "drift.when.later": (
        "would fall behind at t ≈ {time:.2g}, beyond this picture",
        "龙格–库塔将在 t ≈ {time:.2g} 落后（图外）",
    ),
    "drift.note.worse": (
        "Here Runge–Kutta 4 is behind {rival} from the start: at this step {rival} keeps the energy within {best:.1e}, "
        "Runge–Kutta ends at {rk4:.1e}.",
        "此处四阶龙格–库塔从一开始就落后于{rival}：在该步长下{rival}把能量保持在 {best:.1e} 内，龙格–库塔结束于 {rk4:.1e}。",
    ),
    "drift.note.plain": (
        "After t = {time:.4g} the smallest error is {best:.1e} ({name}), the largest {worst:.1e} ({loser}).",
        "到 t = {time:.4g}，最小误差为 {best:.1e}（{name}），最大为 {worst:.1e}（{loser}）。",
    ),
    "drift.note.not_kept": (
        "This system's energy is not meant to stay: {why}. The lines show how far it moves.",
        "该系统的能量本就不守恒：{why}。曲线显示其变化幅度。",
    ),
    "drift.why.time": ("H depends on time", "H 依赖时间"),
    "drift.why.damped": ("friction takes energy out", "摩擦带走能量"),
    "order.title": ("Error against step", "误差与步长"),
    "order.axis.x": ("step Δt", "步长 Δt"),
    "order.axis.y": ("error of the end state", "末态误差"),
    "order.picture": (
        "{system}: error of the end state against step on log axes, with the fitted order of each method",
        "{system}：末态误差随步长变化（对数轴），并给出各方法的拟合阶数",
    ),
    "order.legend": ("{name}: order {order:.2f}", "{name}：{order:.2f} 阶"),
    "order.note": (
        "Halving the step divides the error by 2 to the order. Fitted here: {orders}.",
        "步长减半，误差除以 2 的阶数次方。此处拟合：{orders}。",
    ),
    "certificate.title": ("Certificate", "证书"),
    "certificate.method": ("Method to certify", "要检验的方法"),
    "certificate.text": (
        "Measured on this system at Δt = {dt:.3g}, a quarter of the step above, where errors follow their order: what the method "
        "promises, and whether it holds.",
        "在该系统上以 Δt = {dt:.3g}（上方步长的四分之一，误差已遵循其阶数）实测：方法的承诺是否成立。",
    ),
    "drift.eq.defect": (
        "A step is symplectic where its Jacobian keeps Ω:",
        "步进映射的雅可比保持 Ω 时为辛：",
    ),
    "drift.eq.shadow": (
        "A symplectic method of order r follows a nearby Hamiltonian almost exactly, so its energy error stays bounded:",
        "r 阶辛方法几乎精确地跟随一个邻近的哈密顿量，因此能量误差有界：",
    ),
}
