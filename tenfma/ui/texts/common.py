"""Header, home page and what every page shares."""
# ruff: noqa: E501  (sentences are easier to compare on one line)

TEXTS = {
    "nav": ("Pages", "页面"),
    "nav.home": ("Home", "首页"),
    "nav.materials": ("Materials", "材料"),
    "nav.simplices": ("Simplices", "单纯形"),
    "nav.phase": ("Phase space", "相空间"),
    "nav.drift": ("Energy drift", "能量漂移"),
    "nav.heat": ("Heat", "热"),
    "nav.mechanics": ("Mechanics", "力学笔记"),
    "language": ("Language", "语言"),
    "notice": ("What to notice.", "请注意："),
    "equations": ("The equations behind this", "背后的方程"),
    "table": ("Table", "数据表"),
    "download": ("Download", "下载"),
    "download.of": ("Download {name} as {kind}", "下载 {name}（{kind}）"),
    "controls": ("Controls", "控制"),
    "untrained": ("untrained: seeded random weights", "未训练：由种子生成的随机权重"),
    "trained": ("trained", "已训练"),
    "play": ("Play", "播放"),
    "pause": ("Pause", "暂停"),
    "time": ("time", "时间"),
    "speed": ("Speed", "速度"),
    "frame": ("Time of the animation", "动画时刻"),
    "energy": ("energy", "能量"),
    "player.help": (
        "Space plays or pauses; the arrow keys move through time.",
        "空格键播放或暂停；方向键移动时间。",
    ),
    "patch.area": ("Patch area Σ∮p dq", "相点团面积 Σ∮p dq"),
    "patch.start": ("at the start", "初始"),
    "home.title": ("Crystals as glass boxes", "透明盒中的晶体"),
    "home.question": (
        "What if a model of a crystal were one scalar function, and mechanics did the rest?",
        "如果晶体的模型只是一个标量函数，其余全部交给力学，会怎样？",
    ),
    "home.lead": (
        "TEN-FMA reads a crystal as atoms, bonds and triangles, gives them one energy H(q, p), and lets Hamilton's "
        "equations do the rest: forces, motion, heat, conserved quantities and couplings all come from H.",
        "TEN-FMA 把晶体读作原子、键和三角形，赋予它们一个能量 H(q, p)，其余由哈密顿方程完成："
        "力、运动、热、守恒量与耦合都来自 H。",
    ),
    "home.materials": ("Browse materials", "浏览材料"),
    "home.materials.text": (
        "Choose a crystal or bring your own file; see its bonds, triangles and features.",
        "选择一种晶体或上传自己的文件，查看它的键、三角形与特征。",
    ),
    "home.dynamics": ("Learn dynamics", "学习动力学"),
    "home.dynamics.text": (
        "Phase space, energy drift, heat and a mechanics notebook, for classic systems or a formula you type.",
        "相空间、能量漂移、热与力学笔记：经典系统，或你输入的公式。",
    ),
    "home.learned": ("Inspect a learned Hamiltonian", "查看学到的哈密顿量"),
    "home.learned.text": (
        "Forces, couplings, normal modes and energy flow of models trained on DFT, told atom by atom.",
        "由 DFT 训练的模型：力、耦合、简正模与能流，逐个原子说明。",
    ),
    "home.note": (
        "The shaded patch is {points} nearby starts of a pendulum, carried by its flow. It stretches and folds, yet its "
        "area stays within {error:.1e} of where it began ({start:.4f} → {end:.4f}): Liouville's theorem, kept by leapfrog.",
        "阴影团是单摆的 {points} 个邻近初态，随流动一起演化。它被拉伸、弯折，但面积与初值之差不超过 {error:.1e}"
        "（{start:.4f} → {end:.4f}）：这就是刘维尔定理，蛙跳法保持了它。",
    ),
    "home.picture": (
        "A patch of the pendulum's phase space moving under leapfrog, over the contours of its energy",
        "单摆相空间中的一团相点在蛙跳法下的演化，背景为能量等值线",
    ),
    "home.models": ("Models here", "现有模型"),
    "home.models.none": (
        "No trained model is shipped yet. Learned Hamiltonians on these pages carry seeded random weights and are called "
        "untrained wherever they show: their energies say nothing about chemistry.",
        "目前还没有随附已训练的模型。这些页面上的“学到的”哈密顿量使用由种子生成的随机权重，出现时都标明“未训练”："
        "其能量没有化学意义。",
    ),
    "home.models.name": ("model", "模型"),
    "home.models.elements": ("elements", "元素"),
    "home.models.frames": ("DFT frames trained on", "训练用 DFT 构型数"),
    "home.models.energy": ("energy MAE / meV per atom", "能量 MAE / meV 每原子"),
    "home.models.force": ("force MAE / eV Å⁻¹", "力 MAE / eV Å⁻¹"),
    "home.models.where": ("measured on", "测量于"),
    "home.models.validation": ("held-out frames", "留出构型"),
}
