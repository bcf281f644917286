// The page: which checkpoint, what is drawn, what comes back.

import { Live, ask, post } from "./live.js";
import { follow } from "./pen.js";
import { ColourSheet, History, LabelSheet } from "./sheets.js";
import { fitting, listen, scaled } from "./sources.js";

const COLOURS = ["#000000", "#ffffff", "#8a8a8a", "#7a4a21", "#e23b3b", "#f08a24", "#f5d33d", "#4ca64c", "#3f7fd6", "#8c5cc4"];
const GREYS = ["#000000", "#404040", "#808080", "#c0c0c0", "#ffffff"];

const element = (id) => document.getElementById(id);
const canvas = element("drawing");
const state = { checkpoint: null, direction: null, sheet: null, history: null, tool: "pencil", ink: null, raw: null, outputs: [], shown: 0, isEmpty: true };

const where = () => ({ checkpoint: state.checkpoint.name, direction: state.direction.name });
const seed = () => Math.max(0, Math.floor(Number(element("seed").value) || 0));
const count = () => (state.direction.random ? Number(element("count").value) : 1);
const isLabels = () => state.direction.draw === "labels";
const eraser = () => (isLabels() ? state.direction.source.classes[0].value : state.checkpoint.background);

const live = new Live(translate, fail, (isBusy) => element("result").setAttribute("aria-busy", isBusy));

function fail(error) {
  element("problem").textContent = error instanceof TypeError ? "The server does not answer. Is it still running?" : error.message;
}

/* Translating */

async function source() {
  if (state.raw) return state.raw;
  return { body: await state.sheet.png(), prepare: false };
}

async function translate(signal) {
  const began = performance.now();
  const { body, prepare } = await source();
  const seeds = Array.from({ length: count() }, (_, number) => seed() + number);
  const answers = await Promise.all(
    seeds.map((one) => post("/translate", { ...where(), seed: one, view: "shown", prepare }, body, signal)),
  );
  const pictures = await Promise.all(answers.map((answer) => answer.blob()));
  if (signal.aborted) return;
  for (const { address } of state.outputs) URL.revokeObjectURL(address);
  state.outputs = pictures.map((blob, number) => ({ address: URL.createObjectURL(blob), seed: seeds[number] }));
  element("problem").textContent = "";
  element("note").textContent = state.raw && answers[0].headers.get("Itrans-Note") ? `${answers[0].headers.get("Itrans-Note")}.` : "";
  element("time").textContent = `${Math.round(performance.now() - began)} ms`;
  await show(Math.min(state.shown, state.outputs.length - 1));
  showSamples();
}

async function show(number) {
  state.shown = number;
  const output = element("output");
  output.src = state.outputs[number].address;
  await output.decode().catch(() => {});
  output.hidden = false;
  output.classList.toggle("exact", state.direction.target.kind === "labels");
  shape("result", output.naturalWidth, output.naturalHeight);
  element("waiting").hidden = true;
  element("save").disabled = false;
  output.dataset.version = Number(output.dataset.version ?? 0) + 1;
}

function showSamples() {
  const strip = element("samples");
  strip.hidden = state.outputs.length < 2;
  strip.replaceChildren(
    ...state.outputs.map(({ address, seed: one }, number) => {
      const button = thumb(address, `Sample of seed ${one}`, `seed ${one}`, () => {
        for (const other of strip.children) other.setAttribute("aria-pressed", other === button);
        show(number);
      });
      button.setAttribute("aria-pressed", number === state.shown);
      return button;
    }),
  );
}

function thumb(address, name, text, press) {
  const button = Object.assign(document.createElement("button"), { type: "button", className: "thumb", onclick: press });
  button.append(Object.assign(document.createElement("img"), { src: address, alt: name, loading: "lazy" }), text);
  return button;
}

async function save() {
  if (element("save").disabled) return;
  const { body, prepare } = await source();
  const format = [1, 3, 4].includes(state.direction.target.channels) || state.direction.target.kind === "ab" ? "png" : "npy";
  try {
    const answer = await post("/translate", { ...where(), seed: state.outputs[state.shown].seed, format, prepare }, body);
    download(await answer.blob(), `${state.checkpoint.name}-${state.outputs[state.shown].seed}.${format}`);
  } catch (error) {
    fail(error);
  }
}

