// Grids with a slider, and pairs with a wipe.

let isPlaying = false;

function film(grids) {
  const end = grids.length - 1;
  const image = el("img", { class: "grid-picture", alt: "" });
  const label = el("b", { class: "number", "aria-live": "polite" });
  const slider = el("input", {
    type: "range", min: 0, max: end, step: 1, "aria-label": "Grid of samples", oninput: () => { stop(); show(Number(slider.value)); },
  });
  const button = el("button", { type: "button", onclick: () => (timer ? stop() : play()) }, "▶ Play");
  let timer = null;

  function show(place) {
    slider.value = place;
    slider.setAttribute("aria-valuetext", grids[place].label);
    image.src = grids[place].source;
    image.alt = `Held-out pairs, ${grids[place].label}: source, output and target`;
    label.textContent = grids[place].label;
    store.set("grid", place === end ? "last" : grids[place].step);
  }
  function stop() {
    clearInterval(timer);
    timer = null;
    isPlaying = false;
    button.textContent = "▶ Play";
  }
  function play() {
    if (Number(slider.value) === end) show(0);
    isPlaying = true;
    button.textContent = "❚❚ Pause";
    timer = setInterval(() => {
      if (Number(slider.value) < end) show(Number(slider.value) + 1);
      if (Number(slider.value) === end) stop();
    }, Math.max(120, Math.min(700, 12000 / grids.length)));
  }

  const kept = grids.findIndex((grid) => grid.step === store.get("grid", "last"));
  show(kept < 0 ? end : kept);
  return el("div", { class: "card film" },
    end ? el("div", { class: "bar" }, button, el("div", { class: "grow" }, slider), label) : el("p", {}, label),
    image,
  );
}

const SIDES = { source: "source", output: "output", target: "target" };

function wipe(pair, [left, right], metric) {
  const stage = el("div", { class: "stage" });
  const under = picture(pair[right], `${SIDES[right]} of ${pair.key}`);
  under.addEventListener("load", () => stage.style.setProperty("--ratio", `${under.naturalWidth} / ${under.naturalHeight}`));
  const slider = el("input", {
    type: "range", min: 0, max: 100, value: 50, step: 0.5,
    "aria-label": `${SIDES[left]} to the left, ${SIDES[right]} to the right, of ${pair.key}`,
    oninput: () => stage.style.setProperty("--cut", `${slider.value}%`),
  });
  // A range moves its thumb by steps from where it was pressed; here the edge goes where the pointer is.
  slider.addEventListener("pointerdown", follow);
  slider.addEventListener("pointermove", (event) => { if (event.buttons) follow(event); });
  function follow(event) {
    const box = stage.getBoundingClientRect();
    slider.value = Math.min(100, Math.max(0, (100 * (event.clientX - box.left)) / box.width));
    stage.style.setProperty("--cut", `${slider.value}%`);
  }
  stage.append(under, picture(pair[left], `${SIDES[left]} of ${pair.key}`, { class: "over" }), el("div", { class: "edge" }),
    el("span", { class: "tag left" }, SIDES[left]), el("span", { class: "tag right" }, SIDES[right]), slider);
  return el("figure", { class: "wipe" }, stage, el("figcaption", {},
    el("span", { class: "key-name" }, pair.key),
    el("span", { class: "number" }, pair.value === null ? "" : `${metric} ${numberText(pair.value)}`)));
}

function pairsSection(shown, labels) {
  const body = el("div", {});
  const state = { which: Math.min(store.get("which", 0), shown.length - 1), sides: store.get("sides", "output target") };
  function draw() {
    store.set("which", state.which);
    store.set("sides", state.sides);
    const entry = shown[state.which], sides = state.sides.split(" ");
    const group = (title, pairs) => (pairs.length
      ? [el("h3", { style: "margin:0 0 8px" }, title), el("div", { class: "wipes" }, pairs.map((pair) => wipe(pair, sides, entry.metric)))]
      : []);
    body.replaceChildren(...group("Worst", entry.worst), ...group("Best", entry.best));
  }
  draw();
  return [
    el("h2", {}, "Worst and best held-out pairs"),
    el("div", { class: "bar" },
      choice("What to compare", [["output target", "output | target"], ["source output", "source | output"]], state.sides,
        (sides) => { state.sides = sides; draw(); }),
      shown.length > 1
        ? choice("Which validation", shown.map((_, place) => [place, labels[place]]), state.which, (which) => { state.which = which; draw(); })
        : el("span", { class: "soft small" }, labels[0]),
    ),
    body,
  ];
}
