"""Couplings."""
# ruff: noqa: E501  (sentences are easier to compare on one line)

TEXTS = {
    "nav.couplings": ("Couplings", "耦合"),
    "couplings.title": ("Couplings", "耦合"),
    "couplings.question": (
        "Which atoms does the energy tie together, what pulls on each, and who feeds energy to whom?",
        "能量把哪些原子联系在一起？每个原子受到怎样的拉力？谁向谁输送能量？",
    ),
    "couplings.subject": ("Whose H is explained", "解释哪个 H"),
    "couplings.model": ("learned: {element}, trained on forces", "学得：{element}（用力训练）"),
    "couplings.crystal": ("the crystal chosen under Materials", "“材料”页所选的晶体"),
    "couplings.with": ("Model", "模型"),
    "couplings.untrained": ("untrained, any element", "未训练，适用任何元素"),
    "couplings.outside": (
        "Outside this model's domain: {model} was trained on {known} only and has never seen {strange}, so it gives no "
        "forces or couplings here. Choose another model or crystal.",
        "超出该模型的适用范围：{model} 仅用 {known} 训练，从未见过 {strange}，因此这里不给出力或耦合。请选择其他模型或晶体。",
    ),
    "couplings.untrained.note": (
        "These weights are seeded random numbers: every symmetry and identity below holds, the chemistry does not.",
        "这些权重是由种子生成的随机数：下面的对称性与恒等式都成立，但没有化学意义。",
    ),
    "couplings.trained.note": (
        "Trained on {frames} DFT frames of {elements}; on test frames it misses forces by {mae:.3f} eV/Å on average. Crystals unlike those frames are extrapolation.",
        "用 {elements} 的 {frames} 个 DFT 构型训练；测试构型上力的平均误差为 {mae:.3f} eV/Å。与这些构型差别大的晶体属于外推。",
    ),
    "couplings.messages.note": (
        "Its atoms pass messages: forces and couplings are exact, but an atom's share of the energy depends on what its neighbours tell it. For parts, choose a model without.",
        "该模型的原子会传递消息：力与耦合仍然精确，但单个原子分得的能量取决于邻居告诉它的内容。若要看各部分的能量，请选不传消息的模型。",
    ),
    "couplings.cells": ("Cells repeated along each axis", "各方向重复的晶胞数"),
    "couplings.rattle": ("Atoms moved at random by σ / Å", "原子随机位移 σ / Å"),
    "couplings.rotate": ("Turn the crystal / °", "旋转晶体 / °"),
    "couplings.equivariant": (
        "Forces computed anew on the turned crystal: ‖F(Rx) − R F(x)‖ = {error:.1e} eV/Å, with ‖F‖ = {size:.3g} eV/Å.",
        "在旋转后的晶体上重新计算力：‖F(Rx) − R F(x)‖ = {error:.1e} eV/Å，而 ‖F‖ = {size:.3g} eV/Å。",
    ),
    "couplings.arrows": (
        "Arrows are forces, −∂H/∂r; the longest is {size:.3g} eV/Å.",
        "箭头为力 −∂H/∂r；最长者为 {size:.3g} eV/Å。",
    ),
    "couplings.picture": (
        "{title}: {atoms} atoms with an arrow of −∂H/∂r on each",
        "{title}：{atoms} 个原子，各带一支 −∂H/∂r 箭头",
    ),
    "couplings.slopes": ("−∂H/∂q, force-like sensitivities", "−∂H/∂q（类力灵敏度）"),
    "couplings.atom": ("Atom (its row)", "原子（所在行）"),
    "couplings.partner": ("Partner (the pair)", "另一原子（原子对）"),
    "couplings.coordinate": ("Coordinate (its row)", "坐标（所在行）"),
    "couplings.nobody": ("–", "–"),
    "couplings.matrix": (
        "Heat map of coupling strengths ‖∂²H/∂q_i∂q_j‖ between the {count} parts of {title}; click a cell for the pair",
        "{title} 的 {count} 个部分之间耦合强度 ‖∂²H/∂q_i∂q_j‖ 的热图；点击格子查看该对",
    ),
    "couplings.axis.of": ("of", "对象"),
    "couplings.axis.to": ("to", "相对"),
    "couplings.distance": ("Coupling against distance", "耦合与距离"),
    "couplings.distance.axis": ("distance to the nearest image / Å", "到最近像的距离 / Å"),
    "couplings.separation": ("places apart", "相隔位置数"),
    "couplings.strength": ("‖∂²H/∂q∂q‖ / {unit}", "‖∂²H/∂q∂q‖ / {unit}"),
    "couplings.all": ("all pairs", "全部原子对"),
    "couplings.own": ("pairs of {atom}", "含 {atom} 的对"),
    "couplings.distance.picture": (
        "Coupling strength of every pair of {title} against distance, logarithmic",
        "{title} 每对的耦合强度随距离的变化（对数轴）",
    ),
    "couplings.pair": ("Pair {i} – {j}", "原子对 {i} – {j}"),
    "couplings.pair.text": (
        "∂²H/∂q∂q between {i} and {j} in {unit}: norm {strength:.4g}. Moving {j} along a column's axis by a little δ changes the force on {i} by −δ times that column.",
        "{i} 与 {j} 之间的 ∂²H/∂q∂q（{unit}），范数 {strength:.4g}。把 {j} 沿某列的轴移动微小 δ，{i} 所受的力改变 −δ 乘以该列。",
    ),
    "couplings.pair.distance": (
        " They are {distance:.3f} Å apart (nearest images).",
        "二者相距 {distance:.3f} Å（最近像）。",
    ),
    "couplings.note": (
        "In {title}, {i} and {j} are coupled most strongly: {strength:.3g} {unit}, {distance:.2f} Å apart.",
        "在 {title} 中，{i} 与 {j} 的耦合最强：{strength:.3g} {unit}，相距 {distance:.2f} Å。",
    ),
    "couplings.note.near": (
        " Pairs within {near:.1f} Å are coupled {ratio:.2g} times as strongly as those farther apart, on average.",
        "平均而言，{near:.1f} Å 以内的原子对的耦合是更远者的 {ratio:.2g} 倍。",
    ),
    "couplings.note.system": (
        "In {title}, {i} and {j} are coupled most strongly: ∂²H/∂q∂q = {strength:.3g}; {zero} of {pairs} pairs are not coupled at all.",
        "在{title}中，{i} 与 {j} 的耦合最强：∂²H/∂q∂q = {strength:.3g}；{pairs} 对中有 {zero} 对完全没有耦合。",
    ),
    "couplings.click": (
        "Click an atom to see its row; click a cell or a dot to see the pair.",
        "点击原子查看其行；点击格子或数据点查看该对。",
    ),
    "couplings.parts": ("Who holds the energy", "能量由谁持有"),
    "couplings.parts.picture": ("Energy of every part of {title}", "{title} 各部分的能量"),
    "couplings.parts.axis": ("energy from the mean of its kind / {unit}", "相对同类平均的能量 / {unit}"),
    "couplings.parts.axis.plain": ("energy / {unit}", "能量 / {unit}"),
    "couplings.part": ("part", "部分"),
    "couplings.parts.note": (
        "The parts add up to H = {total:.6g} {unit}, with a relative deviation of {defect:.0e}. How H splits is a choice of gauge ({gauge}); forces and couplings do not depend on it.",
        "各部分之和为 H = {total:.6g} {unit}，相对偏差 {defect:.0e}。H 如何划分是规范的选择（{gauge}）；力与耦合与之无关。",
    ),
    "couplings.simplices": (
        "The same energy told by atoms, bonds and triangles, gathered by rank and elements / eV",
        "同一能量按原子、键与三角形说明，并按秩与元素汇总 / eV",
    ),
    "couplings.features": ("What would change H", "什么会改变 H"),
    "couplings.features.picture": (
        "Features H answers to most, in eV per usual spread",
        "H 最敏感的特征（eV/常见涨落）",
    ),
    "couplings.features.axis": ("σ · rms ∂H/∂(feature) / eV", "σ · 均方根 ∂H/∂(特征) / eV"),
    "couplings.features.note": (
        "The feature that matters most is “{feature}” ({rank}): a change by its usual spread moves H by {scaled:.3g} eV per simplex.",
        "最重要的特征是“{feature}”（{rank}）：按其常见涨落变化时，每个单纯形使 H 改变 {scaled:.3g} eV。",
    ),
    "couplings.tensions": ("Which bonds pull", "哪些键在拉"),
    "couplings.tensions.picture": (
        "Tension ∂U/∂r of every bond against its length",
        "每条键的张力 ∂U/∂r 与键长",
    ),
    "couplings.tensions.note": (
        "{pull} of {bonds} bonds pull (the energy would rise if they grew), the others push; tensions and torques together give back every force to {error:.0e} eV/Å.",
        "{bonds} 条键中有 {pull} 条在拉（伸长会使能量升高），其余在推；张力与力矩合起来还原全部的力，误差 {error:.0e} eV/Å。",
    ),
    "couplings.length": ("length / Å", "键长 / Å"),
    "couplings.tension": ("tension ∂U/∂r / eV Å⁻¹", "张力 ∂U/∂r / eV Å⁻¹"),
    "couplings.flow": ("Who feeds whom", "谁向谁输送能量"),
    "couplings.flow.run": ("Run it (a network takes a while)", "运行（网络模型需要一些时间）"),
    "couplings.flow.kT": ("Momenta drawn at kT / eV", "初始动量的 kT / eV"),
    "couplings.flow.picture": (
        "{title}: parts coloured by energy since the start, lines swelling with the flow J between them",
        "{title}：各部分按相对初始的能量着色，连线粗细表示其间的能流 J",
    ),
    "couplings.flow.note": (
        "On average over {time:.3g} {unit_time}, {source} feeds {to} most: {flow:.3g} {unit}. Energy in and out of every part balances its change to {balance:.0e} {unit_energy}.",
        "在 {time:.3g} {unit_time} 内平均而言，{source} 向 {to} 输送最多：{flow:.3g} {unit}。每一部分的出入与其能量变化相符，误差 {balance:.0e} {unit_energy}。",
    ),
    "couplings.flow.help": (
        "Red gains, blue loses, since the start; a line's dots run the way energy goes. Space plays or pauses.",
        "相对初始，红色获得能量，蓝色失去；线上的点沿能量流动方向移动。空格键播放或暂停。",
    ),
    "couplings.flow.energy": ("largest change", "最大变化"),
    "couplings.check": (
        "Is this explanation true? Its identities, measured",
        "这个解释成立吗？逐项测量恒等式",
    ),
    "couplings.check.run": ("Measure them", "开始测量"),
    "couplings.check.true": ("All {count} identities hold.", "{count} 项恒等式全部成立。"),
    "couplings.check.false": (
        "{failed} of {count} identities fail.",
        "{count} 项恒等式中有 {failed} 项不成立。",
    ),
    "couplings.eq.force": (
        "A force-like sensitivity; in the atoms chart the force:",
        "类力灵敏度；在原子图中就是力：",
    ),
    "couplings.eq.coupling": ("A coupling is a block of second derivatives:", "耦合是二阶导数的块："),
    "couplings.eq.flow": (
        "Energy flows between parts by their bracket, exactly:",
        "各部分之间的能流由泊松括号精确给出：",
    ),
    "couplings.eq.rotation": ("What a rotation does to forces:", "旋转对力的作用："),
}
