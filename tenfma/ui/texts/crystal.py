"""Materials and Simplices."""
# ruff: noqa: E501  (sentences are easier to compare on one line)

TEXTS = {
    "materials.title": ("Materials", "材料"),
    "materials.question": (
        "What is this crystal made of, and how does it look as atoms, bonds and triangles?",
        "这种晶体由什么组成？作为原子、键和三角形，它是什么样子？",
    ),
    "materials.search": ("Name, formula or Strukturbericht symbol", "名称、化学式或 Strukturbericht 符号"),
    "materials.search.hint": ("perovskite, NaCl, A4 …", "perovskite、NaCl、A4 ……"),
    "materials.elements": ("Must contain", "必须含有"),
    "materials.elements.table": ("Periodic table", "周期表"),
    "materials.elements.help": (
        "Click elements in the periodic table, or type them here.",
        "在周期表中点击元素，或在此输入。",
    ),
    "materials.choose": ("Crystal", "晶体"),
    "materials.found": ("{count} of {total} prototypes", "共 {total} 种原型，符合 {count} 种"),
    "materials.empty.text": (
        "No prototype is called “{text}”; clear the name to see {count}.",
        "没有名为“{text}”的原型；清除名称可看到 {count} 种。",
    ),
    "materials.empty.elements": (
        "No prototype contains {elements} together; take out {relax} to see {count}.",
        "没有同时含有 {elements} 的原型；去掉 {relax} 可看到 {count} 种。",
    ),
    "materials.upload": (
        "Or bring a file: CIF, POSCAR or extxyz, up to 5 MB",
        "或上传文件：CIF、POSCAR 或 extxyz，不超过 5 MB",
    ),
    "materials.upload.link": (
        "An uploaded crystal stays in this browser session; a copied link cannot carry it.",
        "上传的晶体只保存在当前会话中，复制的链接不会携带它。",
    ),
    "materials.upload.frames": (
        "The file holds {count} structures; the first is shown.",
        "文件中有 {count} 个结构；这里显示第一个。",
    ),
    "materials.supercell": ("Cells shown along each axis (display only)", "各方向显示的晶胞数（仅供显示）"),
    "materials.bonds": ("Bonds", "键"),
    "materials.picture": (
        "{formula} in 3D: {atoms} atoms in the cell, {bonds} near-neighbour bonds",
        "{formula} 的三维图：晶胞中 {atoms} 个原子，{bonds} 条近邻键",
    ),
    "materials.picked": ("Chosen atom", "选中的原子"),
    "materials.no_webgl": (
        "This browser has no WebGL, so the 3D picture cannot be drawn; the tables below hold the same atoms and bonds.",
        "此浏览器不支持 WebGL，无法绘制三维图；下方的表格包含相同的原子与键。",
    ),
    "materials.viewer.help": (
        "Drag to turn, scroll to zoom, click an atom. Keys: arrows turn, + and − zoom, 0 resets.",
        "拖动旋转，滚轮缩放，点击原子。键盘：方向键旋转，+ 与 − 缩放，0 复位。",
    ),
    "materials.note": (
        "{formula} ({system}, {group}) has {atoms} atoms in its cell. Each atom has {coordination} nearest neighbours on "
        "average; the complex holds {edges} bonds up to {cutoff:.3g} Å and {triangles} triangles up to {reach:.3g} Å: {per_atom:.0f} "
        "simplices per atom.",
        "{formula}（{system}，{group}）的晶胞含 {atoms} 个原子。每个原子平均有 {coordination} 个最近邻；"
        "复形含 {cutoff:.3g} Å 以内的 {edges} 条键和 {reach:.3g} Å 以内的 {triangles} 个三角形，平均每原子 {per_atom:.0f} 个单纯形。",
    ),
    "materials.shown": ("Cell shown", "显示的晶胞"),
    "materials.conventional": ("conventional", "惯用晶胞"),
    "materials.given": ("as given", "原始晶胞"),
    "materials.labels": ("Element symbols in the picture", "在图中显示元素符号"),
    "materials.eq.edges": (
        "A bond joins atom i to the image of atom j that lies S lattice vectors away, within the cutoff:",
        "键把原子 i 与相距 S 个晶格矢量的原子 j 的像相连，距离小于截断半径：",
    ),
    "materials.eq.triangles": (
        "Three bonds make a triangle where their images close:",
        "三条键的像闭合时构成三角形：",
    ),
    "materials.eq.boundary": (
        "The boundary of a boundary is nothing, exactly and in integers:",
        "边界的边界为零，在整数上精确成立：",
    ),
    "materials.cell": ("Cell", "晶胞"),
    "materials.symmetry": ("Symmetry", "对称性"),
    "materials.sizes": ("Simplices", "单纯形"),
    "materials.atoms": ("Atoms", "原子"),
    "materials.edges": ("Bonds", "键"),
    "materials.triangles": ("Triangles", "三角形"),
    "materials.density": ("Density", "密度"),
    "materials.volume": ("Volume", "体积"),
    "materials.spacegroup": ("Space group", "空间群"),
    "materials.system": ("Crystal system", "晶系"),
    "materials.pointgroup": ("Point group", "点群"),
    "materials.open": ("Open its simplices", "查看它的单纯形"),
    "materials.sites": ("Atoms of the cell", "晶胞中的原子"),
    "system.cubic": ("cubic", "立方晶系"),
    "system.hexagonal": ("hexagonal", "六方晶系"),
    "system.trigonal": ("trigonal", "三方晶系"),
    "system.tetragonal": ("tetragonal", "四方晶系"),
    "system.orthorhombic": ("orthorhombic", "正交晶系"),
    "system.monoclinic": ("monoclinic", "单斜晶系"),
    "system.triclinic": ("triclinic", "三斜晶系"),
    "system.unknown": ("unknown", "未知"),
    "evolve.large": (
        "More than {limit} bonds and triangles are not set moving on this page; `tenfma evolve` does it.",
        "键与三角形多于 {limit} 个时，本页不演示运动；可用 `tenfma evolve`。",
    ),
    "evolve.title": ("Its simplices, set moving", "让它的单纯形动起来"),
    "evolve.note": (
        "{numbers} numbers move together, and leapfrog keeps their energy H within {drift:.1e} eV of its start over {steps} "
        "steps of {dt:g}: what V gives, T takes, and back.",
        "{numbers} 个数一起运动，蛙跳法在 {steps} 步（步长 {dt:g}）内把总能 H 保持在初值的 {drift:.1e} eV 之内：V 失去的由 T 得到，往复不已。",
    ),
    "evolve.kT": ("Momenta at the start: kT / eV (0: at rest)", "初始动量：kT / eV（0 为静止）"),
    "evolve.time": ("latent time", "潜在时间"),
    "evolve.axis": ("energy / eV, from the start", "能量 / eV（相对初值）"),
    "evolve.picture": (
        "Kinetic, potential and total latent energy of {formula} against latent time",
        "{formula} 的潜在动能、势能与总能随潜在时间的变化",
    ),
    "simplices.title": ("Simplices", "单纯形"),
    "simplices.question": (
        "Which atoms, bonds and triangles is this crystal made of, and what loops do they leave open?",
        "这种晶体由哪些原子、键和三角形组成？它们留下了哪些未填的环？",
    ),
    "simplices.rank": ("Show", "显示"),
    "simplices.feature": ("Colour by", "着色依据"),
    "simplices.cutoff": ("Bond cutoff / Å", "键截断半径 / Å"),
    "simplices.atoms": ("Atoms", "原子"),
    "simplices.bonds": ("Bonds", "键"),
    "simplices.triangles": ("Triangles", "三角形"),
    "simplices.picture": (
        "{formula}: {rank} coloured by {feature}, from {low} to {high}",
        "{formula}：{rank}按 {feature} 着色，范围 {low} 至 {high}",
    ),
    "simplices.note": (
        "With bonds and triangles up to {cutoff:g} Å the complex of {formula} has b₀ = {b0} (pieces) and b₁ = {b1} (loops that no triangle fills); "
        "χ = {atoms} − {edges} + {triangles} = {chi}.",
        "键与三角形均取到 {cutoff:g} Å 时，{formula} 的复形有 b₀ = {b0}（连通分支）、b₁ = {b1}（未被三角形填充的环）；"
        "χ = {atoms} − {edges} + {triangles} = {chi}。",
    ),
    "simplices.betti": ("What the Betti numbers say", "贝蒂数的含义"),
    "simplices.b0": (
        "connected pieces: molecules fall apart at a short cutoff, a metal is one piece",
        "连通分支数：短截断下分子彼此分离，金属只有一块",
    ),
    "simplices.b1": (
        "rings of bonds that no triangles fill: channels, windows of cages, ways round the periodic cell",
        "未被三角形填充的键环：通道、笼的窗口、绕过周期晶胞的路径",
    ),
    "simplices.chi": (
        "atoms − bonds + triangles, the Euler characteristic",
        "原子数 − 键数 + 三角形数，即欧拉示性数",
    ),
    "simplices.gap": (
        "smallest eigenvalue above zero on bonds: near zero, some loop is filled only just",
        "键上最小的非零本征值：接近零表示某个环只是勉强被填充",
    ),
    "simplices.betti.text": (
        "These numbers belong to the cell that is shown: a supercell has more of everything. Lengthen the cutoff and watch "
        "triangles fill the loops one by one.",
        "这些数属于所示的晶胞：超胞的数值更大。增大截断半径，可看到三角形逐一填满这些环。",
    ),
    "simplices.eq.laplacian": (
        "The Hodge Laplacian on bonds; its zero eigenvalues count the open loops:",
        "键上的霍奇拉普拉斯；零本征值的个数就是开放环的个数：",
    ),
    "simplices.eq.euler": ("Atoms, bonds and triangles counted with signs:", "原子、键、三角形带符号计数："),
    "simplices.spectrum": ("Spectrum of the Hodge Laplacians", "霍奇拉普拉斯谱"),
    "simplices.spectrum.axis": ("eigenvalue", "本征值"),
    "simplices.spectrum.rank": ("rank", "序号"),
    "simplices.spectrum.picture": (
        "Sorted eigenvalues of the Hodge Laplacians on atoms and bonds",
        "原子与键上霍奇拉普拉斯的本征值（升序）",
    ),
    "simplices.spectrum.large": (
        "With {edges} bonds the spectrum is left out here; lower the cutoff below {limit} bonds to see it.",
        "键数为 {edges}，此处不显示谱；减小截断半径使键数低于 {limit} 即可查看。",
    ),
    "simplices.hidden": (
        "{hidden} of {total} are not drawn, so that the picture stays readable; the table has them all.",
        "为保持图像清晰，{total} 个中有 {hidden} 个未绘出；表格中完整列出。",
    ),
    "simplices.table": ("{rank}: table", "{rank}：数据表"),
}