function download(blob, name) {
  const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/* Drawing */

const pen = follow(canvas, element("cursor"), {
  start(at) {
    state.history.keep(state.sheet);
    if (state.tool !== "fill") return true;
    state.sheet.fill(at, state.ink);
    changed();
    return false;
  },
  move(from, to, pressure) {
    const width = Number(element("width").value) * (element("pressure").checked ? pressure : 1);
    state.sheet.line(from, to, width, state.tool === "eraser" ? eraser() : state.ink);
    changed();
  },
  end: () => changed(),
});

function changed() {
  state.isEmpty = false;
  element("placeholder").hidden = true;
  element("undo").disabled = !state.history.before.length;
  element("redo").disabled = !state.history.after.length;
  fitStage();
  live.change();
}

function shape(section, width, height) {
  element(section).style.setProperty("--ratio", width / height);
}

function fitStage() {
  shape("source", canvas.width, canvas.height);
  element("size").textContent = `${canvas.width} × ${canvas.height}`;
}

function step(isBack) {
  if (state.sheet && state.history.step(state.sheet, isBack)) changed();
}

function clear() {
  if (!state.sheet) return;
  state.history.keep(state.sheet);
  state.sheet.resize(state.checkpoint.width, state.checkpoint.height);
  changed();
}

function choose(tool) {
  state.tool = tool;
  for (const button of document.querySelectorAll("[data-tool]")) button.setAttribute("aria-pressed", button.dataset.tool === tool);
}

/* Colours, or classes */

function showInks() {
  const kind = state.direction.draw;
  const entries = isLabels()
    ? state.direction.source.classes.map(({ value, name, colour }) => ({ ink: value, name, colour }))
    : (kind === "grey" ? GREYS : COLOURS).map((colour) => ({ ink: colour, name: colour, colour, isBare: true }));
  const buttons = entries.map(({ ink, name, colour, isBare }, number) => {
    const button = Object.assign(document.createElement("button"), { type: "button", className: isBare ? "ink bare" : "ink" });
    button.setAttribute("role", "radio");
    button.title = number < 9 ? `${name} (${number + 1})` : name;
    const swatch = Object.assign(document.createElement("span"), { className: "swatch" });
    swatch.style.background = colour;
    button.append(swatch, isBare ? "" : name);
    if (isBare) button.setAttribute("aria-label", name);
    button.addEventListener("click", () => dip(ink, button));
    return button;
  });
  if (kind === "colour") buttons.push(anyColour());
  element("inks").replaceChildren(...buttons);
  element("inks").setAttribute("aria-label", isLabels() ? "Classes" : "Colours");
  const first = isLabels() && buttons.length > 1 ? 1 : 0; // the sheet is full of the first class already
  if (kind) dip(entries[first].ink, buttons[first]);
}

function anyColour() {
  const input = Object.assign(document.createElement("input"), { type: "color", value: "#20a060", title: "Any colour" });
  input.setAttribute("aria-label", "Any colour");
  const label = Object.assign(document.createElement("label"), { className: "ink bare" });
  label.append(input);
  for (const name of ["input", "click"]) input.addEventListener(name, () => dip(input.value, label));
  return label;
}

function dip(ink, button) {
  state.ink = ink;
  for (const other of element("inks").children) {
    const isChosen = other === button;
    if (other.tagName === "BUTTON") Object.assign(other, { tabIndex: isChosen ? 0 : -1 });
    other.setAttribute(other.tagName === "BUTTON" ? "aria-checked" : "data-checked", isChosen);
  }
  if (state.tool === "eraser") choose("pencil");
}

element("inks").addEventListener("keydown", (event) => {
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  const buttons = [...element("inks").querySelectorAll("button")];
  const place = buttons.indexOf(document.activeElement);
  if (!step || place < 0) return;
  event.preventDefault();
  const next = buttons[(place + step + buttons.length) % buttons.length];
  next.click();
  next.focus();
});

/* Pictures from elsewhere */

async function take(blob) {
  live.drop();
  element("problem").textContent = "";
  try {
    const prepare = Boolean(state.direction.prepare) && element("prepare").checked;
    await (state.sheet ? takeToDraw(blob, prepare) : takeAsItIs(blob, prepare));
  } catch (error) {
    fail(error);
  }
}

/** Put a picture on the canvas, about as large as those that the checkpoint has seen. */
async function takeToDraw(blob, prepare) {
  let bitmap = await createImageBitmap(blob).catch(() => null); // null: the server may read it all the same
  if (bitmap && prepare && !isLabels()) {
    blob = await scaled(bitmap, fitting(bitmap, state.checkpoint));
    bitmap = null;
  }
  if (!bitmap || isLabels()) {
    const answer = await post("/preview", { ...where(), prepare }, blob);
    bitmap = await createImageBitmap(await answer.blob());
  }
  const isExact = isLabels() && Math.max(bitmap.width, bitmap.height) <= 1024;
  put(bitmap, isExact ? bitmap : fitting(bitmap, state.checkpoint));
}

function put(bitmap, { width, height }) {
  state.history.keep(state.sheet);
  pen.forget();
  state.sheet.show(bitmap, width, height);
  changed();
}

/** Keep a picture that cannot be drawn on, and show it. */
async function takeAsItIs(blob, prepare) {
  const answer = await post("/preview", { ...where(), prepare }, blob);
  const preview = element("preview");
  URL.revokeObjectURL(preview.src);
  preview.src = URL.createObjectURL(await answer.blob());
  await preview.decode();
  preview.hidden = false;
  state.raw = { body: blob, prepare };
  element("placeholder").hidden = true;
  shape("source", preview.naturalWidth, preview.naturalHeight);
  element("size").textContent = `${preview.naturalWidth} × ${preview.naturalHeight}`;
  live.change();
}

async function showExamples() {
  const here = where();
  element("examples").hidden = true;
  const { count: found } = await ask("/examples", here).then((answer) => answer.json());
  if (!found || here.checkpoint !== state.checkpoint.name || here.direction !== state.direction.name) return;
  const address = (number, query) => `/example?${new URLSearchParams({ ...here, number, ...query })}`;
  element("example-strip").replaceChildren(
    ...Array.from({ length: found }, (_, number) =>
      thumb(address(number, { view: "shown" }), `Example ${number + 1}`, "", () => takeExample(address, number)),
    ),
  );
  element("examples").hidden = false;
}

async function takeExample(address, number) {
  live.drop();
  try {
    if (!state.sheet) return await takeAsItIs(await (await fetch(address(number, { format: "npy" }))).blob(), false);
    const bitmap = await createImageBitmap(await (await fetch(address(number, { view: "shown" }))).blob());
    return put(bitmap, bitmap);
  } catch (error) {
    return fail(error);
  }
}

/* Checkpoints and directions */

function open(checkpoint, direction) {
  live.drop();
  Object.assign(state, { checkpoint, direction, raw: null, sheet: null, history: new History(), outputs: [], shown: 0, isEmpty: true });
  element("sample").hidden = checkpoint.sample === null;
  element("sample-text").textContent = checkpoint.sample ?? "";
  document.title = `${checkpoint.title} · itrans`;
  element("direction").replaceChildren(...checkpoint.directions.map(({ name }) => new Option(name, name)));
  element("direction").value = direction.name;
  element("direction-choice").hidden = checkpoint.directions.length < 2;

  const { draw } = direction;
  for (const id of ["rail", "pen", "inks", "save-source"]) element(id).hidden = !draw;
  canvas.hidden = !draw;
  canvas.setAttribute("aria-label", draw === "labels" ? "Label map to draw" : "Source to draw");
  canvas.classList.toggle("exact", draw === "labels");
  element("preview").hidden = true;
  element("why-not").hidden = Boolean(draw);
  element("why-not").textContent = `${direction.why_not ?? ""} Upload a picture instead.`;
  element("placeholder").hidden = false;
  element("placeholder").textContent = draw ? "Draw here, or drop a picture" : "Drop a picture here";
  element("prepare-choice").hidden = !direction.prepare;
  element("prepare-text").textContent = `In uploads, ${direction.prepare}`;
  for (const id of ["count-choice", "seed-choice", "dice"]) element(id).hidden = !direction.random;
  for (const id of ["time", "note", "problem"]) element(id).textContent = "";
  Object.assign(element("output"), { hidden: true });
  element("samples").hidden = true;
  element("waiting").hidden = false;
  element("save").disabled = true;
  shape("result", checkpoint.width, checkpoint.height);
  pen.forget();

  if (draw) {
    const Sheet = draw === "labels" ? LabelSheet : ColourSheet;
    const options = { background: checkpoint.background, isGrey: draw === "grey", classes: direction.source.classes };
    state.sheet = new Sheet(canvas, checkpoint.width, checkpoint.height, options);
    showInks();
    const longer = Math.max(checkpoint.width, checkpoint.height);
    element("width").max = Math.max(20, Math.round(longer / 5));
    element("width").value = draw === "labels" ? Math.round(longer / 12) : Math.max(2, Math.round(longer / 90));
    showWidth();
    fitStage();
  } else {
    shape("source", checkpoint.width, checkpoint.height);
    element("size").textContent = "";
  }
  element("undo").disabled = element("redo").disabled = true;
  showExamples().catch(() => {});
}

function showWidth() {
  element("width-value").textContent = element("width").value;
}

function repeat() {
  if (state.raw || !state.isEmpty) live.change();
}

function widen(by) {
  element("width").value = Number(element("width").value) + by;
  showWidth();
}

function rollDice() {
  element("seed").value = Math.floor(Math.random() * 1_000_000);
  repeat();
}

const SHORTCUTS = {
  p: () => choose("pencil"),
  e: () => choose("eraser"),
  f: () => choose("fill"),
  c: clear,
  u: () => element("file").click(),
  s: save,
  r: () => state.direction.random && rollDice(),
  "[": () => widen(-1),
  "]": () => widen(1),
};

document.addEventListener("keydown", (event) => {
  if (event.target.matches("select, input:not([type=range], [type=checkbox])") || element("camera-dialog").open) return;
  const key = event.key.toLowerCase();
  if (event.ctrlKey || event.metaKey) {
    if (key !== "z" && key !== "y") return;
    event.preventDefault();
    step(key === "z" && !event.shiftKey);
  } else if (!event.altKey) {
    const ink = /^[1-9]$/.test(key) ? element("inks").querySelectorAll("button")[key - 1] : null;
    if (ink && state.sheet) ink.click();
    else SHORTCUTS[key]?.();
  }
});

for (const button of document.querySelectorAll("[data-tool]")) button.addEventListener("click", () => choose(button.dataset.tool));
element("undo").addEventListener("click", () => step(true));
element("redo").addEventListener("click", () => step(false));
element("clear").addEventListener("click", clear);
element("save").addEventListener("click", save);
element("save-source").addEventListener("click", async () => download(await state.sheet.png(), `${state.checkpoint.name}-source.png`));
element("dice").addEventListener("click", rollDice);
element("width").addEventListener("input", showWidth);
for (const id of ["count", "seed"]) element(id).addEventListener("change", repeat);
listen(take, fail);

const checkpoints = await ask("/checkpoints", {}).then((answer) => answer.json());
element("checkpoint").replaceChildren(...checkpoints.map(({ name, title }) => new Option(title === name ? name : `${title} (${name})`, name)));
element("checkpoint").addEventListener("change", () => {
  const found = checkpoints.find(({ name }) => name === element("checkpoint").value);
  open(found, found.directions[0]);
});
element("direction").addEventListener("change", () => {
  open(state.checkpoint, state.checkpoint.directions.find(({ name }) => name === element("direction").value));
});
open(checkpoints[0], checkpoints[0].directions[0]);
