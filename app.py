"""Home: what this is, a live picture, three ways in, and which models are here."""

import streamlit as st

from tenfma.ui import cache, components, layout, lessons, portraits, state

t = layout.begin("home")
picture, words = st.columns([1.6, 1], gap="large", vertical_alignment="center")

with words:
    st.markdown(t("home.lead"))
with picture:
    study = portraits.home(t("patch.area"))
    components.player(t, study.movie, t("home.picture"), key="home-player", height=340)
    files = st.container()

start, end = float(study.area[0]), float(study.area[-1])
change = float(max(abs(study.area / start - 1)))
layout.notice(t, t("home.note", points=study.movie.patch.shape[1], error=change, start=start, end=end))

ways = (
    ("materials", "pages/materials.py", ":material/category:"),
    ("dynamics", "pages/phase_space.py", ":material/timeline:"),
    ("learned", "pages/couplings.py", ":material/hub:"),
)
for column, (way, file, icon) in zip(st.columns(3, gap="medium"), ways):
    with column.container(border=True, height="stretch"):
        st.page_link(file, label=f"**{t(f'home.{way}')}**", icon=icon, query_params=state.carried())
        st.markdown(t(f"home.{way}.text"))

st.subheader(t("lesson.title"), anchor=False)
lessons.menu(t, layout.PAGES)

st.subheader(t("home.models"), anchor=False)
names = cache.trained_models()
if names:
    rows = layout.models_table(t, {name: cache.card(name) for name in names})
    st.dataframe(rows, hide_index=True, alt=t("home.models"))
else:
    st.markdown(t("home.models.none"))
with files:
    layout.data(t, "home", study.table())
layout.equations(
    t,
    [
        (
            t("phase.eq.hamilton"),
            r"H = \frac{p^2}{2} + 1 - \cos q, \qquad \dot q = \frac{\partial H}{\partial p}, \quad"
            r"\dot p = -\frac{\partial H}{\partial q}",
        ),
        (t("phase.eq.area"), r"\oint p\,\mathrm{d}q = \text{const}"),
    ],
)
