// The picture. What is smaller than a pixel is drawn as one run of pixels, so the work is bounded by the width.

const ink = canvas.getContext("2d", { alpha: false });
const MANY_ARROWS = 700;
const colours = {};

function readColours() {
  const style = getComputedStyle(document.documentElement);
  for (const name of ["bg", "raised", "ink", "quiet", "line", "faint", "ready", "held", "fault", "broken", "hazard", "ok", "message", "ack", "result", "dead", "on-task", "t0", "t1", "t2", "t3", "t4", "t5", "t6", "t7"])
    colours[name] = style.getPropertyValue(`--${name}`).trim();
  colours.hatch = hatched(colours.dead, colours.line);
  colours.cut = hatched("transparent", colours.bg);
}

function hatched(back, line) {
  const tile = document.createElement("canvas");
  tile.width = tile.height = 6;
  const brush = tile.getContext("2d");
  brush.fillStyle = back;
  brush.fillRect(0, 0, 6, 6);
  brush.strokeStyle = line;
  brush.lineWidth = 1.4;
  brush.beginPath();
  for (const from of [-6, 0, 6]) brush.moveTo(from, 6), brush.lineTo(from + 6, 0);
  brush.stroke();
  return ink.createPattern(tile, "repeat");
}

const colourOf = (task) => (task < 0 ? colours.quiet : colours[`t${data.tasks.name[task] % 8}`]);
const SANS = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif";

function draw() {
  const { width, height, gutter } = view;
  ink.globalAlpha = 1;
  ink.fillStyle = colours.bg;
  ink.fillRect(0, 0, width, height);
  ink.save();
  ink.beginPath();
  ink.rect(gutter, TOP, width - gutter, height - TOP);
  ink.clip();
  const ticks = axisTicks();
  ink.fillStyle = colours.faint;
  for (const time of ticks.times) ink.fillRect(Math.round(xOf(time)), TOP, 1, height);
  const seen = lanes.map((_, lane) => lane).filter(isSeen);
  seen.forEach(drawGround);
  drawFaultLines();
  drawArrows();
  seen.forEach(drawWork);
  if (view.selected >= 0) drawLife(view.selected);
  ink.restore();
  drawAxis(ticks);
  drawLabels();
}

function drawGround(lane) {
  const [top, high] = [topOf(lane), layout.lanes[lane].height];
  ink.fillStyle = colours.faint;
  ink.fillRect(view.gutter, Math.round(top + high) - 1, plotWidth(), 1);
  drawDeath(lane, top, high);
  if (lanes[lane].kind === "queue") drawDepth(lane, top, high);
}

function drawWork(lane) {
  if (lanes[lane].kind === "child") drawBars(lane, topOf(lane), layout.lanes[lane].height);
  else drawFacts(lane);
}

// When a process was down.
function drawDeath(lane, top, high) {
  const lives = data.lives.filter((life) => life.lane === lane);
  let down = 0;
  for (const life of [...lives, { from: END, to: END }]) {
    if (life.from > down) {
      const [x0, x1] = [Math.max(xOf(down), view.gutter), Math.min(xOf(life.from), view.width)];
      if (x1 > x0 && lives.length) {
        ink.fillStyle = colours.hatch;
        ink.fillRect(x0, top + 1, x1 - x0, high - 3);
      }
    }
    down = life.to === null ? END : life.to;
  }
}

function drawDepth(lane, top, high) {
  const { at: when, ready, held, most } = depths[lane];
  if (!when.length) return;
  const scale = (high - 12) / Math.max(most, 1);
  const base = top + high - 2;
  let i = Math.max(0, lowerBound(when.length, (n) => when[n], view.from) - 1);
  let x0 = Math.max(Math.round(xOf(when[i])), view.gutter);
  while (i < when.length && x0 < view.width) {
    // The deepest of all steps within one pixel.
    let [deepReady, deepHeld] = [ready[i], held[i]];
    let next = i + 1;
    while (next < when.length && xOf(when[next]) < x0 + 1) {
      if (ready[next] + held[next] > deepReady + deepHeld) [deepReady, deepHeld] = [ready[next], held[next]];
      next++;
    }
    const x1 = Math.max(Math.round(next < when.length ? xOf(when[next]) : xOf(END)), x0 + 1);
    column(x0, 1, deepReady * scale, deepHeld * scale, base);
    // From there on it is as deep as the last of them left it.
    column(x0 + 1, x1 - x0 - 1, ready[next - 1] * scale, held[next - 1] * scale, base);
    [i, x0] = [next, x1];
  }
}

function column(x, wide, ready, held, base) {
  ink.fillStyle = colours.held;
  ink.fillRect(x, base - held, wide, held);
  ink.fillStyle = colours.ready;
  ink.fillRect(x, base - held - ready, wide, ready);
}

