// Elements, texts and numbers; and what the page remembers while it is open.

const SVG = "http://www.w3.org/2000/svg";

function make(namespace, name, attributes, children) {
  const element = namespace ? document.createElementNS(namespace, name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value === true) element.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(key, value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

// Texts become text nodes: nothing of a recipe, a key or a note is ever read as HTML.
const el = (name, attributes, ...children) => make(null, name, attributes, children);
const svg = (name, attributes, ...children) => make(SVG, name, attributes, children);

function numberText(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) return value.toExponential(2).replace("e+", "e");
  return size >= 1000 ? countText(Math.round(value)) : String(Number(value.toPrecision(4)));
}

const countText = (value) => (value === null || value === undefined ? "–" : value.toLocaleString("en"));

function durationText(seconds) {
  const whole = Math.round(seconds);
  const [minutes, rest] = [Math.floor(whole / 60), whole % 60];
  if (minutes >= 60) return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
  return minutes ? `${minutes} min ${String(rest).padStart(2, "0")} s` : `${rest} s`;
}

function timeText(text) {
  const time = new Date(text);
  return Number.isNaN(time.getTime()) ? String(text || "") : time.toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
}

const STATES = {
  running: "running", finished: "finished", early: "stopped early", interrupted: "interrupted", failed: "failed",
  stopped: "stopped without a word",
};
const stateChip = (state) => el("span", { class: `state ${state}` }, STATES[state] || state);

// What the reader has chosen, so that a page that loads itself again looks as it did.
const store = {
  key: "", values: {},
  open(key) {
    this.key = `itrans-report:${key}`;
    try { this.values = JSON.parse(sessionStorage.getItem(this.key)) || {}; } catch { this.values = {}; }
  },
  get(name, otherwise) { return name in this.values ? this.values[name] : otherwise; },
  set(name, value) {
    this.values[name] = value;
    try { sessionStorage.setItem(this.key, JSON.stringify(this.values)); } catch { /* it is forgotten, then */ }
  },
};

function choice(label, options, chosen, choose) {
  const buttons = options.map(([value, text]) => el("button", {
    type: "button", "aria-pressed": String(value === chosen),
    onclick() {
      for (const button of buttons) button.setAttribute("aria-pressed", String(button === this));
      choose(value);
    },
  }, text));
  return el("div", { class: "choice", role: "group", "aria-label": label }, buttons);
}

function table(headings, rows, isNumber) {
  const cell = (name, content, place) => {
    const { text = content, best = false } = content && content.text !== undefined ? content : {};
    const kind = [isNumber(place) ? "number" : "", best ? "best" : ""].join(" ").trim();
    return el(name, { class: kind || null }, text);
  };
  return el("div", { class: "scroll" }, el("table", { class: "plain" },
    el("thead", {}, el("tr", {}, headings.map((heading, place) => cell("th", heading, place)))),
    el("tbody", {}, rows.map((row) => el("tr", {}, row.map((content, place) => cell("td", content, place))))),
  ));
}

// Small pictures are shown in squares, not blurred.
function picture(source, alternative, attributes) {
  const image = el("img", { src: source, alt: alternative, draggable: "false", ...attributes });
  image.addEventListener("load", () => image.classList.toggle("pixels", image.naturalWidth <= 128));
  return image;
}
