// Curves: sharp at every size, with values under the pointer and by the arrow keys.

const COLOURS = 8;
const DASHES = ["", "6 4", "2 3"];
const colour = (place) => `var(--c${place % COLOURS})`;
const dash = (place) => DASHES[Math.floor(place / COLOURS) % DASHES.length];

function linearTicks(low, high, count) {
  const rough = (high - low) / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((size) => size >= rough * 0.999);
  const ticks = [];
  for (let place = Math.ceil(low / step - 1e-9); place * step <= high + step * 1e-9; place++) ticks.push(place * step);
  return ticks;
}

function logTicks(low, high, count) {
  const ticks = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
    for (const factor of [1, 2, 5]) {
      const tick = factor * 10 ** power;
      if (tick >= low * 0.999 && tick <= high * 1.001) ticks.push(tick);
    }
  }
  const powers = ticks.filter((tick) => Math.abs(Math.log10(tick) - Math.round(Math.log10(tick))) < 1e-9);
  return ticks.length <= count + 2 || powers.length < 2 ? ticks : powers;
}

function tickText(value, ticks) {
  if (value === 0) return "0";
  const size = Math.max(...ticks.map(Math.abs));
  if (size >= 1e6 || size < 1e-3) return value.toExponential(1).replace(".0", "").replace("e+", "e");
  if (size >= 1e4) return `${Number((value / 1000).toPrecision(4))}k`;
  return String(Number(value.toPrecision(4)));
}

function nearest(values, wanted) {
  let [low, high] = [0, values.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (values[middle] <= wanted) low = middle; else high = middle;
  }
  return wanted - values[low] <= values[high] - wanted ? low : high;
}

// `series`: objects with name, place (of the colour), x, y and perhaps smooth, and dashed for a line to compare with.
class Chart {
  constructor(title, series, { wide = false, epochs = null, legend = true, note = "" } = {}) {
    this.title = title;
    this.series = series;
    this.epochs = epochs;
    this.hidden = new Set(store.get(`hidden:${title}`, []));
    this.isLog = store.get(`log:${title}`, this.spansDecades());
    this.cursor = null;
    this.drawing = svg("svg", {
      tabindex: "0", role: "group", "aria-label": `${title}: curves. Arrow keys read the values.`,
      onpointermove: (event) => this.point(event), onpointerdown: (event) => this.point(event),
      onpointerleave: () => this.leave(), onkeydown: (event) => this.press(event), onblur: () => this.leave(),
    });
    this.tip = el("div", { class: "tip", hidden: true });
    this.spoken = el("span", { class: "visually-hidden", "aria-live": "polite" });
    const scale = choice(`Scale of ${title}`, [[false, "linear"], [true, "log"]], this.isLog, (isLog) => {
      this.isLog = isLog;
      store.set(`log:${title}`, isLog);
      this.draw();
    });
    this.keys = series.map((line) => this.key(line));
    this.element = el("section", { class: wide ? "card wide" : "card" },
      el("div", { class: "chart-head" }, el("h3", {}, title), scale),
      el("div", { class: "chart-body" }, this.drawing, this.tip, this.spoken),
      legend ? el("div", { class: "legend" }, this.keys) : null,
      note ? el("p", { class: "soft small" }, note) : null,
    );
    new ResizeObserver(() => this.draw()).observe(this.drawing);
  }

  spansDecades() {
    const values = this.series.flatMap((line) => line.y);
    return values.length > 0 && Math.min(...values) > 0 && Math.max(...values) / Math.min(...values) > 300;
  }

  key(line) {
    const sample = svg("svg", { width: 18, height: 8, "aria-hidden": "true" }, svg("line", {
      x1: 0, x2: 18, y1: 4, y2: 4, "stroke-width": 2.5, "stroke-dasharray": this.dashOf(line),
      style: `stroke:${colour(line.place)}`,
    }));
    return el("button", {
      type: "button", class: "key", "aria-pressed": String(!this.hidden.has(line.name)),
      onclick: () => this.toggle(line.name),
    }, sample, line.name);
  }

  dashOf(line) { return line.dashed ? "5 4" : dash(line.place); }

