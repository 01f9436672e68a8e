// Small multiples of a figure's runs over their epochs: a panel for each setting, a line for each run.

// Fill the details of a figure; the data say by which axes its panels and the colours of its lines differ.
function drawMultiples(details, data, figure) {
  const how = data.multiples[figure];
  const runs = data.sets[figure].map((place) => data.runs[place]).filter((run) => run.epochs?.loss);
  const names = Object.keys(MEASURES).filter((name) => runs.some((run) => isCurve(run.epochs[name])));
  const sizes = how.chosen ? new Set(runs.map((run) => run.row[how.chosen])) : [];
  const measure = choice("measure", names.map((name) => [name, labelOf(name)]));
  const size = choice(how.chosen, [...sizes].map((value) => [value, value]));
  const grid = make("div", { className: "panels" });

  const redraw = () => {
    const part = runs.filter((run) => !how.chosen || String(run.row[how.chosen]) === size.value);
    const common = {
      name: measure.value,
      last: Math.max(...part.map((run) => run.epochs.loss.length)) - 1,
      most: largest(part.flatMap((run) => seriesOf(run, measure.value))),
    };
    const shared = how.chosen ? [how.chosen] : [];
    const groups = grouped(part, (run) => wordsOf(run, [...shared, ...how.panels]));
    grid.classList.toggle("small", groups.size > 4);
    grid.replaceChildren(...[...groups].map(([words, group]) => multiple(words, group, common, how, figure)));
  };
  const controls = make("p", { className: "controls" }, measure.parentElement);
  if (how.chosen) controls.append(size.parentElement);
  controls.addEventListener("input", redraw);
  const hint = "A line is a run, and opens its curves; a panel's name lists its runs. A deviation is shown as a share of its radius.";
  details.append(controls, make("p", { className: "soft" }, hint), colorsOf(how, data.columns[how.line]), grid);
  redraw();
}

// The panel of the runs that share these words.
function multiple(words, group, { name, last, most }, how, figure) {
  const own = largest(group.flatMap((run) => seriesOf(run, name)));
  const tops = { loss: most, deviation: own > 1 / 3 ? 1.05 * Math.max(own, 1) : own };
  const lines = group.map((run) => ({
    values: seriesOf(run, name),
    color: how.colors[how.values.indexOf(run.row[how.line])],
    href: `#${idOf(run)}`,
    title: run.name,
  }));
  const level = name === "deviation" ? 1 : undefined;
  const drawn = panel({ lines, last, top: tops[name] ?? 1, level, label: `${labelOf(name)} over epochs, ${words}` });
  const title = wordsOf(group[0], how.panels).replaceAll(" ", ", ").replaceAll("=", " ");
  const head = make("a", { href: `#rows/${figure}/${words}` }, title || "all runs");
  return make("div", {}, make("p", {}, head), drawn);
}

// Which colour stands for which value of the lines' axis.
function colorsOf(how, label) {
  const legend = make("p", { className: "legend" }, `${label}: `);
  how.values.forEach((value, place) => legend.append(make("span", {}, swatch(how.colors[place]), plain(value))));
  return legend;
}

// A list to choose one of, with its label around it.
function choice(label, options) {
  const select = make("select", {}, ...options.map(([value, text]) => make("option", { value }, String(text))));
  make("label", {}, `${label} `, select);
  return select;
}

// A measure of a run at each epoch; none without a radius for the deviation to be a share of.
function seriesOf(run, name) {
  const values = run.epochs[name] ?? [];
  const { radius } = run.row;
  return name === "deviation" ? values.map((value) => (radius > 0 ? value / radius : null)) : values;
}

const labelOf = (name) => (name === "deviation" ? "deviation over radius" : MEASURES[name].label);

const isCurve = (values) => values?.filter((value) => value !== null).length > 1;

// The words of a run's name that stand for these axes.
const wordsOf = (run, axes) =>
  run.name.split(",").filter((word) => axes.includes(word.split("=")[0])).join(" ");

function grouped(runs, key) {
  const groups = new Map();
  for (const run of runs) groups.set(key(run), [...(groups.get(key(run)) ?? []), run]);
  return groups;
}
