"use strict";
// The facts of the run as columns. Times are microseconds of virtual time.

const data = JSON.parse(document.getElementById("data").textContent);
const count = data.facts.after.length;
const END = Math.max(data.end, 1);
const NONE = -1;

const at = new Float64Array(count);
const taskOf = Int32Array.from(data.facts.task);
const laneOf = Int32Array.from(data.facts.lane);
const kindOf = Uint8Array.from(data.facts.kind);
const causeOf = new Int32Array(count);
for (let i = 0, now = 0; i < count; i++) {
  now += data.facts.after[i];
  at[i] = now;
  causeOf[i] = data.facts.cause[i] > 0 ? i - data.facts.cause[i] : NONE;
}
const detailOf = (fact) => data.details[data.facts.detail[fact]] || "";
const kindName = (fact) => data.kinds[kindOf[fact]];

const lanes = data.lanes;
for (const life of data.lives) {
  life.from /= 1000;
  life.to = life.to === undefined ? null : life.to / 1000;
}
for (const fault of data.faults) {
  fault.at /= 1000;
  fault.lasts = fault.lasts === undefined ? 0 : fault.lasts / 1000;
}

const tasks = data.tasks.id;
const nameOf = (task) => data.names[data.tasks.name[task]] || "";
const fateOf = (task) => data.fates[data.tasks.fate[task]];
// The first keys are hazards, the rest says how a task ended.
const HAZARDS = data.keys.findIndex(([key]) => key === "failed");
const bitsOf = (wanted) => data.keys.reduce((bits, [key, broken], bit) => (wanted(bit, broken) ? bits | (1 << bit) : bits), 0);
const BROKEN = bitsOf((bit, broken) => broken);
const HAZARD = bitsOf((bit) => bit < HAZARDS);
const isBroken = (task) => task >= 0 && (data.tasks.counted[task] & BROKEN & ~SUCCEEDED) !== 0;
const isHazard = (task) => task >= 0 && (data.tasks.counted[task] & HAZARD) !== 0;
const SUCCEEDED = 1 << data.keys.findIndex(([key]) => key === "succeeded");

// Facts by lane and by task, each in the order of time.
function grouped(groups, groupOf) {
  const start = new Int32Array(groups + 1);
  for (let i = 0; i < count; i++) if (groupOf[i] >= 0) start[groupOf[i] + 1]++;
  for (let g = 0; g < groups; g++) start[g + 1] += start[g];
  const next = start.slice();
  const order = new Int32Array(start[groups]);
  for (let i = 0; i < count; i++) if (groupOf[i] >= 0) order[next[groupOf[i]]++] = i;
  return (group) => order.subarray(start[group], start[group + 1]);
}
const factsOfLane = grouped(lanes.length, laneOf);
const factsOfTask = grouped(tasks.length, taskOf);

// Executions. A pool child runs one at a time, so those of a lane are in the order of their ends as well.
const bars = lanes.map(() => []);
const barsOfTask = new Map();
{
  const running = new Array(lanes.length).fill(null);
  for (let i = 0; i < count; i++) {
    const kind = kindName(i);
    if (kind === "task.started") {
      const bar = { task: taskOf[i], lane: laneOf[i], from: at[i], to: END, how: "still running", cut: false, fact: i };
      running[laneOf[i]] = bar;
      bars[laneOf[i]].push(bar);
      if (!barsOfTask.has(bar.task)) barsOfTask.set(bar.task, []);
      barsOfTask.get(bar.task).push(bar);
    } else if ((kind === "task.finished" || kind === "process.lost") && running[laneOf[i]]) {
      const bar = running[laneOf[i]];
      bar.to = at[i];
      bar.cut = kind === "process.lost";
      bar.how = bar.cut ? `cut short: ${detailOf(i)}` : detailOf(i);
      running[laneOf[i]] = null;
    }
  }
}

// How much waits in each queue, and how much of it is with workers, as steps.
const depths = lanes.map(() => ({ at: [], ready: [], held: [], most: 0 }));
{
  const broker = lanes.findIndex((lane) => lane.kind === "broker");
  const falls = data.lives.filter((life) => life.lane === broker && life.to !== null).map((life) => life.to);
  const now = lanes.map(() => [0, 0]);
  const sent = new Map();
  const step = (lane, time, ready, held) => {
    const level = now[lane];
    level[0] = Math.max(0, level[0] + ready);
    level[1] = Math.max(0, level[1] + held);
    const steps = depths[lane];
    const last = steps.at.length - 1;
    if (last < 0 || steps.at[last] !== time) steps.at.push(time), steps.ready.push(level[0]), steps.held.push(level[1]);
    else (steps.ready[last] = level[0]), (steps.held[last] = level[1]);
    steps.most = Math.max(steps.most, level[0] + level[1]);
  };
  for (let i = 0; i < count; i++) {
    const lane = laneOf[i];
    while (falls.length && falls[0] <= at[i]) {
      const fall = falls.shift();
      lanes.forEach((of, other) => of.kind === "queue" && step(other, fall, -now[other][0], -now[other][1]));
      sent.clear();
    }
    if (lanes[lane].kind !== "queue") continue;
    const out = sent.get(taskOf[i]) || 0;
    switch (kindName(i)) {
      case "queue.in": case "queue.recovered": step(lane, at[i], 1, 0); break;
      case "queue.delivered": step(lane, at[i], -1, 1); sent.set(taskOf[i], out + 1); break;
      case "queue.requeued": step(lane, at[i], 1, -1); sent.set(taskOf[i], out - 1); break;
      case "queue.acked": case "queue.dropped": case "queue.dead-lettered":
        if (out > 0) step(lane, at[i], 0, -1), sent.set(taskOf[i], out - 1);
        else step(lane, at[i], -1, 0);
    }
  }
}

// The first index of a sorted list whose value is not below `value`.
function lowerBound(length, valueAt, value) {
  let low = 0, high = length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (valueAt(middle) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
