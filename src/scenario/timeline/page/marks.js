// What lies over the lanes: arrows, the life of one task, faults; and what stands beside them: axis and names.

const ANSWERS = new Set(["result.stored", "result.ignored", "result.waited"]);

function arrowStyle(fact) {
  const kind = kindName(fact);
  if (kind === "queue.requeued") return [colours.fault, true];
  if (kind === "queue.acked") return [colours.ack, false];
  return [ANSWERS.has(kind) ? colours.result : colours.message, false];
}

const anchorOf = (fact) =>
  lanes[laneOf[fact]].kind === "queue" ? topOf(laneOf[fact]) + layout.lanes[laneOf[fact]].height - 5 : middleOf(laneOf[fact]);

// An execution is met at its edge, so that its bar hides nothing of the arrow.
function edgeOf(fact, other) {
  const lane = laneOf[fact];
  if (lanes[lane].kind !== "child") return anchorOf(fact);
  return laneOf[other] < lane ? topOf(lane) + 3 : topOf(lane) + layout.lanes[lane].height - 4;
}

// All arrows when there are few, else those of the task that is pointed at.
function drawArrows() {
  if (view.selected >= 0) return;
  const first = lowerBound(count, (i) => at[i], view.from);
  const last = lowerBound(count, (i) => at[i], view.to);
  if (last - first <= MANY_ARROWS) {
    for (let i = first; i < last; i++) drawArrow(i, taskOf[i] === view.hovered ? 1 : 0.45);
  } else if (view.hovered >= 0) {
    for (const fact of factsOfTask(view.hovered)) drawArrow(fact, 0.9);
  }
}

function drawArrow(fact, alpha) {
  const cause = causeOf[fact];
  if (cause < 0 || laneOf[cause] === laneOf[fact]) return;
  const [x0, y0, x1, y1] = [xOf(at[cause]), edgeOf(cause, fact), xOf(at[fact]), edgeOf(fact, cause)];
  if (Math.max(x0, x1) < view.gutter || Math.min(x0, x1) > view.width) return;
  const [colour, dashed] = arrowStyle(fact);
  ink.globalAlpha = alpha;
  ink.strokeStyle = ink.fillStyle = colour;
  ink.lineWidth = alpha > 0.8 ? 1.6 : 1;
  ink.setLineDash(dashed ? [4, 3] : []);
  const bend = Math.min(Math.abs(x1 - x0) / 2, 60);
  ink.beginPath();
  ink.moveTo(x0, y0);
  ink.bezierCurveTo(x0 + bend, y0, x1 - bend, y1, x1, y1);
  ink.stroke();
  ink.setLineDash([]);
  // The head points the way the curve comes in: sideways if there is room, else up or down.
  const [dx, dy] = bend > 8 ? [1, 0] : [0, Math.sign(y1 - y0) || 1];
  ink.beginPath();
  ink.moveTo(x1, y1);
  ink.lineTo(x1 - 5 * dx - 3 * dy, y1 - 5 * dy - 3 * dx);
  ink.lineTo(x1 - 5 * dx + 3 * dy, y1 - 5 * dy + 3 * dx);
  ink.fill();
  ink.globalAlpha = 1;
}

// Where a task was all the time: in queues, in workers' hands, and what passed between them.
function drawLife(task) {
  const facts = factsOfTask(task);
  const since = new Map();
  const stay = (lane, to) => {
    if (!since.has(lane)) return;
    const y = lanes[lane].kind === "queue" ? topOf(lane) + layout.lanes[lane].height - 5 : middleOf(lane);
    ink.fillRect(xOf(since.get(lane)), y - 1.5, Math.max(xOf(to) - xOf(since.get(lane)), 1), 3);
    since.delete(lane);
  };
  ink.fillStyle = colourOf(task);
  for (const fact of facts) {
    const lane = laneOf[fact];
    const kind = kindName(fact);
    if (["queue.in", "queue.requeued", "queue.recovered", "task.received", "result.waiting"].includes(kind)) {
      stay(lane, at[fact]);
      since.set(lane, at[fact]);
    } else if (kind === "task.started") stay(lanes[lane].of, at[fact]);
    else if (kind !== "task.parked") stay(lane, at[fact]);
  }
  for (const lane of [...since.keys()]) if (["queue", "worker", "client"].includes(lanes[lane].kind)) stay(lane, END);
  for (const fact of facts) drawArrow(fact, 1);
  for (const fact of facts) {
    ink.fillStyle = isTrouble(fact) ? colours.hazard : isReturn(fact) || kindName(fact) === "process.lost" ? colours.fault : colourOf(task);
    ink.strokeStyle = colours.bg;
    ink.lineWidth = 1.5;
    ink.beginPath();
    ink.arc(xOf(at[fact]), anchorOf(fact), fact === view.fact ? 6 : 4, 0, 2 * Math.PI);
    ink.fill();
    ink.stroke();
  }
}

