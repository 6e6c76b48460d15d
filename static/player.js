// The player: trajectories, energy contours and a moving patch of phase space on one canvas, energy on a second one.
// `Playback` is in playback.js. Data: bytes as tenfma/viz/player.py packs them: header length (uint32), JSON header, float32 arrays it describes.

const DURATION = 14; // seconds for the whole path at speed 1
const WORDS = 80; // ms between two changes of the words and the range beside a picture that plays: each is a layout
const TRAIL = 160; // frames a trail looks back
const DASHES = { solid: [], dash: [8, 5], dot: [2, 4], dashdot: [8, 4, 2, 4], longdash: [14, 5], longdashdot: [14, 5, 2, 5] };

function unpack(bytes) {
  const copy = bytes.slice(); // its own buffer, so that float32 views are aligned
  const length = new DataView(copy.buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(copy.subarray(4, 4 + length)));
  for (const array of Object.values(header.arrays)) array.values = new Float32Array(copy.buffer, 4 + length + 4 * array.offset, array.size);
  return header;
}

function ticks(low, high, count) {
  const raw = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  const steps = [0.5, 1, 2, 5, 10].map((m) => m * power);
  const at = (step) => {
    const found = [];
    for (let k = Math.ceil(low / step); k * step <= high + 1e-9 * step; k++) found.push(k * step);
    return found;
  };
  const first = steps.findIndex((s) => s >= raw);
  if (first < 1) return at(raw);
  const found = at(steps[first]);
  return found.length > 1 ? found : at(steps[first - 1]); // one number alone is no scale
}

function label(value) {
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e5 || size < 1e-3) {
    const power = Math.floor(Math.log10(size) + 1e-9);
    const digits = Number((value / 10 ** power).toPrecision(3));
    return `${digits}e${power}`.replace("-", "−");
  }
  return String(Number(value.toPrecision(6))).replace("-", "−");
}

class Panel {
  // One canvas with axes: `range` is [x low, x high, y low, y high].
  constructor(canvas) {
    this.canvas = canvas;
    this.still = document.createElement("canvas");
  }

  resize(ink) {
    const box = this.canvas.getBoundingClientRect();
    const ratio = Math.min(window.devicePixelRatio || 1, 2);
    this.width = box.width;
    this.height = box.height;
    for (const canvas of [this.canvas, this.still]) {
      canvas.width = Math.max(1, Math.round(box.width * ratio));
      canvas.height = Math.max(1, Math.round(box.height * ratio));
      canvas.getContext("2d").setTransform(ratio, 0, 0, ratio, 0, 0);
    }
    this.ink = ink;
    this.inner = { left: 58, right: this.width - 12, top: 12, bottom: this.height - 44 };
  }

  frame(range) {
    this.range = range;
    const pen = this.still.getContext("2d"); // numbers are as wide as they are: axis names stand left of them
    pen.font = `13px ${this.font}`;
    const widths = this.ys().map((value) => pen.measureText(label(value)).width);
    this.inner.left = Math.max(44, 32 + Math.max(0, ...widths));
  }

  ys() { return ticks(this.range[2], this.range[3], Math.max(3, this.height / 80)); }
  x(value) { const [a, b] = this.range; return this.inner.left + ((value - a) / (b - a)) * (this.inner.right - this.inner.left); }
  y(value) { const [, , a, b] = this.range; return this.inner.bottom - ((value - a) / (b - a)) * (this.inner.bottom - this.inner.top); }

