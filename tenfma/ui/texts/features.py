"""What features, notes on crystals and ways to split H are called; each key's last part is its name in the package."""
# ruff: noqa: E501  (sentences are easier to compare on one line)

_FEATURES = {
    "electronegativity": "电负性", "covalent radius": "共价半径", "ionisation energy": "电离能",
    "valence s": "价 s 电子", "valence p": "价 p 电子", "valence d": "价 d 电子", "valence f": "价 f 电子",
    "row": "周期", "group": "族", "mass": "质量", "unpaired": "未成对电子", "coordination": "配位数",
    "dipole": "邻域偶极", "quadrupole": "邻域四极",
    "length": "键长", "bond valence": "键价", "bond order": "键级", "electronegativity difference": "电负性差",
    "ionic character": "离子性", "shared neighbours": "共同近邻", "shell n mean": "主量子数均值",
    "shell n difference": "主量子数之差", "shell l mean": "角量子数均值", "shell l difference": "角量子数之差",
    "spin sum": "自旋之和", "spin difference": "自旋之差", "inverse reduced mass": "约化质量倒数",
    "force constant": "力常数", "frequency": "频率", "tilt": "主轴倾角",
    "cosine sum": "余弦之和", "cosine pairs": "余弦两两之积", "cosine product": "余弦之积", "area squared": "面积平方",
    "perimeter": "周长", "shape": "形状", "gyration": "回转张量", "normal": "法向张量",
}  # fmt: skip

TEXTS = {
    **{f"feature.{name}": (name, told) for name, told in _FEATURES.items()},
    "feature.is": ("is {rest}", "是 {rest}"),
    "feature.radial": ("radial {rest}", "径向函数 {rest}"),
    "feature.harmonic": ("harmonic {rest}", "球谐函数 {rest}"),
    "note.prototype": ("prototype {name}: {title}", "原型 {name}：{title}"),
    "note.band": ("band [{low}, {high}], max |ΔE| {most}", "置信带 [{low}, {high}]，最大 |ΔE| {most}"),
    "note.frames": ("{name} names no symmetries", "{name} 未给出对称操作"),
    "limit:band contains 0": ("band contains 0", "置信带含 0"),
    "note.first": (
        "{name} holds several structures; this is the first",
        "{name} 含多个结构；此为第一个",
    ),
    "gauge:an atom's part is its kinetic energy and what it reads of its neighbourhood (the model's site energy); nothing of a pair is given to its other end": (
        "an atom's part is its kinetic energy and what it reads of its neighbourhood (the model's site energy); nothing of a pair is given to its other end",
        "原子的部分是其动能与它从邻域读出的能量，即模型的格点能；原子对的能量不分给另一端",
    ),
    "gauge:an atom's part is its kinetic energy, its own energy, half of each bond's and a third of each triangle's": (
        "an atom's part is its kinetic energy, its own energy, half of each bond's and a third of each triangle's",
        "原子的部分是其动能、自身能量、各键能量的一半与各三角形能量的三分之一",
    ),
    "gauge:every atom, bond and triangle keeps the energy that the model reads off it": (
        "every atom, bond and triangle keeps the energy that the model reads off it",
        "每个原子、键与三角形各自保留模型从其读出的能量",
    ),
}
