"""Heat (Langevin)."""
# ruff: noqa: E501  (sentences are easier to compare on one line)

TEXTS = {
    "heat.title": ("Heat", "热"),
    "heat.question": (
        "Does a jostled particle find the Boltzmann distribution, and does the noise have to be right?",
        "受热扰动的粒子会达到玻尔兹曼分布吗？噪声必须正确吗？",
    ),
    "heat.potential": ("Potential V(q)", "势能 V(q)"),
    "heat.double-well": ("double well", "双势阱"),
    "heat.harmonic": ("harmonic", "谐振"),
    "heat.quartic": ("quartic", "四次"),
    "heat.tilted": ("tilted double well", "倾斜双势阱"),
    "heat.own": ("a formula of your own", "自己的公式"),
    "heat.formula": ("V(q) =", "V(q) ="),
    "heat.kT": ("Temperature kT", "温度 kT"),
    "heat.friction": ("Friction γ", "摩擦 γ"),
    "heat.mass": ("Mass m", "质量 m"),
    "heat.dt": ("Step Δt", "步长 Δt"),
    "heat.walkers": ("Walkers", "粒子数"),
    "heat.steps": ("Steps", "步数"),
    "heat.seed": ("Seed", "随机种子"),
    "heat.method": ("Method", "方法"),
    "heat.baoab": ("BAOAB", "BAOAB"),
    "heat.obabo": ("OBABO", "OBABO"),
    "heat.aboba": ("ABOBA", "ABOBA"),
    "heat.euler_maruyama": ("Euler–Maruyama", "欧拉–丸山"),
    "heat.axis": ("probability density", "概率密度"),
    "heat.exact": ("exp(−V/kT)/Z", "exp(−V/kT)/Z"),
    "heat.walk": ("walkers", "粒子"),
    "heat.wrong": ("wrong noise √(2γkT)", "错误噪声 √(2γkT)"),
    "heat.picture": (
        "Histogram of the walkers' positions against the Boltzmann density, with the wrong-noise twin",
        "粒子位置直方图与玻尔兹曼密度的比较，以及错误噪声的结果",
    ),
    "heat.kinetic": ("Kinetic temperature ⟨p ∂H/∂p⟩", "动能温度 ⟨p ∂H/∂p⟩"),
    "heat.configurational": ("Configurational temperature ⟨V′²⟩/⟨V″⟩", "构型温度 ⟨V′²⟩/⟨V″⟩"),
    "heat.distance": ("Distance from Boltzmann", "与玻尔兹曼分布的距离"),
    "heat.row": ("walk", "行走"),
    "heat.note.right": (
        "Both temperatures of the walkers agree with kT = {kT:g}: kinetic {kinetic:.4f} ± {kinetic_error:.4f}, configurational "
        "{conf:.4f} ± {conf_error:.4f}.",
        "粒子的两种温度都与 kT = {kT:g} 一致：动能温度 {kinetic:.4f} ± {kinetic_error:.4f}，构型温度 {conf:.4f} ± {conf_error:.4f}。",
    ),
    "heat.note.off": (
        "The walkers are not at kT = {kT:g}: kinetic {kinetic:.4f} ± {kinetic_error:.4f}, configurational {conf:.4f} ± "
        "{conf_error:.4f}; the step's own error (or too short a run) shows.",
        "粒子并未处于 kT = {kT:g}：动能温度 {kinetic:.4f} ± {kinetic_error:.4f}，构型温度 {conf:.4f} ± {conf_error:.4f}；"
        "这是步长误差（或运行过短）的表现。",
    ),
    "heat.note.wrong": (
        " Noise that forgets the mass m = {mass:g} settles at {wrong:.4f} ± {wrong_error:.4f} instead, that is kT/m.",
        "忘记质量 m = {mass:g} 的噪声则停在 {wrong:.4f} ± {wrong_error:.4f}，即 kT/m。",
    ),
    "heat.note.same": (
        " With m = 1 the wrong noise happens to be right; change the mass to see it fail.",
        "当 m = 1 时错误噪声恰好正确；改变质量即可看到它失效。",
    ),
    "heat.eq.langevin": (
        "Langevin dynamics: friction takes energy out, noise puts it back, in the one proportion that keeps exp(−H/kT):",
        "朗之万动力学：摩擦取走能量，噪声补回能量；只有这一比例能保持 exp(−H/kT)：",
    ),
    "heat.eq.wrong": (
        "The wrong twin leaves out the mass, and samples T/m:",
        "错误的版本遗漏了质量，采样温度为 T/m：",
    ),
    "heat.eq.word": (
        "BAOAB, a word over kicks B, drifts A and the exact thermostat O:",
        "BAOAB：由踢 B、漂移 A 与精确恒温步 O 组成的词：",
    ),
}
