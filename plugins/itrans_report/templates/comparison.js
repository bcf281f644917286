// Several runs side by side; and the start of every page.

function runsTable(runs) {
  const names = [...new Set(runs.flatMap((run) => (run.best ? Object.keys(run.best.metrics) : [])))].filter((name) => name !== "source_l1");
  const bestOf = (name) => {
    const judged = runs.filter((run) => run.metric === name && run.lower !== null && run.best);
    const values = judged.map((run) => run.best.metrics[name]);
    return judged.length > 1 && new Set(judged.map((run) => run.lower)).size === 1 ? (judged[0].lower ? Math.min(...values) : Math.max(...values)) : null;
  };
  const best = Object.fromEntries(names.map((name) => [name, bestOf(name)]));
  const rows = runs.map((run, place) => [
    el("span", {}, el("span", { style: `color:${colour(place)}` }, "● "), run.label),
    STATES[run.state] || run.state,
    ...names.map((name) => {
      const value = run.best ? run.best.metrics[name] : undefined;
      return { text: value === undefined ? "–" : numberText(value), best: value !== undefined && value === best[name] };
    }),
    run.best && run.best.epoch ? String(run.best.epoch) : "–",
    countText(run.step),
    durationText(run.seconds),
  ]);
  return el("div", { class: "card" }, table(["run", "state", ...names, "best epoch", "steps", "time"], rows, (place) => place > 1));
}

function comparedCharts(runs, group, titled) {
  const names = [...new Set(runs.flatMap((run) => run.curves.filter((curve) => curve.group === group).map((curve) => curve.name)))];
  return names.filter((name) => name !== "source_l1").map((name) => new Chart(titled(name), runs.flatMap((run, place) => (
    run.curves.filter((curve) => curve.group === group && curve.name === name).map((curve) => ({ ...curve, name: run.label, place })))), { legend: true }));
}

function comparedPictures(data) {
  const withGrids = data.runs.filter((run) => run.grid);
  const names = (place) => data.rows.some((row) => row.outputs[place]);
  const places = data.runs.map((_, place) => place).filter(names);
  const found = [];
  if (data.rows.length) {
    found.push(el("div", { class: "card scroll" }, el("table", { class: "pictures small" },
      el("thead", {}, el("tr", {}, el("th", {}, "source"), el("th", {}, "target"),
        places.map((place) => el("th", {}, el("span", { style: `color:${colour(place)}` }, "● "), data.runs[place].label)))),
      el("tbody", {}, data.rows.map((row) => el("tr", {},
        el("td", {}, picture(row.source, `source of ${row.key}`), el("span", { class: "soft" }, row.key)),
        el("td", {}, picture(row.target, `target of ${row.key}`)),
        places.map((place) => el("td", {}, row.outputs[place] ? [
          picture(row.outputs[place].source, `output of ${data.runs[place].label} for ${row.key}`),
          row.outputs[place].value === null ? "" : `${data.runs[place].metric || ""} ${numberText(row.outputs[place].value)}`,
        ] : "–")))))),
    ));
  }
  if (withGrids.length) {
    found.push(el("div", { class: "card scroll", style: found.length ? "margin-top:14px" : null }, el("table", { class: "pictures small" },
      el("thead", {}, el("tr", {}, withGrids.map((run) => el("th", {}, el("span", { style: `color:${colour(data.runs.indexOf(run))}` }, "● "), run.label)))),
      el("tbody", {}, el("tr", {}, withGrids.map((run) => el("td", { class: "grid" }, picture(run.grid, `last grid of samples of ${run.label}`))))))));
  }
  return found.length ? [el("h2", {}, "The same held-out pictures"), ...found] : [];
}

function comparedRecipes(data) {
  if (!data.differences.length) return [el("h2", {}, "Recipes"), el("div", { class: "card" }, "The recipes are the same.")];
  const rows = data.differences.map(({ key, values }) => [el("code", {}, key), ...values.map((value) => (value === "" ? el("span", { class: "soft" }, "not set") : el("code", {}, value)))]);
  const headings = ["key", ...data.runs.map((run, place) => el("span", {}, el("span", { style: `color:${colour(place)}` }, "● "), run.label))];
  return [el("h2", {}, "How the recipes differ"), el("div", { class: "card" }, table(headings, rows, () => false))];
}

function comparisonPage(data) {
  const samples = [...new Set(data.runs.map((run) => run.sample).filter(Boolean))];
  const metricCurves = comparedCharts(data.runs, "metric", (name) => `${name}, held-out pairs`);
  const lossCurves = comparedCharts(data.runs, "loss", (name) => `Loss: ${name}`);
  return [
    el("div", { class: "head" }, el("h1", {}, `${data.runs.length} runs side by side`)),
    samples.map((sample) => el("div", { class: "notice" }, el("b", {}, "Sample data."), sample.replace(/^SAMPLE DATA: /, ""))),
    el("h2", {}, "Best validation of each"),
    runsTable(data.runs),
    metricCurves.length || lossCurves.length ? [el("h2", {}, "Curves"), charts(metricCurves, "narrow"), charts(lossCurves, "narrow")] : null,
    comparedPictures(data),
    comparedRecipes(data),
    el("h2", {}, "What next?"),
    data.runs.map((run) => el("details", { class: "card", style: "margin-bottom:10px" }, el("summary", {}, run.label), commands(run))),
  ];
}

// A page of a run that goes on loads itself again when nobody is busy with it; it looks then as it did.
function keepFresh() {
  let touched = 0;
  for (const name of ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"]) {
    addEventListener(name, () => { touched = Date.now(); }, { passive: true });
  }
  setInterval(() => {
    if (document.hidden || isPlaying || Date.now() - touched < 8000 || String(getSelection())) return;
    store.set("scroll", scrollY);
    location.reload();
  }, 20000);
}

(function start() {
  const data = JSON.parse(document.getElementById("data").textContent);
  store.open(data.run ? data.run.path : data.comparison.runs.map((run) => run.path).join("|"));
  const parts = data.run ? runPage(data.run) : comparisonPage(data.comparison);
  const footer = el("footer", {}, `Written by itrans ${data.version}. Everything is in this file: it can be sent and kept.`);
  document.getElementById("page").replaceChildren(...parts.flat(Infinity).filter(Boolean), footer);
  const scroll = store.get("scroll", 0);
  if (scroll) { scrollTo(0, scroll); store.set("scroll", 0); }
  if (data.run && data.run.state === "running") keepFresh();
})();
