"""Evidence."""
# ruff: noqa: E501  (sentences are easier to compare on one line)

TEXTS = {
    "nav.evidence": ("Evidence", "证据"),
    "evidence.title": ("Evidence", "证据"),
    "evidence.question": (
        "How good is it, measured, and where do others do better?",
        "实测表现如何？在哪些方面别人更好？",
    ),
    "evidence.accuracy": ("Accuracy of the shipped models against peers", "随附模型与同类方法的精度"),
    "evidence.accuracy.picture": (
        "Energy error against force error on the same test frames, one mark per model and element",
        "同一测试集上的能量误差与力误差，每个模型与元素一个标记",
    ),
    "evidence.accuracy.source": (
        "Ours: the models shipped here, on the published test frames (each card says which). Peers: {source}, on the same frames.",
        "我们的：此处随附的模型，使用公开的测试构型（见各模型卡）。同类方法：{source}，同样的构型。",
    ),
    "evidence.note": (
        "Of {count} comparisons of error, {ahead} are ours. {behind}",
        "{count} 项误差比较中，{ahead} 项我们更小。{behind}",
    ),
    "evidence.note.behind": (
        "Behind: {element}, {quantity}: {ours:.3g} against {peer}'s {theirs:.3g}.",
        "落后：{element}，{quantity}：{ours:.3g}，而 {peer} 为 {theirs:.3g}。",
    ),
    "evidence.note.none": ("No shipped model has a test error yet.", "随附模型尚无测试误差。"),
    "evidence.loses": ("Where TEN-FMA loses", "TEN-FMA 落后之处"),
    "evidence.loses.text": (
        "{count} measured rows miss their target, are slower than the peer beside them, or are not as good as what they are held against.",
        "有 {count} 行测量未达目标、慢于同行的对照，或不如所比对象。",
    ),
    "evidence.loses.none": ("No row of the tables here falls short.", "此处表格中没有落后的行。"),
    "evidence.loses.where": ("table", "表"),
    "evidence.loses.task": ("what", "项目"),
    "evidence.loses.value": ("measured", "实测"),
    "evidence.loses.than": ("against", "对照"),
    "evidence.speed": ("Speed beside peers", "与同类方法的速度比"),
    "evidence.speed.axis": (
        "ours / peer, rates in the same run (1: equal)",
        "我们 / 对方，同一次运行中的速率（1 为相等）",
    ),
    "evidence.speed.faster": ("faster than the peer", "快于对方"),
    "evidence.speed.slower": ("slower than the peer", "慢于对方"),
    "evidence.speed.picture": (
        "Ratio of our rate to the peer's, one mark per task",
        "我们的速率与对方速率之比，每项任务一个标记",
    ),
    "evidence.models": ("Certificates of the shipped models", "随附模型的证书"),
    "evidence.models.text": (
        "Measured here and now on the model's own crystal in the atoms chart: leapfrog, {dt:g} fs, from kT = {kT:g} eV.",
        "此时此地在模型自身的晶体上（原子图）测量：蛙跳法，{dt:g} fs，初始 kT = {kT:g} eV。",
    ),
    "evidence.models.choose": ("Model", "模型"),
    "evidence.models.run": ("Measure the certificate", "测量证书"),
    "evidence.tables": ("Every table", "全部表格"),
    "evidence.tables.none": (
        "No tables of measurements are here yet; the benchmarks folder makes them.",
        "这里还没有测量表；benchmarks 文件夹中的程序会生成它们。",
    ),
    "evidence.broken": ("{name} could not be read and is left out: {why}", "无法读取 {name}，已略去：{why}"),
    "evidence.made": ("{date}; {machine}", "{date}；{machine}"),
    "evidence.numbers": ("Single numbers", "单个数值"),
    "evidence.of.accuracy": ("accuracy", "精度"),
    "evidence.name.catalogue": ("Catalogue: how long a search takes", "材料库：搜索耗时"),
    "evidence.name.complex": (
        "Complexes: bonds and triangles against pair lists",
        "复形：键与三角形，对照近邻表",
    ),
    "evidence.name.dynamics_peers": (
        "Dynamics: steps per second against peers",
        "动力学：每秒步数，对照同类程序",
    ),
    "evidence.name.explanation": ("Explanations: speed and faithfulness", "解释：速度与忠实度"),
    "evidence.name.elasticity_random": (
        "Elastic moduli and formation energies, random split",
        "弹性模量与形成能：随机划分",
    ),
    "evidence.name.evolution": ("What evolution adds to the embedding", "演化给嵌入带来什么"),
    "evidence.name.claims": (
        "Claims made for evolved embeddings: supported, refuted or undecided",
        "对演化嵌入的各项主张：成立、被否定或未定",
    ),
    "evidence.name.elasticity_formula": (
        "Elastic moduli and formation energies, formulas never seen",
        "弹性模量与形成能：未见过的化学式",
    ),
    "evidence.name.heat_capacity_random": ("Heat capacities, random split", "热容：随机划分"),
    "evidence.name.robustness": (
        "Embeddings under noise, strain and other cells; search",
        "噪声、应变与晶胞选取下的嵌入；搜索",
    ),
    "evidence.name.training_memory": (
        "Memory of training against the number of steps",
        "训练内存与步数的关系",
    ),
    "evidence.name.holdout": (
        "Force models on groups of frames they have not seen",
        "力模型在未见构型组上的表现",
    ),
    "evidence.name.physics": (
        "Physics of the force models against reference values",
        "力模型的物理量与参考值",
    ),
    "evidence.name.features": ("Module A against other featurizers", "模块 A 与其他特征生成器"),
    "evidence.name.hnn_tasks": (
        "Learned Hamiltonians on three classic tasks",
        "三个经典任务上的哈密顿量学习",
    ),
    "evidence.name.mace": ("Beside MACE, trained for the same time", "与 MACE 相比，训练时间相同"),
    "evidence.name.memory": ("Memory of gradients through time", "沿时间求梯度的内存"),
    "evidence.name.usefulness": (
        "Features for elastic moduli against a plain table",
        "弹性模量预测：特征与普通表格对照",
    ),
    "evidence.eq.ratio": (
        "A ratio is of medians of interleaved rounds in one run, so that the machine's mood cancels:",
        "比值取同一次运行中交替各轮的中位数之比，以抵消机器状态的影响：",
    ),
    "evidence.eq.mae": ("Mean absolute errors over the test frames:", "测试构型上的平均绝对误差："),
    "certificate.green": (
        "Green: all {count} checks that apply pass.",
        "绿：适用的 {count} 项检验全部通过。",
    ),
    "certificate.red": ("Red: {count} checks fail: {names}.", "红：{count} 项检验未通过：{names}。"),
    "certificate.open": (
        "Open: {count} checks pass, too few to judge.",
        "未定：通过 {count} 项，不足以判断。",
    ),
    "verdict.pass": ("✓ pass", "✓ 通过"),
    "verdict.fail": ("✗ fail", "✗ 未通过"),
    "verdict.shown": ("· shown", "· 仅列出"),
    "verdict.n/a": ("– n/a", "– 不适用"),
    "check.verdict": ("verdict", "结论"),
    "check.name": ("check", "检验"),
    "check.value": ("value", "数值"),
    "check.limit": ("limit", "界限"),
    "check.meaning": ("meaning", "含义"),
    "check.note": ("note", "备注"),
}
