// Energy flow: discs for parts, coloured and sized by the energy gained since the start, lines between them whose dots run
// the way energy goes. `Playback` is in playback.js. Data: {places [[x, y]], names, links [[i, j]], times, energy [frames][parts], flow [frames][links],
// largest {energy, flow}, unit, height, texts} as tenfma/viz/flows.py makes it. A link's flow > 0 goes from j to i.

const DURATION = 16; // seconds for the whole path at speed 1
const GAIN = [213, 94, 0], LOSE = [0, 114, 178], REST = [150, 156, 164]; // vermillion, blue, grey

const blend = (share) => {
  const end = share >= 0 ? GAIN : LOSE, s = Math.min(1, Math.abs(share));
  return `rgb(${REST.map((value, k) => Math.round(value + (end[k] - value) * s)).join(",")})`;
};

class FlowPicture extends Playback {
  constructor(root) {
    super(root, DURATION);
    this.canvas = root.querySelector(".plane");
    this.run = 0;
    this.watch = new ResizeObserver(() => this.draw());
    this.watch.observe(this.canvas);
  }

  show(data) {
    this.prepare(data.times.length, data.height, data.texts);
    this.data = data;
    this.draw();
    this.start(true);
  }

  passed(seconds) { this.run += seconds; }

  size() {
    const box = this.canvas.getBoundingClientRect(), ratio = Math.min(window.devicePixelRatio || 1, 2);
    const width = Math.max(1, Math.round(box.width * ratio)), height = Math.max(1, Math.round(box.height * ratio));
    if (this.canvas.width !== width || this.canvas.height !== height) { this.canvas.width = width; this.canvas.height = height; }
    const pen = this.canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, box.width, box.height);
    const xs = this.data.places.map((p) => p[0]), ys = this.data.places.map((p) => p[1]);
    const low = [Math.min(...xs), Math.min(...ys)], high = [Math.max(...xs), Math.max(...ys)];
    const room = 46;
    const scale = Math.min((box.width - 2 * room) / (high[0] - low[0] || 1), (box.height - 2 * room) / (high[1] - low[1] || 1e9));
    const middle = [(low[0] + high[0]) / 2, (low[1] + high[1]) / 2];
    return { pen, at: ([x, y]) => [box.width / 2 + scale * (x - middle[0]), box.height / 2 - scale * (y - middle[1])] };
  }

  draw() {
    const { data } = this;
    if (!data || !this.canvas.clientWidth) return;
    const k = Math.round(this.at), { pen, at } = this.size();
    const ink = getComputedStyle(this.root).color, family = getComputedStyle(this.root).fontFamily;
    const places = data.places.map(at);
    data.links.forEach(([i, j], n) => {
      const share = data.flow[k][n] / (data.largest.flow || 1), size = Math.abs(share);
      const [from, to] = share >= 0 ? [places[j], places[i]] : [places[i], places[j]];
      pen.strokeStyle = ink;
      pen.globalAlpha = 0.18;
      pen.lineWidth = 1.2;
      pen.beginPath(); pen.moveTo(...from); pen.lineTo(...to); pen.stroke();
      if (size < 0.02) return;
      pen.globalAlpha = 0.35 + 0.6 * Math.sqrt(Math.min(1, size));
      pen.strokeStyle = "#E69F00";
      pen.lineWidth = 1.5 + 7 * Math.min(1, size);
      pen.lineCap = "round";
      pen.setLineDash([0.1, 13]);
      pen.lineDashOffset = -this.run * 40;
      pen.beginPath(); pen.moveTo(...from); pen.lineTo(...to); pen.stroke();
      pen.setLineDash([]);
    });
    pen.globalAlpha = 1;
    const crowded = places.length > 20;
    let best = 0;
    places.forEach(([x, y], i) => {
      const share = data.energy[k][i] / (data.largest.energy || 1);
      if (Math.abs(data.energy[k][i]) > Math.abs(data.energy[k][best])) best = i;
      const radius = (crowded ? 9 : 16) * (1 + 0.55 * Math.max(-1, Math.min(1, share)));
      pen.fillStyle = blend(share);
      pen.strokeStyle = ink;
      pen.lineWidth = 1;
      pen.beginPath(); pen.arc(x, y, radius, 0, 2 * Math.PI); pen.fill(); pen.stroke();
      pen.fillStyle = ink;
      pen.font = `13px ${family}`;
      pen.textAlign = "center";
      if (!crowded) pen.fillText(data.names[i], x, y - radius - 5);
    });
    const value = data.energy[k][best];
    this.root.querySelector(".values").textContent =
      `t = ${Number(data.times[k].toPrecision(4))}     ${data.texts.energy}: ${data.names[best]} ${value >= 0 ? "+" : "−"}${Math.abs(value).toPrecision(3)} ${data.unit}`;
    this.point(k);
    this.root.dataset.frame = k;
  }
}

export default function (component) {
  const { data, parentElement } = component;
  const root = parentElement.querySelector(".player");
  root.picture ??= new FlowPicture(root);
  root.picture.show(data);
  return () => { root.picture?.end(); root.picture = null; };
}
