// The crystal viewer: one 3Dmol viewer that lives as long as its place on the page, so the camera survives reruns.
// Data: {key, atoms, bonds, cell, triangles, arrows, legend, scale, texts} as tenfma/viz/scenes.py makes it.
// Sends back {scene, atom} when an atom is clicked.

const MARGIN = 1.06; // room round the picture
let library = null;

function load3Dmol() {
  if (window.$3Dmol) return Promise.resolve(window.$3Dmol);
  library ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = new URL("app/static/3Dmol-min.js", document.baseURI).href;
    script.onload = () => resolve(window.$3Dmol);
    script.onerror = () => { library = null; reject(new Error("3Dmol.js did not load")); };
    document.head.appendChild(script);
  });
  return library;
}

// What draws here: "" where there is no WebGL, else the renderer's name.
function rendererName() {
  const canvas = document.createElement("canvas");
  const gl = canvas.getContext("webgl2") || canvas.getContext("webgl");
  if (!gl) return "";
  const told = gl.getExtension("WEBGL_debug_renderer_info");
  const name = gl.getParameter(told ? told.UNMASKED_RENDERER_WEBGL : gl.RENDERER);
  gl.getExtension("WEBGL_lose_context")?.loseContext();
  return String(name || "WebGL");
}

// Twice the pixels make finer edges, but a processor that stands in for a graphics card needs four times as long.
const SOFTWARE = /swiftshader|llvmpipe|softpipe|software|basic render/i;

const point = ([x, y, z]) => ({ x, y, z });

function textColour(element) {
  return getComputedStyle(element).getPropertyValue("--st-text-color").trim() || "#555555";
}

// 3Dmol draws at every call that moves the camera: here once per frame, whatever was asked in between.
// While a frame is awaited the picture is busy, as `aria-busy` says.
function drawOncePerFrame(viewer, stage, awaited, drawn) {
  const show = viewer.show.bind(viewer);
  let asked = 0;
  viewer.show = () => {
    awaited();
    asked ||= requestAnimationFrame(() => { asked = 0; if (stage.clientWidth) { show(); drawn(); } });
  };
  viewer.divwatcher?.disconnect(); // sizes are watched below, and only a new size is drawn anew
  viewer.intwatcher?.disconnect();
}

// Every point that is drawn, with the room it needs round it.
function drawnPoints(data) {
  const found = data.atoms.map((atom) => [atom.at, atom.radius]);
  for (const [from, to] of data.cell) found.push([from, 0], [to, 0]);
  for (const triangle of data.triangles ?? []) for (const corner of triangle.corners) found.push([corner, 0]);
  for (const arrow of data.arrows ?? []) found.push([arrow.to, 0.1]);
  for (const stick of data.sticks ?? []) found.push([stick.from, stick.radius], [stick.to, stick.radius]);
  return found;
}

// v turned by the unit quaternion (x, y, z, w).
function turned([x, y, z, w], v) {
  const cross = (a, b) => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
  const u = [x, y, z], once = cross(u, v), twice = cross(u, once);
  return v.map((value, k) => value + 2 * (w * once[k] + twice[k]));
}

// The c axis upwards, a little from the side and from above, all of it inside the stage.
function lookFromTheSide(viewer, data, stage) {
  viewer.zoomTo(); // sets how deep the picture reaches
  viewer.setView([0, 0, 0, 0, 0, 0, 0, 1]);
  viewer.rotate(-90, "vx");
  viewer.rotate(-28, "vy");
  viewer.rotate(16, "vx");
  const turn = viewer.getView().slice(4);
  const low = [Infinity, Infinity, Infinity], high = [-Infinity, -Infinity, -Infinity];
  for (const [at, room] of drawnPoints(data)) {
    turned(turn, at).forEach((value, k) => { low[k] = Math.min(low[k], value - room); high[k] = Math.max(high[k], value + room); });
  }
  const middle = low.map((value, k) => (value + high[k]) / 2);
  const [wide, tall] = high.map((value, k) => Math.max(value - low[k], 0.5) / 2);
  const half = MARGIN * Math.max(wide, (tall * stage.clientWidth) / stage.clientHeight); // Å from the middle to the right edge
  const distance = half / Math.tan((viewer.fov * Math.PI) / 180);
  const back = turned([-turn[0], -turn[1], -turn[2], turn[3]], middle);
  viewer.setView([...back.map((value) => -value), viewer.CAMERA_Z - distance, ...turn]);
}

