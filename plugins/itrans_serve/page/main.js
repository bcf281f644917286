// The page: which checkpoint, what is drawn, what comes back.

import { Conditions } from "./conditions.js";
import { download, element, shape, thumb } from "./elements.js";
import { Inks } from "./inks.js";
import { Live, ask, post } from "./live.js";
import { follow } from "./pen.js";
import { Results } from "./results.js";
import { ColourSheet, History, LabelSheet } from "./sheets.js";
import { fitting, listen, scaled } from "./sources.js";

const canvas = element("drawing");
const state = { checkpoint: null, direction: null, sheet: null, history: null, tool: "pencil", ink: null, raw: null, isEmpty: true };

const where = () => ({ checkpoint: state.checkpoint.name, direction: state.direction.name });
const seed = () => Math.max(0, Math.floor(Number(element("seed").value) || 0));
const count = () => (state.direction.random ? Number(element("count").value) : 1);
const isLabels = () => state.direction.draw === "labels";
const eraser = () => (isLabels() ? state.direction.source.classes[0].value : state.checkpoint.background);

const results = new Results();
const inks = new Inks(element("inks"), (ink) => {
  state.ink = ink;
  if (state.tool === "eraser") choose("pencil");
});
const conditions = new Conditions(element("conditions"), () => repeat());
const live = new Live(translate, fail, (isBusy) => element("result").setAttribute("aria-busy", isBusy));

function fail(error) {
  element("problem").textContent = error instanceof TypeError ? "The server does not answer. Is it still running?" : error.message;
}

/* Translating */

/** Send the picture, with all that goes with it, to be translated. */
function send(query, body, signal) {
  if (conditions.missing) throw new Error(`Choose a picture for ${conditions.missing}: this checkpoint needs it.`);
  return post("/translate", { ...where(), ...conditions.query, ...query }, body, signal, conditions.files);
}

async function source() {
  if (state.raw) return state.raw;
  return { body: await state.sheet.png(), prepare: false };
}

async function translate(signal) {
  const began = performance.now();
  const { body, prepare } = await source();
  const seeds = Array.from({ length: count() }, (_, number) => seed() + number);
  const answers = await Promise.all(
    seeds.map((one) => send({ seed: one, view: "shown", prepare }, body, signal)),
  );
  const pictures = await Promise.all(answers.map((answer) => answer.blob()));
  if (signal.aborted) return;
  element("problem").textContent = "";
  element("note").textContent = state.raw && answers[0].headers.get("Itrans-Note") ? `${answers[0].headers.get("Itrans-Note")}.` : "";
  element("time").textContent = `${Math.round(performance.now() - began)} ms`;
  await results.put(pictures, seeds, state.direction.target.kind === "labels");
}

async function save() {
  if (element("save").disabled) return;
  const { body, prepare } = await source();
  const format = [1, 3, 4].includes(state.direction.target.channels) || state.direction.target.kind === "ab" ? "png" : "npy";
  try {
    const answer = await send({ seed: results.seed, format, prepare }, body);
    download(await answer.blob(), `${state.checkpoint.name}-${results.seed}.${format}`);
  } catch (error) {
    fail(error);
  }
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
  element("source").scrollIntoView({ block: "nearest" }); // on a phone, examples are far below
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
  Object.assign(state, { checkpoint, direction, raw: null, sheet: null, history: new History(), isEmpty: true });
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
  conditions.open(checkpoint);
  results.clear(checkpoint.width, checkpoint.height);
  pen.forget();

  if (draw) {
    const Sheet = draw === "labels" ? LabelSheet : ColourSheet;
    const options = { background: checkpoint.background, isGrey: draw === "grey", classes: direction.source.classes };
    state.sheet = new Sheet(canvas, checkpoint.width, checkpoint.height, options);
    inks.show(draw, direction.source.classes);
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
    if (/^[1-9]$/.test(key) && state.sheet) inks.choose(key - 1);
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
