// What every player shares: a button, a range and a speed; frames counted on while it plays and can be seen.
// A player gives `draw()`, sets `frames`, and may count something of its own in `passed(seconds)`.

const ENOUGH = 40; // frames the screen offers in a second; where it offers fewer, the machine has other work,
const SPARING = 100; // and a player draws only after so many ms, which leaves that work its time

class Playback {
  constructor(root, duration) {
    this.root = root;
    this.duration = duration; // seconds for the whole path at speed 1
    this.button = root.querySelector(".play");
    this.range = root.querySelector(".time");
    this.speed = root.querySelector(".speed");
    this.at = 0;
    this.playing = false;
    this.button.onclick = () => this.play(!this.playing);
    this.range.oninput = () => { const frame = Number(this.range.value); this.play(false); this.seek(frame); };
    root.onkeydown = (event) => {
      if (["INPUT", "SELECT", "BUTTON"].includes(event.target.tagName)) return;
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (event.key === " ") this.play(!this.playing);
      else if (step) { this.play(false); this.seek(this.at + step * Math.max(1, this.frames / 100)); }
      else return;
      event.preventDefault();
    };
    this.sight = new IntersectionObserver(([entry]) => { this.visible = entry.isIntersecting; });
    this.sight.observe(root);
  }

  seek(frame) {
    this.at = Math.max(0, Math.min(this.frames - 1, frame));
    this.draw();
  }

  // The range shows a frame: its thumb, and the part of its track that is behind it.
  point(frame) {
    this.range.value = frame;
    this.range.style.setProperty("--done", `${(100 * frame) / Math.max(1, this.frames - 1)}%`);
  }

  // New data: the words of the controls, and the same share of the path as before.
  prepare(frames, height, texts) {
    const share = this.frames ? this.at / Math.max(1, this.frames - 1) : 0;
    this.texts = texts;
    this.frames = frames;
    this.at = share * (frames - 1);
    this.range.max = frames - 1;
    this.range.setAttribute("aria-label", texts.frame);
    this.speed.setAttribute("aria-label", texts.speed);
    this.root.querySelector(".panels").setAttribute("aria-label", texts.alt);
    this.root.querySelector(".help").textContent = texts.help;
    this.root.style.setProperty("--height", `${height}px`);
  }

  // Plays when first shown, unless less motion is asked for; later goes on as it was.
  start(autoplay) {
    const first = !this.started;
    this.started = true;
    this.play(first ? autoplay && !matchMedia("(prefers-reduced-motion: reduce)").matches : this.playing);
  }

  passed() {}

  play(on) {
    this.playing = on;
    this.button.textContent = on ? `❚❚ ${this.texts.pause}` : `▶ ${this.texts.play}`;
    this.button.setAttribute("aria-pressed", String(on));
    cancelAnimationFrame(this.request);
    if (!on) return;
    let last = performance.now(), drawn = 0, offered = 0, since = last, pause = 0;
    const tick = (now) => {
      this.request = requestAnimationFrame(tick);
      offered += 1;
      if (this.visible === false || document.hidden) { last = since = now; drawn = offered = 0; return; }
      if (now - last < pause) return;
      const seconds = Math.max(0, Math.min(0.2, (now - last) / 1000)); // a frame may be stamped before the click
      last = now;
      this.passed(seconds);
      this.at += (seconds * Number(this.speed.value) * (this.frames - 1)) / this.duration;
      if (this.at > this.frames - 1) this.at = 0;
      this.draw();
      drawn += 1;
      if (now - since < 1000) return;
      const rate = (count) => (1000 * count) / (now - since);
      this.root.dataset.fps = rate(drawn).toFixed(1);
      pause = rate(offered) < ENOUGH ? SPARING : 0;
      since = now;
      drawn = offered = 0;
    };
    this.request = requestAnimationFrame(tick);
  }

  end() {
    cancelAnimationFrame(this.request);
    this.watch?.disconnect();
    this.sight.disconnect();
  }
}
