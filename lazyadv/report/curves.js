// Curves over epochs, and the dialog that shows those of one run.

const MEASURES = {
  robust_train_accuracy: { label: "robust train accuracy", color: "#EE6677", panel: "accuracy" },
  robust_test_accuracy: { label: "robust test accuracy", color: "#AA3377", panel: "accuracy" },
  clean_test_accuracy: { label: "clean test accuracy", color: "#4477AA", panel: "accuracy" },
  loss: { label: "loss", color: "#228833", panel: "loss" },
  deviation: { label: "deviation", color: "#8A6100", panel: "deviation" },
};
const BOX = { width: 260, height: 150, left: 40, right: 8, top: 10, bottom: 20 };

const digits = (value) => plain(Number(value.toPrecision(3)));

// An element of SVG with these attributes and children.
function draw(tag, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

// Where an epoch of 0 to `last` lies, from the left.
const across = (epoch, last) => BOX.left + ((BOX.width - BOX.left - BOX.right) * epoch) / Math.max(last, 1);

// A panel of lines over epochs 0 to `last`, from 0 to `top`: each with values, a color, and perhaps where it leads
// (href) and what that is (title). `level` is a dashed line, where it is in reach.
function panel({ lines, last, top, level, label }) {
  const x = (epoch) => across(epoch, last);
  const y = (value) => BOX.height - BOX.bottom - ((BOX.height - BOX.top - BOX.bottom) * value) / (top || 1);
  const made = draw("svg", { viewBox: `0 0 ${BOX.width} ${BOX.height}`, role: "img", "aria-label": label });
  for (const tick of [0, top / 2, top]) {
    made.append(
      draw("line", { x1: BOX.left, x2: BOX.width - BOX.right, y1: y(tick), y2: y(tick), class: "grid" }),
      draw("text", { x: BOX.left - 4, y: y(tick) + 3, "text-anchor": "end" }, digits(tick)),
    );
  }
  for (const epoch of new Set([0, last])) {
    made.append(draw("text", { x: x(epoch), y: BOX.height - 6, "text-anchor": epoch ? "end" : "start" }, epoch));
  }
  made.append(draw("text", { x: x(last / 2), y: BOX.height - 6, "text-anchor": "middle" }, "epoch"));
  if (level <= top) {
    made.append(draw("line", { x1: BOX.left, x2: BOX.width - BOX.right, y1: y(level), y2: y(level), class: "level" }));
  }
  for (const line of lines) made.append(curve(line, x, y));
  return made;
}

// One line; a value without neighbours is a dot.
function curve({ values, color, href, title }, x, y) {
  let path = "";
  const dots = [];
  values.forEach((value, epoch) => {
    if (value === null) return;
    const [before, after] = [values[epoch - 1] ?? null, values[epoch + 1] ?? null];
    path += `${before === null ? "M" : "L"}${x(epoch).toFixed(1)} ${y(value).toFixed(1)}`;
    if (before === null && after === null) dots.push(draw("circle", { cx: x(epoch), cy: y(value), r: 3, fill: color }));
  });
  const drawn = draw("path", { d: path, stroke: color, class: "curve" });
  if (!href) return draw("g", {}, drawn, ...dots);
  const reach = draw("path", { d: path, class: "reach" });
  return draw("a", { href, tabindex: -1 }, draw("title", {}, title), reach, drawn, ...dots);
}

const largest = (values) => values.reduce((most, value) => Math.max(most, value ?? 0), 0);

function swatch(color) {
  const made = make("i");
  made.style.background = color;
  return made;
}

// The dialog of one run: its panels, an epoch to look at, and all that its record says.
function runDialog(data) {
  const dialog = byId("run");
  byId("run-close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());

  function show(run) {
    byId("run-title").textContent = `${run.experiment}, ${run.name.replaceAll(",", ", ")}`;
    const record = byId("run-record");
    Object.assign(record, { href: run.path.split("/").slice(2).join("/"), textContent: run.path });
    byId("run-verify").textContent = `python stages/verify.py ${run.path}`;
    byId("run-curves").replaceChildren(...runCurves(run));
    const pairs = [...Object.entries(run.row), ...Object.entries(run.made).map(([key, value]) => [`made with: ${key}`, value])];
    byId("run-values").replaceChildren(
      ...pairs.flatMap(([key, value]) => [make("dt", {}, key), make("dd", {}, plain(value))]),
    );
    if (!dialog.open) dialog.showModal();
    dialog.scrollTop = 0;
  }
  return { show, close: () => dialog.close(), whenClosed: (then) => dialog.addEventListener("close", then) };
}

function runCurves(run) {
  const names = Object.keys(MEASURES).filter((name) => run.epochs[name]);
  if (!names.length) return [make("p", {}, "This network was not trained: it has no epochs.")];
  const last = run.epochs.loss.length - 1;
  const radius = run.row.radius;
  const shown = [];
  const panels = [];
  const grid = make("div", { className: "panels" });
  for (const kind of ["accuracy", "loss", "deviation"]) {
    const parts = names.filter((name) => MEASURES[name].panel === kind);
    const most = largest(parts.flatMap((name) => run.epochs[name]));
    const near = kind === "deviation" && radius <= 3 * most;
    const top = kind === "accuracy" ? 1 : near ? 1.05 * Math.max(most, radius) : most;
    const lines = parts.map((name) => ({ values: run.epochs[name], color: MEASURES[name].color }));
    const drawn = panel({ lines, last, top, level: near ? radius : undefined, label: `${kind} over epochs` });
    const mark = draw("line", { y1: BOX.top, y2: BOX.height - BOX.bottom, class: "mark" });
    drawn.append(mark);
    panels.push({ drawn, mark });
    const legend = make("p", { className: "legend" });
    for (const name of parts) {
      const value = make("b");
      shown.push({ name, value });
      legend.append(make("span", {}, swatch(MEASURES[name].color), `${MEASURES[name].label} `, value));
    }
    if (kind === "deviation") {
      legend.append(make("span", {}, near ? `dashed: radius ${digits(radius)}` : `radius ${digits(radius)}, far above`));
    }
    grid.append(make("div", {}, drawn, legend));
  }
  return [grid, epochSlider(run, last, panels, shown)];
}

// A slider of epochs, which the pointer over a panel moves, too; the legends say the values there.
function epochSlider(run, last, panels, shown) {
  const text = make("output");
  const slider = make("input", { type: "range", min: 0, max: last, value: last });
  const look = () => {
    const epoch = Number(slider.value);
    text.textContent = `${epoch} of 0 to ${last}`;
    for (const { drawn, mark } of panels) {
      mark.setAttribute("x1", across(epoch, last));
      mark.setAttribute("x2", across(epoch, last));
    }
    for (const { name, value } of shown) value.textContent = plain(run.epochs[name][epoch]);
  };
  slider.addEventListener("input", look);
  for (const { drawn } of panels) {
    drawn.addEventListener("pointermove", (event) => {
      const box = drawn.getBoundingClientRect();
      const x = ((event.clientX - box.left) / box.width) * BOX.width - BOX.left;
      slider.value = Math.round((x / (BOX.width - BOX.left - BOX.right)) * last);
      look();
    });
  }
  look();
  return make("label", { className: "epoch" }, "epoch ", slider, text);
}
