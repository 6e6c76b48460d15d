"""Does the motion help: the section of the Evidence page, its contenders, splits and claims."""
# ruff: noqa: E501  (sentences are easier to compare on one line)

TEXTS = {
    "motion.title": ("Does the motion help?", "运动有帮助吗？"),
    "motion.claims.count": (
        "Of {count} claims made for motion under H_θ, {supported} are supported, {refuted} refuted and {undecided} undecided.",
        "关于 H_θ 下运动的 {count} 项主张中，{supported} 项成立，{refuted} 项被否定，{undecided} 项未定。",
    ),
    "motion.claims.none": (
        "The verdicts on the claims are missing or cannot be read; `python benchmarks/evidence/claims.py` writes them.",
        "各项主张的结论缺失或无法读取；运行 `python benchmarks/evidence/claims.py` 可生成。",
    ),
    "motion.none": (
        "The comparisons with leapfrog are missing or cannot be read; `python benchmarks/evidence` writes them.",
        "与蛙跳法的比较缺失或无法读取；运行 `python benchmarks/evidence` 可生成。",
    ),
    "motion.view": ("What to show", "显示内容"),
    "motion.view.everyone": ("Every contender", "所有方法"),
    "motion.view.one": ("One contender, every split", "单一方法，所有划分"),
    "motion.view.curves": ("Training curves", "训练曲线"),
    "motion.view.claims": ("The claims", "各项主张"),
    "motion.axis": ("MAE minus leapfrog's, % of leapfrog's", "MAE 与蛙跳法之差，占后者的 %"),
    "motion.reference": ("leapfrog", "蛙跳法"),
    "motion.worse": ("leapfrog is better for certain", "蛙跳法确定更好"),
    "motion.better": ("leapfrog is worse for certain", "蛙跳法确定更差"),
    "motion.undecided": ("undecided", "未定"),
    "motion.everyone.picture": (
        "Error of every contender beside leapfrog's, with 95 % intervals: one band per contender, one mark per target",
        "各方法与蛙跳法的误差之差及 95 % 区间：每个方法一栏，每个目标一个标记",
    ),
    "motion.one": ("Contender", "方法"),
    "motion.one.picture": (
        "Error of {who} beside leapfrog's on every split, with 95 % intervals",
        "{who}与蛙跳法在每种划分上的误差之差及 95 % 区间",
    ),
    "motion.counted": (
        "Of {count} differences, {worse} say that leapfrog is better for certain, {better} that it is worse, and {undecided} decide nothing.",
        "{count} 个差值中，{worse} 个表明蛙跳法确定更好，{better} 个表明其确定更差，{undecided} 个无法判定。",
    ),
    "motion.how": (
        "Lines are 95 % intervals (paired bootstrap over crystals and seeds; seeds: {seeds}). Training: {passes} passes over the elasticity data, or as a name says. Far from 0 the axis draws ever closer together.",
        "线段为 95 % 区间（对晶体与随机种子作配对自助法；种子数：{seeds}）。训练：弹性数据上 {passes} 轮，名称另有说明者除外。离 0 越远，坐标轴越密。",
    ),
    "motion.how.one": (
        "Where training was of several lengths, the one most contenders had is shown.",
        "训练轮数有多种时，显示多数方法所用的一种。",
    ),
    "motion.passes": ("Passes over the data", "训练轮数"),
    "motion.curves.target": ("Target", "目标"),
    "motion.curves.who": ("Contenders", "方法"),
    "motion.curves.against": ("Against", "横轴"),
    "motion.curves.seconds": ("processor time, s", "处理器时间，s"),
    "motion.curves.pass": ("passes", "轮数"),
    "motion.curves.mae": ("MAE, {target}", "平均绝对误差，{target}"),
    "motion.curves.picture": (
        "Error of left-out crystals after every pass of training, one line per contender",
        "每轮训练后留出晶体的误差，每个方法一条线",
    ),
    "motion.curves.none": ("Choose at least one contender.", "请至少选择一个方法。"),
    "motion.curves.note": (
        "After the last pass “{best}” errs least of those shown, {mae:.4f} after {seconds:.0f} s of one processor; then “{next}”, {error:.4f} after {spent:.0f} s.",
        "最后一轮后，所示方法中误差最小的是“{best}”：{mae:.4f}，用处理器时间 {seconds:.0f} s；其次是“{next}”：{error:.4f}，用 {spent:.0f} s。",
    ),
    "motion.curves.how": (
        "Errors are of left-out crystals: mean over seeds ({seeds}) of networks trained on all labels, for {passes} passes or as their name says.",
        "误差取自留出的晶体：使用全部标签训练的网络，对随机种子取平均（种子数：{seeds}）；{passes} 轮，名称另有说明者除外。",
    ),
    "motion.claims.verdict": ("verdict", "结论"),
    "motion.claims.claim": ("claim, and what was found", "主张与所得结果"),
    "motion.claims.how": (
        "Percentages are differences to leapfrog's error: their mean over the rows that speak to a claim, and the span of their 95 % intervals. `benchmarks/evidence/claims.py` says when a claim counts as supported or refuted.",
        "百分数为与蛙跳法误差之差：与该主张相关各行的平均值，以及其 95 % 区间的总范围。何时算成立或被否定，见 `benchmarks/evidence/claims.py`。",
    ),
    "motion.verdict.supported": ("supported", "成立"),
    "motion.verdict.refuted": ("refuted", "被否定"),
    "motion.verdict.undecided": ("undecided", "未定"),
    "motion.found.contender": (
        "{who}: {mean} % ({low} … {high} %) over {count} rows; leapfrog better for certain in {better}, worse in {worse}.",
        "{who}：{mean} %（{low} … {high} %），共 {count} 行；蛙跳法确定更好 {better} 行，确定更差 {worse} 行。",
    ),
    "motion.found.curves": (
        "{who}: {mean} % after {half} of {most} passes, over {count} rows; a pass takes {other} s of processor time, leapfrog's {own} s.",
        "{who}：{most} 轮中的 {half} 轮后 {mean} %，共 {count} 行；每轮用处理器时间 {other} s，蛙跳法为 {own} s。",
    ),
    "motion.found.shift": (
        "With noise of {noise} Å, z moves by {moved} of the typical distance between crystals, {rest} without motion and {static} for static features. Its own original is still nearest for {found} %, {found_rest} % and {found_static} %.",
        "噪声 {noise} Å 时，z 移动了晶体间典型距离的 {moved}；无运动时为 {rest}，静态特征为 {static}。仍以自身原结构为最近者分别占 {found} %、{found_rest} % 与 {found_static} %。",
    ),
    "motion.found.search": (
        "Of the five nearest crystals {moved} % share the query's Strukturbericht type, {static} % with static features and {rest} % without motion (noise {noise} Å). The composition alone finds {composition} %. Evolved minus static, 95 %: {ends}.",
        "最近的五个晶体中，{moved} % 与所查晶体的 Strukturbericht 类型相同；静态特征为 {static} %，无运动为 {rest} %（噪声 {noise} Å）。仅凭化学组成为 {composition} %。演化减静态，95 % 区间：{ends}。",
    ),
    "motion.found.none": ("Not measured yet.", "尚未测量。"),
    "motion.target.log10(K_vrh)": ("bulk modulus, log₁₀ K", "体积模量 log₁₀ K"),
    "motion.target.log10(G_vrh)": ("shear modulus, log₁₀ G", "剪切模量 log₁₀ G"),
    "motion.target.e_form_per_atom": ("formation energy", "形成能"),
    "motion.target.heat_all": ("heat of formation", "生成热"),
    "motion.target.energy_per_atom": ("energy (carbon)", "能量（碳）"),
    "motion.target.energy/atom": ("energy (alloys)", "能量（合金）"),
    "motion.target.Cv_300K/atom": ("heat capacity at 300 K", "300 K 热容"),
    "motion.contender.soap": ("SOAP, kernel ridge", "SOAP，核岭回归"),
    "motion.contender.kernel": ("static features, kernel ridge", "静态特征，核岭回归"),
    "motion.contender.trees": ("static features, extra trees", "静态特征，极端随机树"),
    "motion.contender.composition": ("composition alone, extra trees", "仅化学组成，极端随机树"),
    "motion.contender.static": ("static features, perceptron", "静态特征，感知机"),
    "motion.contender.static_long": (
        "static features, perceptron, 10 × the passes",
        "静态特征，感知机，10 倍轮数",
    ),
    "motion.contender.transformer": (
        "Transformer over atoms, static features",
        "原子上的 Transformer，静态特征",
    ),
    "motion.contender.transformer_long": (
        "the same Transformer, 1.4 × the passes",
        "同一 Transformer，1.4 倍轮数",
    ),
    "motion.contender.ode_long": ("the same ODE, 1.35 × the passes", "同一常微分方程，1.35 倍轮数"),
    "motion.contender.messages": ("no motion: messages alone", "无运动：仅消息传递"),
    "motion.contender.messages_long": ("no motion, 1.5 × the passes", "无运动，1.5 倍轮数"),
    "motion.contender.ode": ("unstructured neural ODE", "无结构的神经常微分方程"),
    "motion.contender.euler": ("H_θ, Euler steps", "H_θ，欧拉步"),
    "motion.contender.leapfrog": ("H_θ, leapfrog, four steps", "H_θ，蛙跳法，四步"),
    "motion.contender.langevin": (
        "H_θ in a bath (BAOAB), kT = 0.05 eV",
        "热浴中的 H_θ（BAOAB），kT = 0.05 eV",
    ),
    "motion.contender.hot": ("H_θ in a bath (BAOAB), kT = 0.5 eV", "热浴中的 H_θ（BAOAB），kT = 0.5 eV"),
    "motion.contender.learned_bath": ("H_θ in a bath, learned friction", "热浴中的 H_θ，学习的摩擦系数"),
    "motion.contender.one_step": ("H_θ, leapfrog, one step", "H_θ，蛙跳法，一步"),
    "motion.contender.long": ("H_θ, leapfrog, eight steps", "H_θ，蛙跳法，八步"),
    "motion.contender.longer": ("H_θ, leapfrog, sixteen steps", "H_θ，蛙跳法，十六步"),
    "motion.contender.still": ("H_θ, leapfrog, p₀ = 0", "H_θ，蛙跳法，p₀ = 0"),
    "motion.contender.untaught": ("H_θ, leapfrog, H not taught the energy", "H_θ，蛙跳法，H 不学能量"),
    "motion.contender.end": ("H_θ, leapfrog, z from q(T) alone", "H_θ，蛙跳法，z 仅取自 q(T)"),
    "motion.contender.momenta": (
        "H_θ, leapfrog, z from q(T) and p(T)",
        "H_θ，蛙跳法，z 取自 q(T) 与 p(T)",
    ),
    "motion.contender.even_masses": ("H_θ, leapfrog, all masses one", "H_θ，蛙跳法，质量均为 1"),
    "motion.contender.wide_masses": (
        "H_θ, leapfrog, masses set from 1 to 100",
        "H_θ，蛙跳法，质量定为 1 至 100",
    ),
    "motion.contender.concatenated": (
        "H_θ on every simplex, two steps",
        "每个单形上的 H_θ，两步",
    ),
    "motion.contender.concatenated_short": (
        "H_θ on every simplex, ¼ of the passes",
        "每个单形上的 H_θ，¼ 轮数",
    ),
    "motion.split.random": ("{share} % of the labels", "{share} % 的标签"),
    "motion.split.formula": ("formulas never seen", "未见过的化学式"),
    "motion.split.heat": ("heat capacities", "热容"),
    "motion.split.anion-S": ("perovskites: sulphur left out", "钙钛矿：留出硫"),
    "motion.split.anion-F": ("perovskites: fluorine left out", "钙钛矿：留出氟"),
    "motion.split.anion-N": ("perovskites: nitrogen left out", "钙钛矿：留出氮"),
    "motion.split.energy": ("carbon: highest quarter of energies", "碳：能量最高的四分之一"),
    "motion.split.family-chalcogenides": ("chalcogenides left out", "留出硫族化物"),
    "motion.split.family-halides": ("halides left out", "留出卤化物"),
    "motion.split.family-pnictides": ("pnictides left out", "留出磷族化物"),
    "motion.split.family-lanthanides": ("lanthanides left out", "留出镧系化合物"),
    "motion.split.alloys-elements": ("alloys: elements teach, solutions asked", "合金：由单质推固溶体"),
    "motion.split.alloys-pairs": ("alloys: two of six pairs left out", "合金：六对中留出两对"),
    "motion.split.noise-0.25": ("noisy labels: ¼ of their spread", "含噪标签：离散度的 ¼"),
    "motion.split.noise-0.5": ("noisy labels: ½ of their spread", "含噪标签：离散度的 ½"),
    "claim:Moving under H_θ says more than pooling q₀ at rest.": (
        "Moving under H_θ says more than pooling q₀ at rest.",
        "在 H_θ 下运动比静止时汇聚 q₀ 包含更多信息。",
    ),
    "claim:It still does when the network without motion gets as much processor time.": (
        "It still does when the network without motion gets as much processor time.",
        "无运动的网络获得同样的处理器时间时，依然如此。",
    ),
    "claim:A Hamiltonian says more than an unstructured neural ODE.": (
        "A Hamiltonian says more than an unstructured neural ODE.",
        "哈密顿量比无结构的神经常微分方程更有用。",
    ),
    "claim:Symplectic steps say more than Euler's.": (
        "Symplectic steps say more than Euler's.",
        "辛步比欧拉步更有用。",
    ),
    "claim:A path without noise says more than one in a bath.": (
        "A path without noise says more than one in a bath.",
        "无噪声的路径比热浴中的路径更有用。",
    ),
    "claim:Several steps say more than one.": ("Several steps say more than one.", "多步比一步更有用。"),
    "claim:One pooled vector says more than every simplex moving, for the same passes.": (
        "One pooled vector says more than every simplex moving, for the same passes.",
        "轮数相同时，一个汇聚向量比每个单形各自运动更有用。",
    ),
    "claim:One pooled vector says more than every simplex moving, for the same processor time.": (
        "One pooled vector says more than every simplex moving, for the same processor time.",
        "处理器时间相同时，一个汇聚向量比每个单形各自运动更有用。",
    ),
    "claim:One friction for all says more than a learned one per irrep copy.": (
        "One friction for all says more than a learned one per irrep copy.",
        "统一的摩擦系数比每个不可约表示副本各学一个更有用。",
    ),
    "claim:H taught the formation energy says more than H taught nothing.": (
        "H taught the formation energy says more than H taught nothing.",
        "学过形成能的 H 比什么都没学的 H 更有用。",
    ),
    "claim:The path's mean beside its end says more than the end alone.": (
        "The path's mean beside its end says more than the end alone.",
        "路径均值加终点比仅用终点更有用。",
    ),
    "claim:The path's mean says more than the momenta at its end.": (
        "The path's mean says more than the momenta at its end.",
        "路径均值比终点的动量更有用。",
    ),
    "claim:Learned masses say more than equal ones.": (
        "Learned masses say more than equal ones.",
        "学习的质量比相等的质量更有用。",
    ),
    "claim:Learned masses say more than a wide spectrum of them.": (
        "Learned masses say more than a wide spectrum of them.",
        "学习的质量比宽谱设定的质量更有用。",
    ),
    "claim:Momenta learned from q₀ say more than a start at rest.": (
        "Momenta learned from q₀ say more than a start at rest.",
        "由 q₀ 学得的动量比从静止出发更有用。",
    ),
    "claim:It beats a perceptron on static features.": (
        "It beats a perceptron on static features.",
        "优于基于静态特征的感知机。",
    ),
    "claim:It beats a perceptron on static features with as much processor time.": (
        "It beats a perceptron on static features with as much processor time.",
        "优于处理器时间相同、基于静态特征的感知机。",
    ),
    "claim:It beats a Transformer encoder with as much processor time.": (
        "It beats a Transformer encoder with as much processor time.",
        "优于处理器时间相同的 Transformer 编码器。",
    ),
    "claim:It beats an unstructured neural ODE with as much processor time.": (
        "It beats an unstructured neural ODE with as much processor time.",
        "优于处理器时间相同、无结构的神经常微分方程。",
    ),
    "claim:It beats a Transformer encoder over the atoms.": (
        "It beats a Transformer encoder over the atoms.",
        "优于原子上的 Transformer 编码器。",
    ),
    "claim:It beats SOAP with kernel ridge.": (
        "It beats SOAP with kernel ridge.",
        "优于 SOAP 加核岭回归。",
    ),
    "claim:It beats kernel ridge on Module A's static features.": (
        "It beats kernel ridge on Module A's static features.",
        "优于模块 A 静态特征上的核岭回归。",
    ),
    "claim:It beats extra trees on Module A's static features.": (
        "It beats extra trees on Module A's static features.",
        "优于模块 A 静态特征上的极端随机树。",
    ),
    "claim:Dynamic information: heat capacities better than without motion.": (
        "Dynamic information: heat capacities better than without motion.",
        "动力学信息：热容预测优于无运动时。",
    ),
    "claim:Dynamic information: heat capacities better than a static kernel.": (
        "Dynamic information: heat capacities better than a static kernel.",
        "动力学信息：热容预测优于静态核方法。",
    ),
    "claim:Few labels: better than static features with a kernel.": (
        "Few labels: better than static features with a kernel.",
        "标签少时：优于静态特征加核方法。",
    ),
    "claim:Few labels: motion helps where data are few.": (
        "Few labels: motion helps where data are few.",
        "标签少时：数据少处运动有帮助。",
    ),
    "claim:New chemistry: better than a network without motion.": (
        "New chemistry: better than a network without motion.",
        "新的化学体系：优于无运动的网络。",
    ),
    "claim:New chemistry: better than static features with a kernel.": (
        "New chemistry: better than static features with a kernel.",
        "新的化学体系：优于静态特征加核方法。",
    ),
    "claim:Low to high energy (carbon): better than without motion.": (
        "Low to high energy (carbon): better than without motion.",
        "由低能到高能（碳）：优于无运动时。",
    ),
    "claim:Low to high energy (carbon): better than a static kernel.": (
        "Low to high energy (carbon): better than a static kernel.",
        "由低能到高能（碳）：优于静态核方法。",
    ),
    "claim:Elements to solid solutions: better than without motion.": (
        "Elements to solid solutions: better than without motion.",
        "由单质到固溶体：优于无运动时。",
    ),
    "claim:Elements to solid solutions: better than a static kernel.": (
        "Elements to solid solutions: better than a static kernel.",
        "由单质到固溶体：优于静态核方法。",
    ),
    "claim:Noisy labels: better than a network without motion.": (
        "Noisy labels: better than a network without motion.",
        "含噪标签：优于无运动的网络。",
    ),
    "claim:Noisy labels: better than static features with a kernel.": (
        "Noisy labels: better than static features with a kernel.",
        "含噪标签：优于静态特征加核方法。",
    ),
    "claim:Motion makes training converge in fewer passes.": (
        "Motion makes training converge in fewer passes.",
        "运动使训练以更少的轮数收敛。",
    ),
    "claim:Motion makes the embedding less sensitive to displacements.": (
        "Motion makes the embedding less sensitive to displacements.",
        "运动使嵌入对原子位移更不敏感。",
    ),
    "claim:The evolved embedding finds structures of one type better than static features.": (
        "The evolved embedding finds structures of one type better than static features.",
        "演化嵌入比静态特征更善于找到同类型结构。",
    ),
    "claim:It finds the prototype's type better than static features.": (
        "It finds the prototype's type better than static features.",
        "比静态特征更善于找到原型的类型。",
    ),
    "claim:The evolved embedding finds structures of one type better than static features under noise.": (
        "The evolved embedding finds structures of one type better than static features under noise.",
        "有噪声时，演化嵌入比静态特征更善于找到同类型结构。",
    ),
}