function drawAtoms(viewer, data, pick) {
  const model = viewer.addModel();
  const neighbours = data.atoms.map(() => []);
  for (const [a, b] of data.bonds) { neighbours[a].push(b); neighbours[b].push(a); }
  model.addAtoms(data.atoms.map((atom, serial) => ({
    elem: atom.element, x: atom.at[0], y: atom.at[1], z: atom.at[2], serial, index: serial,
    bonds: neighbours[serial], bondOrder: neighbours[serial].map(() => 1),
    properties: { site: atom.site },
    style: {
      sphere: { radius: atom.radius, color: atom.colour },
      ...(data.stick > 0 ? { stick: { radius: data.stick, color: data.bondColour || atom.colour } } : {}),
    },
  })));
  model.setClickable({}, true, (atom) => pick(atom.properties.site));
  for (const atom of data.atoms) {
    if (atom.picked) viewer.addSphere({ center: point(atom.at), radius: atom.radius * 1.35, color: "#E69F00", alpha: 0.45 });
  }
}

function drawShapes(viewer, data, $3Dmol, ink) {
  const cell = viewer.addShape({ color: ink, wireframe: false });
  const longest = Math.max(0, ...data.cell.map(([from, to]) => Math.hypot(...to.map((value, k) => value - from[k]))));
  const radius = Math.max(0.022, longest / 200); // a line of a large cell is seen as well
  for (const [from, to] of data.cell) cell.addCylinder({ start: point(from), end: point(to), radius, fromCap: 1, toCap: 1 });
  if (data.sticks?.length) {
    for (const stick of data.sticks) {
      viewer.addCylinder({ start: point(stick.from), end: point(stick.to), radius: stick.radius, color: stick.colour, fromCap: 2, toCap: 2 });
    }
  }
  if (data.triangles?.length) {
    const vertexArr = [], normalArr = [], faceArr = [], color = [];
    for (const triangle of data.triangles) {
      const [a, b, c] = triangle.corners;
      const u = b.map((value, i) => value - a[i]), v = c.map((value, i) => value - a[i]);
      const n = [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]];
      const length = Math.hypot(...n) || 1;
      for (const sign of [1, -1]) {
        const first = vertexArr.length;
        for (const corner of triangle.corners) {
          vertexArr.push(point(corner));
          normalArr.push(point(n.map((value) => (sign * value) / length)));
          color.push($3Dmol.CC.color(triangle.colour));
        }
        faceArr.push(...(sign > 0 ? [first, first + 1, first + 2] : [first, first + 2, first + 1]));
      }
    }
    viewer.addCustom({ vertexArr, normalArr, faceArr, color, alpha: data.alpha ?? 0.55 });
  }
  for (const arrow of data.arrows ?? []) {
    viewer.addArrow({ start: point(arrow.from), end: point(arrow.to), radius: arrow.radius ?? 0.07, radiusRatio: 2.2, mid: 0.7, color: arrow.colour });
  }
  for (const label of data.labels ?? []) {
    viewer.addLabel(label.text, { position: point(label.at), fontSize: 12, fontColor: ink, showBackground: false, inFront: true, alignment: "center" });
  }
}

function drawLegend(box, data) {
  box.replaceChildren();
  for (const entry of data.legend ?? []) {
    const item = document.createElement("span");
    const dot = document.createElement("i");
    dot.style.background = entry.colour;
    item.append(dot, document.createTextNode(entry.name));
    box.append(item);
  }
  if (data.scale) {
    const item = document.createElement("span");
    const bar = document.createElement("b");
    bar.style.background = `linear-gradient(90deg, ${data.scale.colours.join(",")})`;
    item.append(document.createTextNode(data.scale.low), bar, document.createTextNode(`${data.scale.high}  ${data.scale.name}`));
    box.append(item);
  }
}

