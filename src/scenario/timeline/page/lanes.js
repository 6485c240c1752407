// Where each lane lies. Top-level processes begin a group.

const layout = { lanes: [], height: 0 };

function layOut() {
  const children = lanes.filter((lane) => lane.kind === "child").length;
  const thin = children > 48;
  const heights = { client: 24, beat: 24, broker: 20, queue: 42, worker: 22, child: thin ? 14 : 24, backend: 24 };
  const gap = (lane, number) => (number === 0 || lane.of !== undefined ? 0 : thin && lane.kind === "worker" ? 4 : 10);
  const least = lanes.reduce((sum, lane, number) => sum + heights[lane.kind] + gap(lane, number), 22);
  // A few lanes take the room that there is.
  const stretch = Math.min(Math.max((view.height - TOP) / least, 1), 1.7);
  let y = 10;
  layout.lanes = lanes.map((lane, number) => {
    y += gap(lane, number) * stretch;
    const place = { y, height: heights[lane.kind] * stretch };
    y += place.height;
    return place;
  });
  layout.height = y + 12;
  const letters = (lane, number) => (lane.kind === "queue" ? Math.max(lane.name.length, caption(number).length) : lane.name.length);
  const longest = lanes.reduce((most, lane, number) => Math.max(most, letters(lane, number) + (lane.of === undefined ? 0 : 2)), 8);
  view.gutter = Math.min(Math.max(longest * 6.5 + 26, 112), view.width < 600 ? 120 : 200);
}

const caption = (queue) => `queue, max ${depths[queue].most}`;

const topOf = (lane) => TOP + layout.lanes[lane].y - view.scroll;
const middleOf = (lane) => topOf(lane) + layout.lanes[lane].height / 2;
const isSeen = (lane) => topOf(lane) + layout.lanes[lane].height > TOP && topOf(lane) < view.height;

function laneAt(y) {
  if (y < TOP) return NONE;
  return layout.lanes.findIndex((place) => y >= TOP + place.y - view.scroll && y < TOP + place.y + place.height - view.scroll);
}

// What is at a point: an execution, or the nearest fact within reach.
function hit(x, y) {
  const lane = laneAt(y);
  if (lane < 0 || x < view.gutter) return null;
  const time = timeAt(x);
  const reach = (6 / plotWidth()) * (view.to - view.from);
  const own = bars[lane];
  const first = lowerBound(own.length, (i) => own[i].to, time - reach / 3);
  let nearest = null;
  for (let i = first; i < own.length && own[i].from <= time + reach / 3; i++) {
    const bar = own[i];
    const off = Math.max(bar.from - time, time - bar.to, 0);
    if (nearest === null || off < nearest.off || bar.task === view.selected) nearest = { bar, task: bar.task, off };
  }
  if (nearest) return nearest;
  const facts = factsOfLane(lane);
  const from = lowerBound(facts.length, (i) => at[facts[i]], time - reach);
  for (let i = from; i < facts.length && at[facts[i]] <= time + reach; i++) {
    const off = Math.abs(at[facts[i]] - time) - (taskOf[facts[i]] === view.selected && view.selected >= 0 ? reach : 0);
    if (nearest === null || off < nearest.off) nearest = { fact: facts[i], task: taskOf[facts[i]], off };
  }
  return nearest || (lanes[lane].kind === "queue" ? { lane, time, task: NONE } : null);
}

function faultAt(x, y) {
  if (y < AXIS || y >= TOP) return null;
  return data.faults.find((fault) => Math.abs(xOf(fault.at) - x) < 7) || data.faults.find((fault) => fault.flag && x >= fault.flag[0] && x <= fault.flag[1]) || null;
}
