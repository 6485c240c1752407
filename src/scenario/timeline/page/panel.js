// The side: the verdict and all tasks, or the life of one.

const panel = document.getElementById("panel");
const SHOWN = 200;
let filter = { bits: 0, text: "" };

// Everything is put in as text, never as markup: ids and names come from a file.
function element(tag, properties = {}, ...inner) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("aria-")) made.setAttribute(name, value);
    else made[name] = value;
  }
  made.append(...inner.filter((piece) => piece !== null));
  return made;
}

const row = (onclick, ...inner) => element("li", {}, element("button", { type: "button", onclick }, ...inner));

function fillPanel() {
  const list = view.selected >= 0 ? lifeOf(view.selected) : summary();
  panel.replaceChildren(...list.filter((piece) => piece !== null));
}

function summary() {
  const { expectations, faults, failures } = data.report;
  const parts = [element("h2", {}, "Expectations")];
  const table = element("table", {}, element("tr", {}, ...["", "wanted", "seen", ""].map((text) => element("th", {}, text))));
  for (const { key, wanted, seen, holds, exercised } of expectations) {
    const [word, style] = !exercised ? ["not put to the test", "broken"] : holds ? ["ok", "ok"] : ["broken", "broken"];
    table.append(element("tr", {}, element("td", {}, key), element("td", {}, wanted), element("td", {}, seen), element("td", { className: style }, word)));
  }
  parts.push(expectations.length ? table : element("p", {}, "Nothing is expected."));
  const told = new Set(expectations.map(({ key }) => key));
  for (const failure of failures) if (!told.has(failure.split(": ")[0])) parts.push(element("p", { className: "broken" }, failure));
  if (faults.length || data.faults.length) parts.push(element("h2", {}, "Faults"), faultList());
  for (const { fault, when, struck } of faults) if (!struck) parts.push(element("p", { className: "broken" }, `never struck: ${fault} (${when})`));
  parts.push(element("h2", {}, `Tasks (${tasks.length})`), chips(), taskList());
  parts.push(element("h2", {}, "This run"), element("p", {}, element("code", {}, data.replay)));
  const { trace_hash: hash, events } = data.report;
  parts.push(element("p", { className: "quiet" }, `trace ${hash}, ${events} events, ${span(END)} of virtual time, simq ${data.version}`));
  return parts;
}

function faultList() {
  const rows = data.faults.slice(0, SHOWN).map((fault) => {
    const go = () => show(fault.at - (view.to - view.from) / 2, fault.at + (view.to - view.from) / 2);
    const words = fault.struck ? fault.text : `${fault.text}: nothing to strike`;
    return row(go, element("span", { className: "when" }, clock(fault.at)), element("span", { className: "what fault" }, words));
  });
  return element("ul", { className: "rows" }, ...rows);
}

// One button for each thing that can be counted of a task, if there is any.
function chips() {
  const counts = data.keys.map(() => 0);
  for (const counted of data.tasks.counted) for (let bit = 0; bit < counts.length; bit++) counts[bit] += (counted >> bit) & 1;
  const chip = (bits, words, style) => {
    const press = () => {
      filter.bits = bits;
      fillPanel();
      // The button is a new one now.
      panel.querySelector('.chips [aria-pressed="true"]').focus();
    };
    return element("button", { type: "button", className: style, onclick: press, "aria-pressed": String(filter.bits === bits) }, words);
  };
  const all = [chip(0, "all", "")];
  counts.forEach((number, bit) => {
    const [key, broken] = data.keys[bit];
    if (!number) return;
    const name = (bit < HAZARDS ? key.toUpperCase() : key).replaceAll("_", " ");
    all.push(chip(1 << bit, `${name} ${number}`, broken && key !== "succeeded" ? "broken" : bit < HAZARDS ? "hazard" : ""));
  });
  return element("div", { className: "chips", role: "group", "aria-label": "Which tasks" }, ...all);
}