  axes(context, xName, yName) {
    const { left, right, top, bottom } = this.inner;
    const [xLow, xHigh] = this.range;
    context.save();
    context.font = `13px ${this.font}`;
    context.fillStyle = this.ink;
    context.strokeStyle = this.ink;
    context.lineWidth = 1;
    context.globalAlpha = 0.16;
    const xs = ticks(xLow, xHigh, Math.max(3, this.width / 110)), ys = this.ys();
    for (const value of xs) this.stroke(context, [[this.x(value), top], [this.x(value), bottom]]);
    for (const value of ys) this.stroke(context, [[left, this.y(value)], [right, this.y(value)]]);
    context.globalAlpha = 0.85;
    context.textAlign = "center";
    for (const value of xs) context.fillText(label(value), this.x(value), bottom + 17);
    context.textAlign = "right";
    for (const value of ys) context.fillText(label(value), left - 7, this.y(value) + 4);
    context.globalAlpha = 1;
    context.textAlign = "center";
    context.font = `14px ${this.font}`;
    this.name(context, xName, (left + right) / 2, this.height - 8);
    context.translate(13, (top + bottom) / 2);
    context.rotate(-Math.PI / 2);
    this.name(context, yName, 0, 0);
    context.restore();
  }

  // A variable's name about x; what follows "_" is small and lower, as p_r.
  name(context, text, x, y) {
    const [base, below = ""] = text.split("_");
    context.save();
    context.textAlign = "left";
    const wide = context.measureText(base).width;
    context.font = `14px ${this.font}`;
    const from = x - wide / 2;
    context.fillText(base, from, y);
    context.font = `10.5px ${this.font}`;
    context.fillText(below, from + wide + 1, y + 3.5);
    context.restore();
  }

  stroke(context, points) {
    context.beginPath();
    points.forEach(([x, y], k) => (k ? context.lineTo(x, y) : context.moveTo(x, y)));
    context.stroke();
  }

  clip(context) {
    const { left, right, top, bottom } = this.inner;
    context.beginPath();
    context.rect(left, top, right - left, bottom - top);
    context.clip();
  }

  fresh() {
    const context = this.canvas.getContext("2d");
    context.clearRect(0, 0, this.width, this.height);
    context.drawImage(this.still, 0, 0, this.width, this.height);
    return context;
  }
}

// Marching squares: level lines of a grid, (rows along y) × (columns along x), in data coordinates.
function contours(grid, rows, columns, range, level, draw) {
  const [xLow, xHigh, yLow, yHigh] = range;
  const x = (c) => xLow + ((xHigh - xLow) * c) / (columns - 1), y = (r) => yLow + ((yHigh - yLow) * r) / (rows - 1);
  for (let r = 0; r + 1 < rows; r++) {
    for (let c = 0; c + 1 < columns; c++) {
      const v = [grid[r * columns + c], grid[r * columns + c + 1], grid[(r + 1) * columns + c + 1], grid[(r + 1) * columns + c]];
      if (!v.every(Number.isFinite)) continue;
      const corner = [[c, r], [c + 1, r], [c + 1, r + 1], [c, r + 1]];
      const cut = [];
      for (let k = 0; k < 4; k++) {
        const n = (k + 1) % 4;
        if (v[k] < level === v[n] < level) continue;
        const s = (level - v[k]) / (v[n] - v[k]);
        cut.push([x(corner[k][0] + s * (corner[n][0] - corner[k][0])), y(corner[k][1] + s * (corner[n][1] - corner[k][1]))]);
      }
      for (let k = 0; k + 1 < cut.length; k += 2) draw(cut[k], cut[k + 1]);
    }
  }
}

function shape(context, symbol, x, y, size) {
  context.beginPath();
  if (symbol === "square") context.rect(x - size, y - size, 2 * size, 2 * size);
  else if (symbol === "diamond") { context.moveTo(x, y - 1.3 * size); context.lineTo(x + 1.3 * size, y); context.lineTo(x, y + 1.3 * size); context.lineTo(x - 1.3 * size, y); }
  else if (symbol === "triangle-up") { context.moveTo(x, y - 1.3 * size); context.lineTo(x + 1.2 * size, y + size); context.lineTo(x - 1.2 * size, y + size); }
  else context.arc(x, y, size, 0, 2 * Math.PI);
  context.closePath();
  context.fill();
  context.stroke();
}

