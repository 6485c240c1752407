// Pointer, wheel, keys and search.

const search = document.getElementById("search");
const tip = document.getElementById("tip");

function select(task, fit = false) {
  view.selected = task;
  view.fact = NONE;
  panel.scrollTop = 0;
  fillPanel();
  if (fit && task >= 0) fitTask(task);
  const place = task >= 0 ? `#task=${encodeURIComponent(tasks[task])}` : location.pathname + location.search;
  try { history.replaceState(null, "", place); } catch { /* A page without an address of its own keeps none. */ }
  redraw();
}

function centre(time) {
  const half = (view.to - view.from) / 2;
  if (time < view.from || time > view.to) show(time - half, time + half);
}

function pick(fact) {
  view.fact = fact;
  centre(at[fact]);
  reveal([fact]);
  panel.querySelectorAll("#life [aria-current]").forEach((old) => old.removeAttribute("aria-current"));
  panel.querySelector(`#life [value="${fact}"]`)?.setAttribute("aria-current", "true");
  redraw();
}

// The next or previous fact of the task that is selected; without one, the next or previous task that is listed.
function step(by) {
  if (view.selected < 0) {
    const { list } = found();
    if (list.length) select(list[by > 0 ? 0 : list.length - 1], true);
    return;
  }
  const facts = factsOfTask(view.selected);
  const now = facts.indexOf(view.fact);
  const next = now < 0 ? (by > 0 ? 0 : facts.length - 1) : Math.min(Math.max(now + by, 0), facts.length - 1);
  view.fact = facts[next];
  fillPanel();
  pick(view.fact);
  document.querySelector("#life [aria-current]")?.scrollIntoView({ block: "nearest" });
}

function tell(x, y, over) {
  const fault = faultAt(x, y);
  tip.hidden = !over && !fault;
  if (tip.hidden) return;
  const lines = [];
  if (fault) lines.push(fault.text, `${clock(fault.at)}${fault.lasts ? `, for ${span(fault.lasts)}` : ""}${fault.struck ? "" : ", nothing to strike"}`);
  else if (over.bar) {
    const { bar } = over;
    lines.push(`${tasks[bar.task]}  ${nameOf(bar.task)}`, `${lanes[bar.lane].name}, ${clock(bar.from)} to ${clock(bar.to)} (${span(bar.to - bar.from)}): ${bar.how}`);
    if (detailOf(bar.fact)) lines.push(detailOf(bar.fact));
  } else if (over.fact !== undefined) {
    lines.push(over.task >= 0 ? tasks[over.task] : lanes[laneOf[over.fact]].name, `${clock(at[over.fact])}: ${sentence(over.fact)}`);
  } else {
    const { at: when, ready, held } = depths[over.lane];
    const i = lowerBound(when.length, (n) => when[n], over.time) - 1;
    lines.push(`queue ${lanes[over.lane].name}`, `${clock(over.time)}: ${i < 0 ? 0 : ready[i]} waiting, ${i < 0 ? 0 : held[i]} with workers`);
  }
  tip.replaceChildren(element("b", {}, lines[0]), ...lines.slice(1).map((line) => element("span", {}, line)));
  const box = canvas.getBoundingClientRect();
  tip.style.left = `${Math.min(box.left + x + 14, innerWidth - tip.offsetWidth - 8)}px`;
  tip.style.top = `${Math.min(box.top + y + 16, innerHeight - tip.offsetHeight - 8)}px`;
}

let drag = null;

function listen() {
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    const unit = event.deltaMode === 1 ? 16 : 1;
    const [dx, dy] = [event.deltaX * unit, event.deltaY * unit];
    if (event.offsetX < view.gutter) return scrollTo(view.scroll + dy);
    if (event.shiftKey || Math.abs(dx) > Math.abs(dy)) return pan(((dx || dy) / plotWidth()) * (view.to - view.from));
    zoom(Math.exp(Math.min(Math.max(dy, -200), 200) * 0.002), timeAt(event.offsetX));
  }, { passive: false });
  canvas.addEventListener("pointerdown", (event) => {
    drag = { x: event.offsetX, y: event.offsetY, from: view.from, scroll: view.scroll, moved: false };
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    const [x, y] = [event.offsetX, event.offsetY];
    if (drag) {
      drag.moved ||= Math.abs(x - drag.x) + Math.abs(y - drag.y) > 4;
      if (!drag.moved) return;
      tip.hidden = true;
      const length = view.to - view.from;
      const from = drag.from - ((x - drag.x) / plotWidth()) * length;
      show(from, from + length);
      return scrollTo(drag.scroll - (y - drag.y));
    }
    const over = hit(x, y);
    const hovered = over ? over.task : NONE;
    canvas.style.cursor = hovered >= 0 ? "pointer" : "default";
    tell(x, y, over);
    if (hovered !== view.hovered) (view.hovered = hovered), redraw();
  });
  canvas.addEventListener("pointerup", (event) => {
    if (drag && !drag.moved) {
      const over = hit(event.offsetX, event.offsetY);
      select(over ? over.task : NONE);
    }
    drag = null;
  });
  canvas.addEventListener("pointerleave", () => {
    tip.hidden = true;
    if (view.hovered >= 0) (view.hovered = NONE), redraw();
  });
  const jump = (event) => event.buttons && centreAt(overTime(event.offsetX));
  overview.addEventListener("pointerdown", (event) => (overview.setPointerCapture(event.pointerId), jump(event)));
  overview.addEventListener("pointermove", jump);
  search.addEventListener("input", () => {
    filter.text = search.value;
    view.selected = NONE;
    fillPanel();
    redraw();
  });
  search.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && found().list.length) select(found().list[0], true);
    if (event.key === "ArrowDown") panel.querySelector("#tasks button")?.focus();
  });
  document.addEventListener("keydown", onKey);
  document.getElementById("in").onclick = () => zoom(0.6);
  document.getElementById("out").onclick = () => zoom(1 / 0.6);
  document.getElementById("fit").onclick = fitAll;
  addEventListener("hashchange", followHash);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => (readColours(), fillPanel(), legend(), redraw()));
  new ResizeObserver(resize).observe(canvas);
}

function centreAt(time) {
  const half = (view.to - view.from) / 2;
  show(time - half, time + half);
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape") {
    search.value = filter.text = "";
    filter.bits = 0;
    return select(NONE);
  }
  if (event.target === search) return;
  const length = view.to - view.from;
  const acts = {
    ArrowLeft: () => pan(-length / 8), ArrowRight: () => pan(length / 8),
    ArrowUp: () => scrollTo(view.scroll - 48), ArrowDown: () => scrollTo(view.scroll + 48),
    "+": () => zoom(0.6), "=": () => zoom(0.6), "-": () => zoom(1 / 0.6), "0": fitAll,
    n: () => step(1), p: () => step(-1), "/": () => search.focus(),
  };
  // Inside the panel, arrows scroll it.
  if (!acts[event.key] || (panel.contains(event.target) && event.key.startsWith("Arrow"))) return;
  event.preventDefault();
  acts[event.key]();
}
