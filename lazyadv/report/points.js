// The points of a figure: links laid over its picture. A pointer takes the nearest; a keyboard has one stop for the
// figure, and moves among its points by the arrow keys. The line below the figure says what the point says.

const NEAR = 18; // pixels

function layPoints(plot, points) {
  if (!points?.length) return;
  const line = plot.closest("section").querySelector(".value");
  let chosen = 0;
  let touched = false;

  const links = points.map(([left, top, text, target]) => {
    const link = make("a", { className: "point", href: `#${target}`, tabIndex: -1 });
    link.setAttribute("aria-label", `${text}, ${nameOf(target)}`);
    Object.assign(link.style, { left: `${100 * left}%`, top: `${100 * top}%` });
    return link;
  });
  links[0].tabIndex = 0;
  plot.append(...links);

  const choose = (place) => {
    if (links[place].classList.contains("chosen")) return;
    links[chosen].classList.remove("chosen");
    links[chosen].tabIndex = -1;
    chosen = place;
    links[chosen].classList.add("chosen");
    links[chosen].tabIndex = 0;
    const [left, top, text, target] = points[place];
    const opens = target.startsWith("rows/") ? "its runs" : "its curves";
    line.replaceChildren(make("b", {}, plain(text)), ` · ${nameOf(target)} · `, make("a", { href: `#${target}` }, opens));
    const others = points.filter((other) => other[3] !== target && other[0] === left && other[1] === top);
    if (others.length) line.append(" · also here: ");
    for (const other of others) line.append(make("a", { href: `#${other[3]}` }, nameOf(other[3])), " ");
  };

  const nearest = (event) => {
    const box = plot.getBoundingClientRect();
    let best = -1;
    let least = NEAR;
    points.forEach(([left, top], place) => {
      const across = box.left + left * box.width - event.clientX;
      const distance = Math.hypot(across, box.top + top * box.height - event.clientY);
      if (distance < least) [best, least] = [place, distance];
    });
    return best;
  };

  plot.addEventListener("pointermove", (event) => {
    const place = nearest(event);
    plot.classList.toggle("near", place >= 0);
    if (place >= 0) choose(place);
  });
  plot.addEventListener("pointerdown", (event) => (touched = event.pointerType === "touch"));
  plot.addEventListener("click", (event) => {
    if (event.detail === 0) return; // Enter on a link, which it follows
    event.preventDefault();
    const place = nearest(event);
    if (place < 0) return;
    choose(place);
    links[place].focus({ preventScroll: true });
    if (!touched) location.hash = points[place][3]; // a finger has not seen the value before; the line has the link
  });
  plot.addEventListener("focusin", (event) => choose(links.indexOf(event.target)));
  plot.addEventListener("keydown", (event) => {
    const steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, PageDown: 10, PageUp: -10 };
    const ends = { Home: 0, End: links.length - 1 };
    const place = ends[event.key] ?? (event.key in steps ? chosen + steps[event.key] : -1);
    if (!(event.key in steps || event.key in ends)) return;
    event.preventDefault();
    links[Math.min(Math.max(place, 0), links.length - 1)].focus();
  });
}

// A target as text: the run's name, or the words that its rows have.
const nameOf = (target) => target.replace(/^rows\/[^/]*\/|^[^/]*\//, "").replaceAll(",", ", ");
