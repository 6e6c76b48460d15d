"""Lessons."""
# ruff: noqa: E501  (sentences are easier to compare on one line)

TEXTS = {
    "lesson.title": ("Five lessons", "五堂课"),
    "lesson.step": ("step {number} of {count}", "第 {number} 步，共 {count} 步"),
    "lesson.back": ("Back", "上一步"),
    "lesson.next": ("Next", "下一步"),
    "lesson.leave": ("Leave the lesson", "离开课程"),
    "lesson.area": ("What a flow keeps", "流动保持什么"),
    "lesson.area.about": (
        "Area in phase space: Liouville's theorem, and steps that break it.",
        "相空间的面积：刘维尔定理，以及破坏它的步进。",
    ),
    "lesson.area.1": (
        "A patch of nearby starts is carried by leapfrog. Watch its shape shear while the printed area stays: each step is a composition of shears, and a shear keeps area.",
        "一团邻近的初态由蛙跳法携带。它的形状被剪切，而打印的面积不变：每一步都是剪切的复合，而剪切保持面积。",
    ),
    "lesson.area.2": (
        "The same patch by explicit Euler. The area grows at every step, by det J = 1 + Δt² cos q here: the error is not noise, it is a source.",
        "同一团相点用显式欧拉法。面积每一步都在变，此处 det J = 1 + Δt² cos q：这种误差不是噪声，而是源。",
    ),
    "lesson.area.3": (
        "Friction shrinks area on purpose, at the rate e^(−ct), and a good method shrinks it exactly so.",
        "摩擦有意让面积按 e^(−ct) 收缩，好的方法恰好如此。",
    ),
    "lesson.area.4": (
        "Your turn: this is a double well typed as a formula. **Try** a patch wide enough to straddle the saddle at q = 0, and see when the page says it is folded too finely to measure.",
        "轮到你了：这是以公式输入的双势阱。**试一试**：把相点团半径取大，使它跨过 q = 0 处的鞍点，看页面何时提示折叠过细、无法测量。",
    ),
    "lesson.energy": ("Who keeps the energy", "谁保持能量"),
    "lesson.energy.about": ("Bounded errors, slow drifts, and orders.", "有界误差、缓慢漂移与阶数。"),
    "lesson.energy.1": (
        "Explicit Euler loses the energy at once. Symplectic Euler differs by one line, using the new p in the drift, and its error stays bounded.",
        "显式欧拉立刻失去能量。辛欧拉只差一行（漂移时用新的 p），误差却有界。",
    ),
    "lesson.energy.2": (
        "On the Kepler orbit Runge–Kutta 4 starts closer than leapfrog, and its error grows without end. The sentence below the figure says when it falls behind.",
        "在开普勒轨道上，四阶龙格–库塔起初优于蛙跳法，但误差不断增长。图下的句子给出它何时落后。",
    ),
    "lesson.energy.3": (
        "Compositions raise the order: 2, 4, 8. The fitted slopes are below. **Try** a larger step until the eighth-order method is no longer the best.",
        "复合提高阶数：2、4、8，拟合斜率见下。**试一试**：增大步长，直到八阶方法不再最好。",
    ),
    "lesson.bath": ("The right noise", "正确的噪声"),
    "lesson.bath.about": (
        "Friction and noise must fit each other, or the temperature is wrong.",
        "摩擦与噪声必须匹配，否则温度就错了。",
    ),
    "lesson.bath.1": (
        "Unit mass: every way of writing Langevin's equation agrees, and the histogram sits on Boltzmann's curve.",
        "单位质量：朗之万方程的各种写法一致，直方图与玻尔兹曼曲线重合。",
    ),
    "lesson.bath.2": (
        "Mass 4. With the noise of the unit-mass formula the sampled temperature is T/m: four times too cold, while the path looks just as lively.",
        "质量为 4。若用单位质量公式的噪声，采样温度为 T/m：低了四倍，而轨迹看上去同样活跃。",
    ),
    "lesson.bath.3": (
        "A step of 0.25 is large for these wells. Look at both temperatures: one may agree while the other is off, so looking at only one can hide an error. **Try** the other methods at this step, and see which keeps the configurational temperature.",
        "对这样的势阱，步长 0.25 很大。请看两个温度：可能一个相符而另一个有偏差，只看其一会掩盖误差。**试一试**：在此步长下换其他方法，看哪个保持构型温度。",
    ),
    "lesson.symmetry": ("What is conserved", "对称与守恒"),
    "lesson.symmetry.about": ("From a Lagrangian to what the motion keeps.", "从拉格朗日量到运动的守恒量。"),
    "lesson.symmetry.1": (
        "The Kepler problem, step by step from L to H. The coordinates show which momenta are conserved.",
        "开普勒问题：从 L 一步步到 H。坐标显示哪些动量守恒。",
    ),
    "lesson.symmetry.2": (
        "An isotropic oscillator in the plane. It has more conserved quantities than energy: look at the list for x·py − y·px.",
        "平面各向同性振子。除能量外它还有更多守恒量：在列表中找到 x·py − y·px。",
    ),
    "lesson.symmetry.3": (
        "One spring is now stiffer, and the angular momentum is gone from the list. **Try** the bracket box: put `x*py - y*px` in and read how fast it changes.",
        "现在一个弹簧更硬，角动量从列表中消失了。**试一试**：在括号框中输入 `x*py - y*px`，看它变化多快。",
    ),
    "lesson.learned": ("A glass box", "透明的盒子"),
    "lesson.learned.about": (
        "Couplings, forces and energy flow of something learned.",
        "学得系统的耦合、力与能流。",
    ),
    "lesson.learned.1": (
        "Two oscillators with one weak spring: the coupling is ∂²H/∂q₁∂q₂ = −c. Play the flow and watch the energy beat from one to the other.",
        "两个振子由一根弱弹簧相连：耦合为 ∂²H/∂q₁∂q₂ = −c。播放能流，观察能量在二者之间来回。",
    ),
    "lesson.learned.2": (
        "The same question asked of silicon, learned from forces. This pair's 3 × 3 block says how moving one atom changes the force on the other; couplings fall with distance.",
        "对由力学得的硅问同样的问题。这一对的 3 × 3 块说明移动一个原子怎样改变另一个所受的力；耦合随距离衰减。",
    ),
    "lesson.learned.3": (
        "Turned by 120°, forces are computed anew, and they have turned with the crystal to round-off: that is equivariance, measured.",
        "旋转 120° 后重新计算力，它们随晶体一起旋转，误差仅为舍入：这就是实测的等变性。",
    ),
    "lesson.learned.4": (
        "And the learned crystal moves as a Hamiltonian system: a patch in the plane of one vibration keeps its area. **Try** pulling the mode out farther until the path leaves its contour: energy then leaks into other modes.",
        "学得的晶体也像哈密顿系统一样运动：一个振动模平面内的相点团保持面积。**试一试**：把振动模拉得更开，直到轨迹离开等值线——能量正泄漏到其他模。",
    ),
}