function found() {
  const text = filter.text.trim().toLowerCase();
  const names = data.names.map((name) => name.toLowerCase().includes(text));
  const list = [];
  let more = 0;
  for (let task = 0; task < tasks.length; task++) {
    if (filter.bits && !(data.tasks.counted[task] & filter.bits)) continue;
    if (text && !names[data.tasks.name[task]] && !tasks[task].toLowerCase().includes(text)) continue;
    if (list.length < SHOWN) list.push(task);
    else more++;
  }
  // Whoever types a whole id means that task.
  const exact = list.findIndex((task) => tasks[task].toLowerCase() === text);
  if (exact > 0) list.unshift(...list.splice(exact, 1));
  return { list, more };
}

function taskList() {
  const { list, more } = found();
  const rows = list.map((task) => {
    const style = isBroken(task) ? "fate broken" : isHazard(task) ? "fate hazard" : "fate";
    const what = element("span", { className: "what" }, element("span", { className: "id", title: tasks[task] }, tasks[task]));
    if (data.names.length > 1) what.append(element("span", { className: "quiet" }, swatch(task), nameOf(task)));
    return row(() => select(task, true), what, element("span", { className: style }, fateOf(task)));
  });
  const list_ = element("ul", { className: "rows", id: "tasks" }, ...rows);
  if (more) list_.append(element("li", { className: "quiet" }, `and ${more} more: search by id or name`));
  if (!rows.length) list_.append(element("li", { className: "quiet" }, "No such task."));
  return list_;
}

const swatch = (task) => {
  const made = element("span", { className: "swatch" });
  made.style.background = colourOf(task);
  return made;
};

function lifeOf(task) {
  const facts = factsOfTask(task);
  const head = [
    element("button", { type: "button", className: "back", onclick: () => select(NONE) }, "All tasks"),
    element("button", { type: "button", className: "back", onclick: () => fitTask(task) }, "Show its life"),
    element("h3", { className: "id" }, tasks[task]),
    element("p", { className: "quiet" }, nameOf(task) ? swatch(task) : null, nameOf(task)),
    element("p", {}, ...badges(task)),
  ];
  return [...head, element("h2", {}, "Its life"), story(facts)];
}

function badges(task) {
  const made = [element("span", { className: "badge" }, fateOf(task))];
  data.keys.forEach(([key, broken], bit) => {
    if (!(data.tasks.counted[task] & (1 << bit)) || key === fateOf(task) || key === "succeeded") return;
    if (key.toUpperCase() === fateOf(task) && !broken) return;
    const name = (bit < HAZARDS ? key.toUpperCase() : key).replaceAll("_", " ");
    made.push(element("span", { className: `badge ${broken ? "broken" : bit < HAZARDS ? "hazard" : ""}` }, broken ? `${name}, not expected` : name));
  });
  return made;
}

// The facts of a task, and the faults that struck meanwhile.
function story(facts) {
  const items = Array.from(facts, (fact) => ({ time: at[fact], fact }));
  if (items.length) {
    const [first, last] = [items[0].time, items[items.length - 1].time];
    for (const fault of data.faults) if (fault.struck && fault.at >= first && fault.at <= last) items.push({ time: fault.at, fault });
    // A fault comes before what it did.
    items.sort((a, b) => a.time - b.time || (b.fault ? 1 : 0) - (a.fault ? 1 : 0));
  }
  let before = null;
  const rows = items.slice(0, 1000).map(({ time, fact, fault }) => {
    const when = element("span", { className: "when" }, clock(time));
    if (before !== null && time > before) when.append(element("span", { className: "gap" }, `+${span(time - before)}`));
    before = time;
    if (fault) return row(() => centre(time), when, element("span", { className: "what fault" }, fault.text));
    const style = isTrouble(fact) ? "what hazard" : isReturn(fact) || kindName(fact) === "process.lost" ? "what fault" : "what";
    const made = row(() => pick(fact), when, element("span", { className: style }, sentence(fact)));
    made.firstChild.value = fact;
    if (fact === view.fact) made.firstChild.setAttribute("aria-current", "true");
    return made;
  });
  return element("ol", { className: "rows", id: "life" }, ...rows);
}
