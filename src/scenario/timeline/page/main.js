// Puts the page together. `#task=ID` opens the life of a task.

function legend() {
  const block = (style) => {
    const made = element("i");
    Object.assign(made.style, style);
    return made;
  };
  const arrow = (colour, dashed) => {
    const picture = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    picture.setAttribute("width", "22");
    picture.setAttribute("height", "10");
    const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
    line.setAttribute("d", "M0 5H20M16 2L20 5L16 8");
    line.setAttribute("fill", "none");
    line.setAttribute("stroke", colour);
    line.setAttribute("stroke-width", "1.5");
    if (dashed) line.setAttribute("stroke-dasharray", "4 2");
    picture.append(line);
    return picture;
  };
  const stripes = (back, line) => ({ background: `repeating-linear-gradient(135deg, ${line} 0 1.5px, ${back} 1.5px 4px)` });
  const items = data.names.length > 1 && data.names.length <= 6
    ? data.names.map((name, number) => [block({ background: colours[`t${number % 8}`] }), name || "nobody's call"])
    : [[block({ background: colours.t0 }), "execution"]];
  items.push(
    [block({ ...stripes(colours.t0, colours.bg), borderRight: `3px solid ${colours.fault}` }), "cut short"],
    [block({ background: `linear-gradient(90deg, ${colours.t0} 70%, ${colours.hazard} 0)` }), "did not return"],
    [block({ background: `linear-gradient(${colours.ready} 50%, ${colours.held} 0)` }), "queue: waiting, with workers"],
    [block(stripes(colours.dead, colours.quiet)), "process is down"],
    [arrow(colours.message), "message"],
    [arrow(colours.ack), "ack"],
    [arrow(colours.result), "result"],
    [arrow(colours.fault, true), "redelivery"],
    [block({ width: "8px", height: "8px", background: colours.fault, transform: "rotate(45deg)" }), "fault"],
    [block({ border: `2px solid ${colours.hazard}` }), "hazard"],
    [block({ border: `2px solid ${colours.broken}` }), "breaks an expectation"],
  );
  document.getElementById("legend").replaceChildren(...items.map((item) => element("li", {}, ...item)));
}

function header() {
  const { report } = data;
  const verdict = document.getElementById("verdict");
  verdict.textContent = data.passed ? "PASS" : "FAIL";
  verdict.classList.toggle("fail", !data.passed);
  document.getElementById("name").textContent = report.variant === null ? report.scenario : `${report.scenario} / ${report.variant}`;
  document.getElementById("seed").textContent = `seed ${report.seed}`;
  document.getElementById("about").textContent = report.about || "";
  const { tasks: left, facts, unrecorded } = data.left_out;
  const cut = [];
  if (left) cut.push(`${left} of ${left + tasks.length} tasks are not shown (${facts} facts): the page holds so many, and those that tell most come first. Queues count what is shown.`);
  if (unrecorded) cut.push(`The last ${unrecorded} facts of the run were not recorded.`);
  const note = document.getElementById("cut");
  note.hidden = !cut.length;
  note.textContent = cut.join(" ");
  canvas.setAttribute("aria-label", `Timeline: ${data.title}. ${lanes.length} lanes, ${tasks.length} tasks. The list beside it has the same in words.`);
}

function resize() {
  const box = canvas.getBoundingClientRect();
  view.ratio = devicePixelRatio || 1;
  view.width = box.width;
  view.height = box.height;
  canvas.width = Math.round(box.width * view.ratio);
  canvas.height = Math.round(box.height * view.ratio);
  overview.width = Math.round(box.width * view.ratio);
  overview.height = Math.round(46 * view.ratio);
  ink.setTransform(view.ratio, 0, 0, view.ratio, 0, 0);
  layOut();
  scrollTo(view.scroll);
  draw();
  drawOverview();
}

function followHash() {
  const wanted = /^#task=(.*)$/.exec(location.hash);
  let id = wanted ? wanted[1] : "";
  try { id = decodeURIComponent(id); } catch { /* As it stands. */ }
  const task = wanted ? tasks.indexOf(id) : NONE;
  if (task >= 0 && task !== view.selected) select(task, true);
}

view.fact = NONE;
readColours();
header();
legend();
fillPanel();
resize();
fitWork();
followHash();
draw();
drawOverview();
listen();
