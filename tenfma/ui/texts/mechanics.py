"""Mechanics notebook."""

TEXTS = {
    "mechanics.title": ("Mechanics notebook", "力学笔记"),
    "mechanics.question": (
        "How does a Lagrangian become a Hamiltonian, and what does the motion keep?",
        "拉格朗日量如何变成哈密顿量？运动守恒哪些量？",
    ),
    "mechanics.example": ("Start from", "从此开始"),
    "mechanics.pendulum": ("pendulum", "单摆"),
    "mechanics.spring": ("mass on a spring", "弹簧振子"),
    "mechanics.kepler": ("planet in polar coordinates", "极坐标下的行星"),
    "mechanics.hoop": ("bead on a turning hoop", "旋转圆环上的珠子"),
    "mechanics.magnetic": ("charge in a magnetic field", "磁场中的电荷"),
    "mechanics.springs": ("two coupled springs", "两个耦合弹簧"),
    "mechanics.own": ("a Lagrangian of your own", "自己的拉格朗日量"),
    "mechanics.formula": ("L(q, q̇) =", "L(q, q̇) ="),
    "mechanics.formula.help": (
        "A velocity is v before the coordinate's name: vx for x, vtheta for theta; v alone belongs to q. Other names are "
        "parameters.",
        "速度写作 v 加坐标名：x 的速度为 vx，theta 的速度为 vtheta；单独的 v 属于 q。其余名称为参数。",
    ),
    "mechanics.parameters": (
        "Parameters, all equal to {value:g} in the picture",
        "参数（图中均取 {value:g}）",
    ),
    "mechanics.step1": ("1 · The Lagrangian, kinetic minus potential energy", "1 · 拉格朗日量：动能减势能"),
    "mechanics.step2": ("2 · Momenta: the slope of L in each velocity", "2 · 动量：L 对各速度的导数"),
    "mechanics.step3": ("3 · Solve for the velocities", "3 · 解出速度"),
    "mechanics.step4": (
        "4 · Legendre's transform: put them into Σ p q̇ − L",
        "4 · 勒让德变换：代入 Σ p q̇ − L",
    ),
    "mechanics.step5": ("5 · Hamilton's equations", "5 · 哈密顿方程"),
    "mechanics.picture.title": ("Its motion", "它的运动"),
    "mechanics.picture": (
        "Phase portrait of the Hamiltonian above with one orbit",
        "上述哈密顿量的相图与一条轨道",
    ),
    "mechanics.brackets": ("Poisson brackets", "泊松括号"),
    "mechanics.brackets.text": (
        "Type two functions of {names}; H stands for the Hamiltonian. A bracket with H that vanishes means conserved.",
        "输入两个关于 {names} 的函数；H 表示哈密顿量。与 H 的括号为零意味着守恒。",
    ),
    "mechanics.bracket.zero": (
        "The bracket vanishes: moving along one leaves the other unchanged.",
        "括号为零：沿其中一个流动时另一个不变。",
    ),
    "mechanics.bracket.rate": (
        "Along the motion this is the rate of change of the first function.",
        "沿运动轨迹，它就是第一个函数的变化率。",
    ),
    "mechanics.conserved": ("Conserved quantities", "守恒量"),
    "mechanics.conserved.text": (
        "All polynomials up to degree 2 in {names} were tried; these satisfy {{A, H}} = 0.",
        "检验了 {names} 的所有二次以内多项式；满足 {{A, H}} = 0 的有：",
    ),
    "mechanics.exact": ("exact", "精确"),
    "mechanics.residual": ("residual {value:.0e}", "残差 {value:.0e}"),
    "mechanics.none": (
        "None among polynomials of degree 2, besides H itself, which is no polynomial here.",
        "二次多项式中没有；H 本身守恒，但此处不是多项式。",
    ),
    "mechanics.note.cyclic": (
        "{names} does not appear in L, so its momentum {momenta} never changes. Conserved polynomials found "
        "below: {count}.",
        "L 中不含 {names}，因此动量 {momenta} 不变；下方搜索找到 {count} 个守恒多项式。",
    ),
    "mechanics.note.energy": (
        "Every coordinate appears in L, so no single momentum is kept; what the motion keeps is H. Conserved "
        "polynomials found below: {count}.",
        "所有坐标都出现在 L 中，单个动量都不守恒；运动守恒的是 H，下方搜索找到 {count} 个守恒多项式。",
    ),
    "mechanics.eq.bracket": ("The Poisson bracket:", "泊松括号："),
    "mechanics.eq.rate": ("and what it is for:", "其意义："),
    "mechanics.eq.legendre": ("Legendre's transform:", "勒让德变换："),
}
