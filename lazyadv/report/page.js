// The page's data, and where its address leads: #experiment/run opens a run's curves, #rows/set/words the runs that
// are in the set (a figure, a claim, an experiment) and have these words in their names.

const byId = (id) => document.getElementById(id);

// An element with these properties (or attributes, where the key has a "-"), and these children.
function make(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [key, value] of Object.entries(properties)) {
    if (key.includes("-")) made.setAttribute(key, value);
    else made[key] = value;
  }
  made.append(...children);
  return made;
}

// A value for people: a dash for none, true minus signs.
const plain = (value) =>
  value === null || value === undefined || value === "" ? "–" : String(value).replace(/^-/, "−");

const idOf = (run) => `${run.experiment}/${run.name}`;

// What a run has under this name, be it a measure of its network, or how it was made.
const valueOf = (run, key) => run.row[key] ?? run.made?.[key] ?? run[key];

// Whether the run's name has all these words; one with "=" stands for an axis and its whole value.
function hasWords(run, words) {
  const parts = run.name.split(",");
  return words.every((word) => (word.includes("=") ? parts.includes(word) : idOf(run).includes(word)));
}

// The data, which the page holds as base64 of gzip.
async function unpack() {
  const bytes = Uint8Array.from(atob(byId("data").textContent.trim()), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const data = await new Response(stream).json();
  data.byId = new Map(data.runs.map((run) => [idOf(run), run]));
  return data;
}

async function start() {
  const data = await unpack();
  const table = runsTable(data);
  const dialog = runDialog(data);
  for (const plot of document.querySelectorAll(".plot")) layPoints(plot, data.points[plot.dataset.figure]);
  for (const details of document.querySelectorAll(".multiples")) {
    const draw = () => details.open && drawMultiples(details, data, details.dataset.figure);
    details.addEventListener("toggle", draw, { once: true });
  }

  let before = "";
  const follow = () => {
    const where = decodeURIComponent(location.hash.slice(1));
    const run = data.byId.get(where);
    if (run?.epochs) return dialog.show(run);
    before = location.hash;
    dialog.close();
    const [rows, set, ...words] = where.split("/");
    if (rows === "rows") table.select(set, words.join("/"));
  };
  // a closed run leaves the address that it was opened from
  dialog.whenClosed(() => {
    if (data.byId.has(decodeURIComponent(location.hash.slice(1)))) history.replaceState(null, "", before || "#");
  });
  addEventListener("hashchange", follow);
  follow();
  document.body.dataset.ready = "";
}

addEventListener("DOMContentLoaded", () =>
  start().catch((error) => {
    byId("runs-count").textContent = "The table needs a browser of 2023 or later.";
    throw error;
  }),
);