function drawFaultLines() {
  for (const fault of data.faults) {
    const x = xOf(fault.at);
    ink.globalAlpha = fault.struck ? 0.8 : 0.35;
    ink.fillStyle = ink.strokeStyle = colours.fault;
    for (const lane of fault.lanes) {
      if (fault.lasts) {
        ink.globalAlpha = 0.12;
        ink.fillRect(x, topOf(lane), xOf(fault.at + fault.lasts) - x, layout.lanes[lane].height - 1);
        ink.globalAlpha = 0.8;
      }
    }
    if (x < view.gutter || x > view.width) continue;
    ink.setLineDash([3, 3]);
    ink.lineWidth = 1;
    ink.beginPath();
    ink.moveTo(Math.round(x) + 0.5, TOP);
    ink.lineTo(Math.round(x) + 0.5, view.height);
    ink.stroke();
    ink.setLineDash([]);
    ink.globalAlpha = 1;
    for (const lane of fault.lanes) if (isSeen(lane)) diamond(x, middleOf(lane), 5);
  }
  ink.globalAlpha = 1;
}

function axisTicks() {
  const room = 90;
  const rough = ((view.to - view.from) / plotWidth()) * room;
  const nice = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6, 2e6, 5e6, 1e7, 2e7, 3e7, 6e7, 12e7, 3e8, 6e8, 18e8, 36e8, 72e8, 216e8, 432e8, 864e8, 1728e8, 6048e8, 2592e9, 7776e9, 31536e9];
  const step = nice.find((step) => step >= rough) || Math.ceil(rough / 31536e9) * 31536e9;
  const times = [];
  for (let time = Math.max(0, Math.ceil(view.from / step) * step); time <= Math.min(view.to, END); time += step) times.push(time);
  return { step, times };
}

function drawAxis({ step, times }) {
  ink.fillStyle = colours.bg;
  ink.fillRect(0, 0, view.width, TOP);
  ink.textBaseline = "middle";
  ink.font = `11px ${SANS}`;
  ink.fillStyle = colours.quiet;
  ink.textAlign = "center";
  for (const time of times) {
    const x = Math.round(xOf(time));
    if (x < view.gutter - 1) continue;
    ink.fillRect(x, AXIS - 5, 1, 5);
    ink.fillText(clock(time, step), Math.min(Math.max(x, view.gutter + 18), view.width - 26), AXIS - 14);
  }
  ink.textAlign = "left";
  ink.fillText("virtual time", 14, AXIS - 14);
  ink.fillStyle = colours.line;
  ink.fillRect(view.gutter, AXIS, plotWidth(), 1);
  drawFlags();
  ink.fillStyle = colours.line;
  ink.fillRect(0, TOP - 1, view.width, 1);
}

// Faults by name, as far as there is room.
function drawFlags() {
  ink.fillStyle = colours.fault;
  if (data.faults.length) ink.fillText("faults", 14, AXIS + FLAGS / 2);
  let free = view.gutter;
  for (const fault of data.faults) {
    const x = xOf(fault.at);
    fault.flag = null;
    if (x < view.gutter || x > view.width) continue;
    ink.globalAlpha = fault.struck ? 1 : 0.5;
    diamond(x, AXIS + FLAGS / 2, 4);
    const text = fault.struck ? fault.text : `${fault.text} (nothing to strike)`;
    const wide = ink.measureText(text).width;
    const next = data.faults.find((other) => xOf(other.at) > x + 10);
    const end = Math.min(next ? xOf(next.at) - 8 : Infinity, view.width);
    const start = x + 8 + wide < end || next ? x + 8 : Math.max(x - 8 - wide, free);
    if (start < free || end - start < 24) continue;
    const fitting = shortened(text, end - start);
    ink.fillText(fitting, start, AXIS + FLAGS / 2 + 0.5);
    fault.flag = [start, start + ink.measureText(fitting).width];
    free = fault.flag[1] + 10;
  }
  ink.globalAlpha = 1;
}

function shortened(text, room) {
  let short = text;
  while (short && ink.measureText(short === text ? text : `${short}…`).width > room) short = short.slice(0, -1).trimEnd();
  return short === text ? text : `${short}…`;
}

function drawLabels() {
  const { gutter, height } = view;
  ink.fillStyle = colours.bg;
  ink.fillRect(0, TOP, gutter, height - TOP);
  ink.save();
  ink.beginPath();
  ink.rect(0, TOP, gutter - 6, height - TOP);
  ink.clip();
  ink.textBaseline = "middle";
  lanes.forEach((lane, number) => {
    if (!isSeen(number)) return;
    const y = middleOf(number);
    const inner = lane.of !== undefined;
    ink.font = `${inner ? 400 : 600} 12px ${SANS}`;
    ink.fillStyle = inner ? colours.quiet : colours.ink;
    const name = lane.name || "(no name)";
    if (lane.kind !== "queue") return ink.fillText(name, inner ? 26 : 14, y + 0.5);
    ink.fillText(name, 26, y - 6);
    ink.font = `10px ${SANS}`;
    ink.fillText(caption(number), 26, y + 8);
  });
  ink.restore();
  ink.fillStyle = colours.line;
  ink.fillRect(gutter - 1, 0, 1, height);
}
