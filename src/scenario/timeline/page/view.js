// What part of the run is seen.

const view = { from: 0, to: END, scroll: 0, width: 1, height: 1, gutter: 140, selected: NONE, hovered: NONE };
const canvas = document.getElementById("canvas");
const overview = document.getElementById("overview");
const AXIS = 30;
const FLAGS = 20;
const TOP = AXIS + FLAGS;
const MIN_SPAN = 20;
const MARGIN = 0.02;

const plotWidth = () => Math.max(1, view.width - view.gutter);
const xOf = (time) => view.gutter + ((time - view.from) / (view.to - view.from)) * plotWidth();
const timeAt = (x) => view.from + ((x - view.gutter) / plotWidth()) * (view.to - view.from);

function show(from, to) {
  const slack = END * MARGIN;
  const length = Math.min(Math.max(to - from, MIN_SPAN), END + 2 * slack);
  const middle = (from + to) / 2;
  view.from = Math.min(Math.max(middle - length / 2, -slack), END + slack - length);
  view.to = view.from + length;
  redraw();
}

function zoom(factor, around = (view.from + view.to) / 2) {
  const length = (view.to - view.from) * factor;
  const share = (around - view.from) / (view.to - view.from);
  const clamped = Math.min(Math.max(length, MIN_SPAN), END * (1 + 2 * MARGIN));
  show(around - share * clamped, around - share * clamped + clamped);
}

const pan = (by) => show(view.from + by, view.to + by);
const fitAll = () => show(-END * MARGIN, END * (1 + MARGIN));

// The part in which something is done; waiting for what never comes can be much longer.
function fitWork() {
  let last = 0;
  for (const own of bars) for (const bar of own) if (bar.how !== "still running") last = Math.max(last, bar.to);
  for (const fault of data.faults) last = Math.max(last, fault.at + fault.lasts);
  if (last === 0 || last > END * 0.7) return fitAll();
  show(-last * MARGIN, last * 1.1);
}

function scrollTo(y) {
  view.scroll = Math.max(0, Math.min(y, layout.height - (view.height - TOP)));
  redraw();
}

// The life of a task, with room around it.
function fitTask(task) {
  const facts = factsOfTask(task);
  if (!facts.length) return;
  const [first, last] = [at[facts[0]], at[facts[facts.length - 1]]];
  const room = Math.max((last - first) * 0.12, 1000);
  show(first - room, last + room);
  reveal(facts);
}

// Scrolls so that the lanes of these facts are seen, if they fit.
function reveal(facts) {
  let top = Infinity, bottom = -Infinity;
  for (const fact of facts) {
    const place = layout.lanes[laneOf[fact]];
    top = Math.min(top, place.y);
    bottom = Math.max(bottom, place.y + place.height);
  }
  const room = view.height - TOP;
  if (top < view.scroll || bottom > view.scroll + room) scrollTo(Math.min(top - 8, Math.max(bottom - room, top - 8)));
}

let asked = false;
function redraw() {
  if (asked) return;
  asked = true;
  requestAnimationFrame(() => {
    asked = false;
    draw();
    drawOverview();
  });
}