function drawBars(lane, top, high) {
  const own = bars[lane];
  const [y, tall] = [top + 3, high - 7];
  const selecting = view.selected >= 0;
  let run = null;
  const flush = () => {
    if (!run) return;
    ink.globalAlpha = selecting ? 0.2 : 1;
    ink.fillStyle = run.colour;
    ink.fillRect(run.x0, y, Math.max(run.x1 - run.x0, 1), tall);
    if (run.alarm) drawCap(run.alarm, run.x0, Math.max(run.x1 - run.x0, 2), y);
    run = null;
  };
  for (let i = lowerBound(own.length, (n) => own[n].to, view.from); i < own.length && own[i].from <= view.to; i++) {
    const bar = own[i];
    const [x0, x1] = [xOf(bar.from), xOf(bar.to)];
    if (x1 - x0 >= 3 || bar.task === view.selected) {
      flush();
      drawBar(bar, Math.max(x0, view.gutter - 4), Math.min(x1, view.width + 4), y, tall, selecting);
    } else if (run && x0 <= run.x1 + 0.5) {
      run.x1 = Math.max(run.x1, x1);
      run.alarm = worse(run.alarm, alarmOf(bar.task));
    } else {
      flush();
      run = { x0, x1, colour: colourOf(bar.task), alarm: alarmOf(bar.task) };
    }
  }
  flush();
  ink.globalAlpha = 1;
}

// What is wrong with a task, as a colour.
const alarmOf = (task) => (isBroken(task) ? colours.broken : isHazard(task) ? colours.hazard : null);
const worse = (a, b) => (a === colours.broken || !b ? a : b);

function drawCap(colour, x, wide, y) {
  ink.fillStyle = colour;
  ink.fillRect(x, y - 2, wide, 2);
}

function drawBar(bar, x0, x1, y, tall, selecting) {
  const chosen = bar.task === view.selected || bar.task === view.hovered;
  const wide = Math.max(x1 - x0, 1.5);
  ink.globalAlpha = selecting && bar.task !== view.selected ? 0.2 : 1;
  ink.fillStyle = colourOf(bar.task);
  ink.beginPath();
  ink.roundRect(x0, y, wide, tall, Math.min(2.5, wide / 4));
  ink.fill();
  if (bar.cut) {
    ink.fillStyle = colours.cut;
    ink.fill();
    ink.fillStyle = colours.fault;
    ink.fillRect(x1 - 2.5, y - 1, 2.5, tall + 2);
  } else if (bar.how !== "returned" && bar.how !== "still running") {
    ink.fillStyle = colours.hazard;
    ink.fillRect(Math.max(x1 - 4, x0), y, Math.min(4, wide), tall);
  }
  const alarm = alarmOf(bar.task);
  if (alarm && wide < 14) drawCap(alarm, x0, wide, y);
  else if (alarm || (chosen && wide > 3)) {
    ink.strokeStyle = alarm || colours.ink;
    ink.lineWidth = 1.5;
    ink.strokeRect(x0, y - 0.5, wide, tall + 1);
  }
  const room = Math.min(x1, view.width) - Math.max(x0, view.gutter) - 10;
  const isDim = selecting && bar.task !== view.selected;
  if (room > 26 && tall >= 13 && !bar.cut && !isDim) {
    ink.save();
    ink.beginPath();
    ink.rect(Math.max(x0, view.gutter), y, room + 8, tall);
    ink.clip();
    ink.fillStyle = colours["on-task"];
    ink.font = `11px ${SANS}`;
    ink.textBaseline = "middle";
    const id = shortId(tasks[bar.task]);
    ink.fillText(room > 170 ? `${id}  ${nameOf(bar.task)}` : id, Math.max(x0, view.gutter) + (selecting ? 9 : 5), y + tall / 2 + 0.5);
    ink.restore();
  }
}

// Facts as dots; many within one pixel as a bar whose height tells how many.
function drawFacts(lane) {
  const facts = factsOfLane(lane);
  const first = lowerBound(facts.length, (i) => at[facts[i]], view.from);
  const last = lowerBound(facts.length, (i) => at[facts[i]], view.to);
  const high = layout.lanes[lane].height;
  const isQueue = lanes[lane].kind === "queue";
  const middle = isQueue ? topOf(lane) + high - 5 : middleOf(lane);
  const dim = view.selected >= 0;
  for (let i = first; i < last; ) {
    const x = xOf(at[facts[i]]);
    let next = i + 1;
    let alarm = strangeness[facts[i]];
    while (next < last && xOf(at[facts[next]]) < x + 1.5) alarm = Math.max(alarm, strangeness[facts[next++]]);
    ink.globalAlpha = dim ? 0.25 : 0.85;
    if (alarm > (isQueue ? 2 : 0)) {
      ink.fillStyle = [colours.fault, colours.hazard, colours.hazard, colours.broken][alarm - 1];
      diamond(x, middle, 4);
    } else if (!isQueue || last - first <= 240) {
      ink.fillStyle = colours.quiet;
      const tall = Math.min(3.4 + 2.2 * Math.log2(next - i), high - 5);
      ink.fillRect(x - 0.8, middle - tall / 2, 1.6, tall);
    }
    i = next;
  }
  ink.globalAlpha = 1;
}

// 1: a redelivery. 2: trouble. 3 and 4: the last that is known of a call that never ran and should have.
const strangeness = Uint8Array.from({ length: count }, (_, fact) => (isTrouble(fact) ? 2 : isReturn(fact) ? 1 : 0));
for (let task = 0; task < tasks.length; task++) {
  const facts = factsOfTask(task);
  const alarm = isBroken(task) ? 4 : isHazard(task) ? 3 : 0;
  if (alarm && facts.length && !barsOfTask.has(task)) strangeness[facts[facts.length - 1]] = alarm;
}

function diamond(x, y, size) {
  ink.beginPath();
  ink.moveTo(x, y - size);
  ink.lineTo(x + size, y);
  ink.lineTo(x, y + size);
  ink.lineTo(x - size, y);
  ink.fill();
}
