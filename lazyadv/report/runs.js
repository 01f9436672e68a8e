// The table of runs: of a set, with words in their names, sorted by a column, a page at a time.

const PAGE = 50;

function runsTable(data) {
  const [table, pick, filter, count] = ["runs-table", "runs-set", "runs-words", "runs-count"].map(byId);
  const [previous, next] = ["runs-previous", "runs-next"].map(byId);
  const keys = Object.keys(data.columns);
  const settings = [...data.axes, "state", "stopped", "epochs"];
  const body = make("tbody");
  const heads = new Map(["experiment", ...keys].map((key) => [key, head(key)]));
  table.append(make("thead", {}, make("tr", {}, ...heads.values())), body);
  let found = [];
  let order = { key: null, down: false };
  let page = 0;

  function head(key) {
    const button = make("button", { type: "button" }, data.columns[key] ?? "experiment");
    button.addEventListener("click", () => {
      order = { key, down: order.key === key && !order.down };
      sort();
      draw(0);
    });
    return make("th", { scope: "col", "aria-sort": "none" }, button);
  }

  function search() {
    const words = filter.value.split(/\s+/).filter(Boolean);
    const places = data.sets[pick.value];
    const runs = places ? places.map((place) => data.runs[place]) : data.runs;
    found = runs.filter((run) => (places || pick.value === "" || run.experiment === pick.value) && hasWords(run, words));
    sort();
    draw(0);
  }

  // What has no value comes last, whichever way.
  function sort() {
    for (const [key, head] of heads) {
      head.setAttribute("aria-sort", key !== order.key ? "none" : order.down ? "descending" : "ascending");
    }
    if (order.key === null) return;
    const sign = order.down ? -1 : 1;
    const valued = found.map((run) => [valueOf(run, order.key), run]);
    valued.sort(([a], [b]) => {
      if (a == null || b == null) return (a == null) - (b == null);
      return sign * (typeof a === "number" ? a - b : String(a).localeCompare(String(b), "en", { numeric: true }));
    });
    found = valued.map(([, run]) => run);
  }

  function draw(to) {
    page = to;
    const used = keys.filter((key) => found.some((run) => valueOf(run, key) != null) && !same(key));
    for (const key of keys) heads.get(key).hidden = !used.includes(key);
    const shared = keys.filter((key) => same(key) && valueOf(found[0], key) != null);
    const said = shared.map((key) => `${data.columns[key]} ${plain(valueOf(found[0], key))}`);
    byId("runs-same").textContent = said.length ? `The same in all: ${said.join(", ")}.` : "";
    const first = page * PAGE;
    const rows = found.slice(first, first + PAGE);
    body.replaceChildren(...rows.map((run) => row(run, used)));
    count.textContent = found.length
      ? `${first + 1} to ${first + rows.length} of ${found.length} runs`
      : "no run is so; clear the words, or take another set";
    previous.disabled = page === 0;
    next.disabled = first + PAGE >= found.length;
  }

  // Whether several runs are shown, and all have this setting in common; then it takes no column.
  function same(key) {
    return found.length > 1 && settings.includes(key) && found.every((run) => valueOf(run, key) === valueOf(found[0], key));
  }

  function row(run, used) {
    const name = run.epochs
      ? make("a", { href: `#${idOf(run)}`, title: run.name, "aria-label": `${run.experiment} ${run.name}` }, run.experiment)
      : run.experiment;
    const cells = used.map((key) => {
      const value = valueOf(run, key);
      const shown = make("td", {}, plain(key === "seconds" && value != null ? value.toFixed(1) : value));
      if (key === "state") Object.assign(shown, { className: value, title: run.remark });
      else if (typeof value !== "string") shown.className = "number";
      return shown;
    });
    return make("tr", {}, make("th", { scope: "row" }, name), ...cells);
  }

  function turn(by) {
    draw(page + by);
    table.parentElement.scrollTop = 0;
  }

  filter.addEventListener("input", search);
  pick.addEventListener("input", search);
  previous.addEventListener("click", () => turn(-1));
  next.addEventListener("click", () => turn(1));
  search();
  return {
    select(set, words) {
      pick.value = set;
      filter.value = words;
      search();
      byId("runs").scrollIntoView();
      byId("runs").focus({ preventScroll: true });
    },
  };
}