  toggle(name) {
    if (!this.hidden.delete(name)) this.hidden.add(name);
    store.set(`hidden:${this.title}`, [...this.hidden]);
    this.keys.forEach((key, place) => key.setAttribute("aria-pressed", String(!this.hidden.has(this.series[place].name))));
    this.draw();
  }

  shown() { return this.series.filter((line) => !this.hidden.has(line.name) && line.x.length); }

  draw() {
    const width = this.drawing.clientWidth, height = this.drawing.clientHeight;
    if (!width || !height) return;
    const lines = this.shown();
    const steps = lines.flatMap((line) => line.x);
    const values = lines.flatMap((line) => line.y).filter((value) => !this.isLog || value > 0);
    this.drawing.setAttribute("viewBox", `0 0 ${width} ${height}`);
    if (!values.length) {
      this.frame = null;
      this.drawing.replaceChildren(svg("g", { class: "axis" }, svg("text", { x: 12, y: 24 }, "nothing to draw")));
      return;
    }
    let [low, high] = [Math.min(...values), Math.max(...values)];
    if (this.isLog) {
      [low, high] = low === high ? [low / 2, high * 2] : [low / 1.1, high * 1.1];
    } else {
      const room = (high - low || Math.abs(high) || 1) * 0.06;
      [low, high] = [low >= 0 && low < room ? 0 : low - room, high + room];
    }
    const yTicks = this.isLog ? logTicks(low, high, 5) : linearTicks(low, high, 5);
    const yTexts = yTicks.map((tick) => tickText(tick, yTicks));
    const left = Math.max(30, 12 + 7 * Math.max(0, ...yTexts.map((text) => text.length)));
    const [right, top, bottom] = [width - 12, 10, height - 24];
    let [first, last] = [Math.min(...steps), Math.max(...steps)];
    if (first === last) [first, last] = [first - 1, last + 1];
    const scaled = (value) => (this.isLog ? Math.log(value) : value);
    const x = (step) => left + ((step - first) / (last - first)) * (right - left);
    const y = (value) => bottom - ((scaled(value) - scaled(low)) / (scaled(high) - scaled(low))) * (bottom - top);
    this.frame = { x, y, left, right, top, bottom, first, last };
    const xTicks = linearTicks(first, last, Math.max(2, Math.floor(width / 85))).filter(Number.isInteger);
    const axes = svg("g", { class: "axis" },
      yTicks.map((tick, place) => [
        svg("line", { x1: left, x2: right, y1: Math.round(y(tick)) + 0.5, y2: Math.round(y(tick)) + 0.5 }),
        svg("text", { x: left - 7, y: y(tick) + 4, "text-anchor": "end" }, yTexts[place]),
      ]),
      svg("line", { class: "base", x1: left, x2: right, y1: bottom + 0.5, y2: bottom + 0.5 }),
      svg("text", { x: left, y: height - 6 }, "step"),
      xTicks.filter((tick) => x(tick) > left + 44).map((tick, place, shown) => svg("text", {
        x: x(tick), y: height - 6, "text-anchor": place === shown.length - 1 && x(tick) > right - 24 ? "end" : "middle",
      }, tickText(tick, xTicks))),
    );
    this.mark = svg("g", {});
    this.drawing.replaceChildren(axes, svg("g", {}, lines.map((line) => this.curve(line))), this.mark);
    if (this.cursor !== null) this.read(this.cursor);
  }

