"""Embedding map, and the catalogue on the Materials page."""
# ruff: noqa: E501  (sentences are easier to compare on one line)

TEXTS = {
    "nav.atlas": ("Embedding map", "嵌入图"),
    "atlas.title": ("Embedding map", "嵌入图"),
    "atlas.question": (
        "Which crystals does the embedding hold to be alike, and does that follow a property?",
        "嵌入认为哪些晶体相似？这与某种性质一致吗？",
    ),
    "atlas.colour": ("Colour by", "着色依据"),
    "atlas.axes": ("Axes shown", "显示的轴"),
    "atlas.axis": (
        "principal axis {k} ({share:.0%} of the spread)",
        "第 {k} 主轴（占离散程度的 {share:.0%}）",
    ),
    "atlas.entry": ("Chosen entry (identifier)", "所选条目（编号）"),
    "atlas.neighbours": ("Neighbours", "近邻数"),
    "atlas.near": ("its neighbours in all {d} dimensions", "在全部 {d} 维中的近邻"),
    "atlas.unknown": ("value not known", "数值未知"),
    "atlas.picture": (
        "Map of {count} crystals on two principal axes of their embedding, coloured by {label}",
        "{count} 种晶体在嵌入的两个主轴上的分布，按 {label} 着色",
    ),
    "atlas.static": (
        "This is the static embedding: Module A's pooled features on {d} axes, without motion. The two axes drawn hold {share:.0%} of the spread, so dots "
        "that touch here may be far apart: neighbours are found in all {d} dimensions.",
        "这是静态嵌入：模块 A 汇聚特征的 {d} 个轴，不含运动。图中两轴只占离散程度的 {share:.0%}，因此此处相邻的点可能相距甚远：近邻在全部 {d} 维中求取。",
    ),
    "atlas.note": (
        "The nearest other crystal to {formula} ({identifier}) is {near} ({near_identifier}), {distance:.2f} away in {d} dimensions. Over all entries with a known value, "
        "nearest neighbours differ in {label} by {close:.3g}{unit} at the median, two random entries by {far:.3g}{unit}.",
        "离 {formula}（{identifier}）最近的其他晶体是 {near}（{near_identifier}），在 {d} 维中相距 {distance:.2f}。在数值已知的条目中，最近邻之间{label}之差的中位数为 {close:.3g}{unit}，随机两条目之间为 {far:.3g}{unit}。",
    ),
    "atlas.select": (
        "Click a dot to choose its entry; the loop above the map lists the dots drawn round. By keyboard, type an identifier.",
        "点击数据点可选中该条目；用图上方的套索圈选可列出多个条目。键盘操作：输入编号。",
    ),
    "atlas.sample": (
        "A random {drawn:,} of the {count:,} entries are drawn; neighbours are sought among all.",
        "图中随机画出 {count:,} 个条目中的 {drawn:,} 个；近邻在全部条目中查找。",
    ),
    "atlas.selected": ("Selected: {count}", "已选：{count}"),
    "atlas.list.near": (
        "Nearest to {formula} in all {d} dimensions",
        "在全部 {d} 维中离 {formula} 最近的条目",
    ),
    "atlas.structure": ("{formula}: {atoms} atoms in the cell", "{formula}：晶胞中 {atoms} 个原子"),
    "atlas.chemiscope": ("chemiscope JSON", "chemiscope JSON"),
    "atlas.export": ("Entries listed, as a file", "所列条目的文件"),
    "atlas.missing": (
        "{name} is no entry with an embedding; the map shows {instead}.",
        "{name} 不是具有嵌入的条目；图中显示 {instead}。",
    ),
    "atlas.eq.distance": ("Likeness is the Euclidean distance of embeddings:", "相似度为嵌入的欧氏距离："),
    "atlas.eq.axes": ("The map is a projection onto two principal axes:", "此图是到两个主轴的投影："),
    "library.from": ("Choose from", "来源"),
    "library.prototypes": ("prototypes", "原型"),
    "library.catalogue": ("catalogue", "材料库"),
    "library.text": (
        "Formula, mineral, prototype, space group, identifier",
        "化学式、矿物、原型、空间群、编号",
    ),
    "library.property": ("Property range", "性质范围"),
    "library.any": ("any", "不限"),
    "property.K_vrh": ("bulk modulus K", "体积模量 K"),
    "property.G_vrh": ("shear modulus G", "剪切模量 G"),
    "property.e_form_per_atom": ("formation energy", "形成能"),
    "property.Cv_300K_per_atom": ("heat capacity at 300 K", "300 K 热容"),
    "property.volume per atom": ("volume per atom", "每原子体积"),
    "property.elements": ("number of elements", "元素种数"),
    "property.space group": ("number of the space group", "空间群序号"),
    "library.found": (
        "{count} of {total} entries fit; {shown} are listed; click a row to choose it",
        "共 {total} 条，符合 {count} 条；列出 {shown} 条；点击一行以选中",
    ),
    "library.empty": (
        "No entry fits all filters; let go of {relax} to see {count}.",
        "没有条目同时满足全部条件；去掉{relax}可看到 {count} 条。",
    ),
    "library.relax.text": ("the words", "文字条件"),
    "library.relax.elements": ("the elements", "元素条件"),
    "library.relax.range": ("the property range", "性质范围"),
    "library.results": ("Entries that fit; click a row to choose it", "符合的条目；点击一行以选中"),
    "library.values": (
        "Published values, and what a model says that had not seen this crystal",
        "已发表的数值，以及未见过此晶体的模型的预测",
    ),
    "library.values.note": (
        "The model's 90 % interval holds {inside} of {compared} published values. It was trained without this crystal (the fold "
        "left out).",
        "模型的 90 % 区间包含 {compared} 个已发表数值中的 {inside} 个。训练时未使用此晶体（所在的折被留出）。",
    ),
    "library.similar": ("Similar materials", "相似材料"),
    "library.similar.text": (
        "Nearest entries of the catalogue by static embedding, in the whole space. The nearest other crystal is {first}, {distance:.2f} away.",
        "按静态嵌入在整个空间中最近的材料库条目。最近的其他晶体为 {first}，距离 {distance:.2f}。",
    ),
    "library.similar.open": ("Look in the catalogue", "在材料库中查找"),
    "library.map": ("See them on the embedding map", "在嵌入图中查看"),
    "materials.upload.refused": (
        "{refused} of {total} frames were left out; the first, frame {place}: {why}",
        "{total} 个构型中有 {refused} 个被略去；第一个是构型 {place}：{why}",
    ),
    "materials.upload.frame": ("Frame shown", "显示的构型"),
    "materials.html": ("3D picture as one HTML file", "三维图（单个 HTML 文件）"),
}
