// The page of one run.

function tile(label, value, more, kind) {
  return el("div", { class: "card tile" }, el("div", { class: "label" }, label), el("div", { class: "value" }, value),
    more ? el("div", { class: `more ${kind || ""}` }, more) : null);
}

function tiles(run) {
  const found = [];
  if (run.best) {
    const { comparison, epoch, step, value } = run.best;
    const isBetter = comparison.includes("better");
    found.push(el("div", { class: comparison ? "card tile wide" : "card tile" }, el("div", { class: "label" }, `best ${run.metric}`),
      el("div", { class: "value" }, numberText(value)),
      comparison ? el("div", { class: `more ${isBetter ? "good" : "bad"}` }, comparison) : null,
      el("div", { class: "more" }, `${epoch ? `epoch ${epoch}, ` : ""}step ${countText(step)}`)));
  }
  found.push(tile("time", durationText(run.seconds), run.began ? `since ${timeText(run.began)}` : ""));
  const epochs = run.per_epoch ? run.step / run.per_epoch : null;
  found.push(tile("steps", countText(run.step), [run.steps ? `of ${countText(run.steps)}` : "",
    epochs ? `${numberText(Math.round(epochs * 10) / 10)} epochs` : ""].filter(Boolean).join(", ")));
  if (run.rate) found.push(tile("speed", numberText(run.rate), "pairs a second"));
  const place = [run.precision, run.processes > 1 ? `${run.processes} processes` : ""].filter(Boolean).join(", ");
  if (run.device) found.push(tile("device", run.device, place));
  if (run.pairs) found.push(tile("data", countText(run.pairs), `training pairs${run.skipped ? `, ${run.skipped} left out` : ""}`));
  return el("div", { class: "tiles" }, found);
}

function progress(run) {
  if (run.state !== "running" || !run.steps) return null;
  const part = Math.min(1, run.step / run.steps);
  const age = (Date.now() - new Date(run.written).getTime()) / 1000;
  const left = run.left === null ? "" : `${durationText(run.left)} left`;
  return el("div", { class: "progress" },
    el("div", { class: "track", role: "progressbar", "aria-label": "Training", "aria-valuenow": Math.round(100 * part) },
      el("div", { style: `width:${100 * part}%` })),
    el("p", {}, el("span", {}, `${(100 * part).toFixed(0)} %, ${left}`),
      el("span", {}, age > 900 ? `No news since ${timeText(run.written)}: it may have been stopped.` : `as of ${timeText(run.written)}`)),
  );
}

function metricCharts(run) {
  const metrics = run.curves.filter((curve) => curve.group === "metric");
  const source = metrics.find((curve) => curve.name === "source_l1");
  return metrics.filter((curve) => curve !== source).map((curve) => {
    const lines = [{ ...curve, place: 0 }];
    if (source && curve.name === "l1") lines.push({ ...source, name: "l1 of the source itself", smooth: null, place: 7, dashed: true });
    return new Chart(`${curve.name}, held-out pairs`, lines, { epochs: run.per_epoch, legend: lines.length > 1 });
  });
}

function lossCharts(run) {
  const losses = run.curves.filter((curve) => curve.group === "loss");
  if (!losses.length) return [];
  return [new Chart("Losses, unweighted", losses.map((curve, place) => ({ ...curve, place })), { wide: true, epochs: run.per_epoch })];
}

const PACE = { lr: "Learning rate", images_per_second: "Pairs a second" };

function paceCharts(run) {
  return run.curves.filter((curve) => curve.group === "pace").map((curve) => (
    new Chart(PACE[curve.name] || curve.name, [{ ...curve, place: 0 }], { epochs: run.per_epoch, legend: false })));
}

const charts = (found, kind = "") => el("div", { class: `charts ${kind}` }, found.map((chart) => chart.element));

function recipeText(text) {
  return el("pre", { tabindex: "0", class: "recipe" }, text.split("\n").flatMap((line) => {
    const [, name, rest] = /^([\w.-]+)( = .*)$/.exec(line) || [];
    const shown = line.startsWith("#") ? el("span", { class: "comment" }, line)
      : line.startsWith("[") ? el("span", { class: "section" }, line)
        : name ? [el("span", { class: "name" }, name), rest] : line;
    return [shown, "\n"].flat();
  }));
}

function environment(run) {
  const rows = Object.entries(run.versions).map(([name, version]) => [name, version]);
  if (run.device) rows.push(["device", `${run.device}, ${run.precision || ""}`]);
  if (run.command) rows.push(["command", el("code", {}, run.command)]);
  rows.push(["folder", run.path], ["page written", timeText(run.written)]);
  return el("dl", {}, rows.map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
}

const commands = (run) => el("div", { class: "card commands" }, run.commands.map(([what, command]) => (
  el("div", {}, el("div", { class: "small soft" }, what), el("pre", { class: "command", tabindex: "0" }, command)))));

function validationLabels(run) {
  const epochOf = (step) => (run.per_epoch ? `epoch ${numberText(Math.round((step / run.per_epoch) * 10) / 10)}` : `step ${countText(step)}`);
  return run.pairs_shown.map(({ step }) => (run.best && step === run.best.step ? `best checkpoint, ${epochOf(step)}` : `last validation, ${epochOf(step)}`));
}

function runPage(run) {
  const pace = paceCharts(run);
  const hasPairs = run.pairs_shown.some((entry) => entry.best.length);
  return [
    el("div", { class: "head" }, el("h1", {}, run.title || run.name), stateChip(run.state)),
    el("p", { class: "where" }, run.path),
    run.sample ? el("div", { class: "notice" }, el("b", {}, "Sample data."), run.sample.replace(/^SAMPLE DATA: /, "")) : null,
    progress(run),
    tiles(run),
    run.curves.length ? [el("h2", {}, "Curves"), charts(lossCharts(run)), charts(metricCharts(run), "narrow")] : el("p", { class: "section-top" }, "Nothing has been logged yet."),
    run.grids.length ? [el("h2", {}, "Held-out pairs as the run went on"), film(run.grids)] : null,
    hasPairs ? pairsSection(run.pairs_shown, validationLabels(run)) : null,
    el("div", { class: "columns section-top" },
      el("div", {}, el("h2", {}, "What next?"), commands(run)),
      el("div", {}, el("h2", {}, "Environment"), el("div", { class: "card" }, environment(run)))),
    pace.length ? [el("h2", {}, "Pace"), charts(pace)] : null,
    el("h2", {}, "Recipe"),
    el("div", { class: "card" }, recipeText(run.recipe)),
  ];
}