class Player extends Playback {
  constructor(root) {
    super(root, DURATION);
    this.plane = new Panel(root.querySelector(".plane"));
    this.side = new Panel(root.querySelector(".side"));
    this.out = root.querySelector(".values");
    this.told = 0;
    const seek = (event) => {
      if (!event.buttons || !this.data) return;
      const box = this.side.canvas.getBoundingClientRect(), { left, right } = this.side.inner;
      this.play(false);
      this.seek(((event.clientX - box.left - left) / (right - left)) * (this.frames - 1));
    };
    this.side.canvas.onpointerdown = seek;
    this.side.canvas.onpointermove = seek;
    this.watch = new ResizeObserver(() => this.layout());
    this.watch.observe(root.querySelector(".panels"));
  }

  show(data) {
    this.prepare(data.arrays.time.size, data.height, data.texts);
    this.data = data;
    this.root.classList.toggle("single", !data.side);
    this.legend();
    this.layout();
    this.start(data.autoplay);
  }

  legend() {
    const box = this.root.querySelector(".legend");
    box.replaceChildren();
    for (const path of this.data.paths) {
      const item = document.createElement("span");
      const sample = document.createElement("canvas");
      sample.width = 68; sample.height = 24;
      const context = sample.getContext("2d");
      context.scale(2, 2);
      context.strokeStyle = context.fillStyle = path.colour;
      context.lineWidth = 2;
      context.setLineDash(DASHES[path.dash]);
      context.beginPath(); context.moveTo(0, 6); context.lineTo(34, 6); context.stroke();
      context.setLineDash([]);
      shape(context, path.symbol, 17, 6, 3.2);
      item.append(sample, document.createTextNode(path.name));
      box.append(item);
    }
    box.hidden = this.data.paths.length < 2;
  }

  layout() {
    if (!this.data || this.root.clientWidth === 0) return;
    const style = getComputedStyle(this.root);
    const ink = style.color, font = style.fontFamily || "sans-serif";
    for (const panel of [this.plane, this.side]) { panel.font = font; panel.resize(ink); }
    this.drawStill();
    this.draw();
  }

  drawStill() {
    const { data, plane, side } = this;
    plane.frame(data.plane.range);
    const context = plane.still.getContext("2d");
    context.clearRect(0, 0, plane.width, plane.height);
    plane.axes(context, data.plane.x, data.plane.y);
    context.save();
    plane.clip(context);
    if (data.contours) {
      const { values, shape: [rows, columns] } = data.arrays.grid;
      context.strokeStyle = plane.ink;
      data.contours.levels.forEach((level, k) => {
        context.globalAlpha = level === data.contours.bold ? 0.75 : 0.2 + 0.12 * (k % 2);
        context.lineWidth = level === data.contours.bold ? 1.8 : 1;
        context.beginPath();
        contours(values, rows, columns, data.contours.range, level, (a, b) => {
          context.moveTo(plane.x(a[0]), plane.y(a[1]));
          context.lineTo(plane.x(b[0]), plane.y(b[1]));
        });
        context.stroke();
      });
    }
    context.lineWidth = 1.2;
    for (const path of data.paths) {
      context.strokeStyle = path.colour;
      context.globalAlpha = 0.4;
      context.setLineDash(DASHES[path.dash]);
      this.trace(context, path, 0, this.frames);
    }
    context.restore();
    if (!data.side) return;
    side.frame(data.side.range);
    const pen = side.still.getContext("2d");
    pen.clearRect(0, 0, side.width, side.height);
    side.axes(pen, data.side.x, data.side.y);
    pen.save();
    side.clip(pen);
    pen.lineWidth = 1.8;
    for (const lineOf of data.side.lines) {
      const { values } = data.arrays[lineOf.array];
      pen.strokeStyle = lineOf.colour;
      pen.setLineDash(DASHES[lineOf.dash]);
      pen.beginPath();
      for (let k = 0; k < values.length; k++) pen.lineTo(side.x(data.arrays.time.values[k]), side.y(values[k]));
      pen.stroke();
    }
    pen.restore();
  }