  curve(line) {
    const { x, y } = this.frame;
    const path = (values) => {
      let text = "", isDrawing = false;
      values.forEach((value, place) => {
        if (this.isLog && value <= 0) { isDrawing = false; return; }
        text += `${isDrawing ? "L" : "M"}${x(line.x[place]).toFixed(1)} ${y(value).toFixed(1)}`;
        isDrawing = true;
      });
      return text;
    };
    const stroke = { fill: "none", style: `stroke:${colour(line.place)}`, "stroke-linejoin": "round" };
    const parts = line.smooth
      ? [svg("path", { ...stroke, d: path(line.y), "stroke-width": 1, opacity: 0.3 }),
        svg("path", { ...stroke, d: path(line.smooth), "stroke-width": 2, "stroke-dasharray": this.dashOf(line) })]
      : [svg("path", { ...stroke, d: path(line.y), "stroke-width": 2, "stroke-dasharray": this.dashOf(line) })];
    if (line.x.length <= 40 && !line.dashed) {
      parts.push(...line.x.filter((_, place) => !this.isLog || line.y[place] > 0).length ? line.x.map((step, place) => (
        this.isLog && line.y[place] <= 0 ? null
          : svg("circle", { cx: x(step), cy: y(line.y[place]), r: 2.5, style: `fill:${colour(line.place)}` }))) : []);
    }
    return svg("g", {}, parts);
  }

  point(event) {
    if (!this.frame) return;
    const { left, right, first, last } = this.frame;
    const place = (event.clientX - this.drawing.getBoundingClientRect().left - left) / (right - left);
    this.read(first + Math.min(1, Math.max(0, place)) * (last - first));
  }

  // Show the values at the step nearest to one.
  read(wanted) {
    const lines = this.shown();
    if (!this.frame || !lines.length) { this.leave(); return; }
    const distance = (line) => Math.abs(line.x[nearest(line.x, wanted)] - wanted);
    const closest = lines.reduce((best, line) => (distance(line) < distance(best) ? line : best));
    const step = closest.x[nearest(closest.x, wanted)];
    this.cursor = step;
    const { x, y, top, bottom, left, right } = this.frame;
    const there = lines.filter((line) => line.x[0] <= step && step <= line.x[line.x.length - 1]);  // not beyond its end
    const found = there.map((line) => ({ line, place: nearest(line.x, step) }));
    this.mark.replaceChildren(
      svg("line", { x1: x(step), x2: x(step), y1: top, y2: bottom, style: "stroke:var(--soft)", "stroke-dasharray": "3 3" }),
      ...found.filter(({ line, place }) => !this.isLog || line.y[place] > 0).map(({ line, place }) => svg("circle", {
        cx: x(line.x[place]), cy: y(line.y[place]), r: 4, "stroke-width": 1.5,
        style: `fill:${colour(line.place)};stroke:var(--card)`,
      })),
    );
    const when = `step ${countText(step)}${this.epochs ? ` · epoch ${numberText(Math.round((step / this.epochs) * 100) / 100)}` : ""}`;
    this.tip.replaceChildren(el("div", { class: "when" }, when), el("table", {}, el("tbody", {}, found.map(({ line, place }) => el("tr", {},
      el("td", {}, el("span", { style: `color:${colour(line.place)}` }, "● "), line.name),
      el("td", {}, numberText(line.y[place])),
      line.smooth ? el("td", { class: "soft" }, `~ ${numberText(line.smooth[place])}`) : null,
    )))));
    this.tip.hidden = false;
    const isRight = x(step) > (left + right) / 2, width = this.tip.offsetWidth;
    const beside = isRight ? x(step) - 12 - width : x(step) + 12;
    this.tip.style.left = `${Math.max(0, Math.min(beside, this.drawing.clientWidth - width))}px`;
    return `${when}: ${found.map(({ line, place }) => `${line.name} ${numberText(line.y[place])}`).join(", ")}`;
  }

  leave() {
    this.cursor = null;
    this.tip.hidden = true;
    if (this.mark) this.mark.replaceChildren();
  }

  press(event) {
    const steps = [...new Set(this.shown().flatMap((line) => line.x))].sort((a, b) => a - b);
    if (event.key === "Escape") { this.leave(); return; }
    if (!["ArrowLeft", "ArrowRight", "Home", "End"].includes(event.key) || !steps.length) return;
    event.preventDefault();
    const here = this.cursor === null ? null : nearest(steps, this.cursor);
    const moved = { ArrowLeft: (here ?? steps.length) - 1, ArrowRight: (here ?? -1) + 1, Home: 0, End: steps.length - 1 };
    this.spoken.textContent = this.read(steps[Math.min(steps.length - 1, Math.max(0, moved[event.key]))]);
  }
}