// One more crystal stands on the page: later.js counts on it.
function tell(root) {
  if (root.told) return;
  root.told = true;
  window.tenfmaDrawn = (window.tenfmaDrawn ?? 0) + 1;
}

export default function (component) {
  const { data, parentElement, setStateValue } = component;
  const root = parentElement.querySelector(".crystal");
  const stage = root.querySelector(".stage");
  stage.style.height = `${data.height}px`;
  stage.setAttribute("aria-label", data.texts.alt);
  root.querySelector(".help").textContent = data.texts.help;
  drawLegend(root.querySelector(".legend"), data);
  const words = root.querySelector(".words");
  root.latest = data;
  root.send = (site) => setStateValue("picked", { scene: root.latest.key, atom: site });

  const speak = () => {
    words.hidden = false;
    words.textContent = data.texts.no_webgl;
    stage.hidden = true;
    root.querySelector(".help").hidden = true;
    tell(root);
    root.dataset.drawn = "words";
  };
  root.webgl ??= rendererName();
  if (!root.webgl) { speak(); return () => {}; }

  load3Dmol().then(($3Dmol) => {
    if (root.gone || root.latest !== data) return;
    if (!root.viewer) {
      root.viewer = $3Dmol.createViewer(stage, { backgroundAlpha: 0, antialias: true, upscale: !SOFTWARE.test(root.webgl), disableFog: true, orthographic: true });
      const mark = () => {
        if (!root.viewer) return;
        root.ariaBusy = "false";
        tell(root);
        root.dataset.drawn = "3d";
        root.dataset.scenes = root.scenes; // how many scenes have been shown in this place
        root.dataset.view = JSON.stringify(root.viewer.getView().map((value) => Math.round(value * 1e4) / 1e4));
      };
      drawOncePerFrame(root.viewer, stage, () => { root.ariaBusy = "true"; }, mark);
      let size = `${stage.clientWidth} ${stage.clientHeight}`;
      root.sight = new ResizeObserver(() => {
        const now = `${stage.clientWidth} ${stage.clientHeight}`;
        if (now === size || !stage.clientWidth) return;
        size = now;
        root.viewer.resize();
      });
      root.sight.observe(stage);
    }
    const viewer = root.viewer;
    viewer.removeAllModels();
    viewer.removeAllShapes();
    viewer.removeAllLabels();
    const ink = textColour(stage);
    drawAtoms(viewer, data, (site) => root.send(site));
    drawShapes(viewer, data, $3Dmol, ink);
    if (root.scene !== data.key) {
      root.scene = data.key;
      lookFromTheSide(viewer, data, stage);
      root.home = viewer.getView();
    }
    root.scenes = (root.scenes ?? 0) + 1;
    viewer.render();
  }).catch((error) => { console.warn("crystal viewer:", error); if (!root.gone) speak(); });

  stage.onkeydown = (event) => {
    const viewer = root.viewer;
    if (!viewer || event.ctrlKey || event.metaKey || event.altKey) return;
    const turn = { ArrowLeft: [-10, "vy"], ArrowRight: [10, "vy"], ArrowUp: [-10, "vx"], ArrowDown: [10, "vx"] }[event.key];
    if (turn) viewer.rotate(...turn);
    else if (event.key === "+" || event.key === "=") viewer.zoom(1.12);
    else if (event.key === "-") viewer.zoom(1 / 1.12);
    else if (event.key === "0") viewer.setView(root.home);
    else return;
    event.preventDefault();
    viewer.render();
  };
  return () => {
    root.gone = true;
    if (root.told) window.tenfmaDrawn -= 1;
    root.sight?.disconnect();
    const canvas = stage.querySelector("canvas");
    (canvas?.getContext("webgl2") || canvas?.getContext("webgl"))?.getExtension("WEBGL_lose_context")?.loseContext();
    root.viewer = null;
  };
}