  trace(context, path, from, to) {
    const { values } = this.data.arrays[path.array];
    context.beginPath();
    for (let k = Math.max(0, from); k < to; k++) context.lineTo(this.plane.x(values[2 * k]), this.plane.y(values[2 * k + 1]));
    context.stroke();
  }

  draw() {
    if (!this.data || !this.plane.range) return;
    const { data, plane, side } = this;
    const k = Math.round(this.at);
    const context = plane.fresh();
    context.save();
    plane.clip(context);
    if (data.cloud) {
      const { values, shape: [, n] } = data.arrays[data.cloud.array];
      context.fillStyle = data.cloud.colour;
      context.globalAlpha = 0.7;
      for (let i = 0; i < n; i++) {
        const o = 2 * (k * n + i);
        context.fillRect(plane.x(values[o]) - 1.1, plane.y(values[o + 1]) - 1.1, 2.2, 2.2);
      }
    }
    if (data.patch) {
      const { values, shape: [, n] } = data.arrays[data.patch.array];
      context.beginPath();
      for (let i = 0; i < n; i++) { const o = 2 * (k * n + i); context.lineTo(plane.x(values[o]), plane.y(values[o + 1])); }
      context.closePath();
      context.fillStyle = data.patch.colour;
      context.globalAlpha = 0.28;
      context.fill();
      context.globalAlpha = 1;
      context.strokeStyle = data.patch.colour;
      context.lineWidth = 1.6;
      context.stroke();
    }
    for (const path of data.paths) {
      const { values } = data.arrays[path.array];
      context.strokeStyle = path.colour;
      context.globalAlpha = 1;
      context.lineWidth = 2.4;
      context.setLineDash(DASHES[path.dash]);
      this.trace(context, path, k - TRAIL, k + 1);
      context.setLineDash([]);
      context.fillStyle = path.colour;
      context.strokeStyle = this.paper;
      context.lineWidth = 1.5;
      shape(context, path.symbol, plane.x(values[2 * k]), plane.y(values[2 * k + 1]), 5.5);
    }
    context.restore();
    if (data.side) {
      const pen = side.fresh();
      const x = side.x(data.arrays.time.values[k]);
      pen.save();
      pen.strokeStyle = side.ink;
      pen.globalAlpha = 0.6;
      pen.lineWidth = 1;
      side.stroke(pen, [[x, side.inner.top], [x, side.inner.bottom]]);
      pen.globalAlpha = 1;
      side.clip(pen);
      for (const lineOf of data.side.lines) {
        pen.fillStyle = lineOf.colour;
        pen.strokeStyle = this.paper;
        shape(pen, lineOf.symbol, x, side.y(data.arrays[lineOf.array].values[k]), 4.5);
      }
      pen.restore();
    }
    this.root.dataset.frame = k;
    const now = performance.now();
    if (this.playing && now - this.told < WORDS) return;
    this.told = now;
    this.tell(k);
  }

  play(on) {
    super.play(on);
    if (!on && this.data) this.tell(Math.round(this.at));
  }

  tell(k) {
    const { data } = this;
    this.point(k);
    this.range.setAttribute("aria-valuetext", `${data.texts.time} ${label(Number(data.arrays.time.values[k].toPrecision(4)))}`);
    const said = [`t = ${Number(data.arrays.time.values[k].toPrecision(4))}`];
    for (const item of data.values) {
      const value = data.arrays[item.array].values[k];
      said.push(`${item.name}: ${Number.isFinite(value) ? value.toPrecision(5).replace("-", "−") : item.missing}`);
    }
    this.out.textContent = said.join("     ");
  }
}

export default function (component) {
  const { data, parentElement } = component;
  const root = parentElement.querySelector(".player");
  root.player ??= new Player(root);
  root.player.paper = getComputedStyle(root).getPropertyValue("--st-background-color").trim() || "#ffffff";
  root.player.show(unpack(data instanceof Uint8Array ? data : new Uint8Array(data)));
  return () => { root.player?.end(); root.player = null; };
}
