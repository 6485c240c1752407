// The whole run in one strip: how many executions ran, when faults came, and what part is seen.

let busy = null;

// How busy the pool was, at each pixel; and where broken expectations are.
function measureBusy(width) {
  const load = new Float64Array(width + 1);
  const broken = new Uint8Array(width + 1);
  const place = (time) => Math.min(width - 1, Math.max(0, Math.floor((time / END) * width)));
  for (const own of bars)
    for (const bar of own) {
      const [first, last] = [place(bar.from), place(bar.to)];
      const pixel = END / width;
      for (let x = first; x <= last; x++) {
        const share = Math.min(bar.to, (x + 1) * pixel) - Math.max(bar.from, x * pixel);
        load[x] += Math.max(share, 0) / pixel;
        if (isBroken(bar.task)) broken[x] = 1;
      }
    }
  for (let task = 0; task < tasks.length; task++)
    if (isBroken(task)) for (const fact of factsOfTask(task)) broken[place(at[fact])] = 1;
  return { width, load, broken, most: load.reduce((most, value) => Math.max(most, value), 0) };
}

const overX = (time) => view.gutter + (time / END) * (plotWidth() - 12);
const overTime = (x) => ((x - view.gutter) / (plotWidth() - 12)) * END;

function drawOverview() {
  const brush = overview.getContext("2d", { alpha: false });
  const [width, height] = [view.width, 45];
  const inner = Math.max(1, Math.floor(plotWidth() - 12));
  if (!busy || busy.width !== inner) busy = measureBusy(inner);
  brush.setTransform(view.ratio, 0, 0, view.ratio, 0, 0);
  brush.fillStyle = colours.bg;
  brush.fillRect(0, 0, width, height + 1);
  brush.fillStyle = colours.ready;
  const scale = (height - 14) / Math.max(busy.most, 1);
  for (let x = 0; x < inner; x++) if (busy.load[x] > 0) brush.fillRect(view.gutter + x, height - 4 - busy.load[x] * scale, 1, busy.load[x] * scale);
  brush.fillStyle = colours.broken;
  for (let x = 0; x < inner; x++) if (busy.broken[x]) brush.fillRect(view.gutter + x, height - 4, 1.5, 3);
  brush.fillStyle = colours.fault;
  for (const fault of data.faults) brush.fillRect(overX(fault.at) - 0.75, 6, 1.5, height - 10);
  const [x0, x1] = [Math.max(overX(Math.max(view.from, 0)), view.gutter), Math.min(overX(Math.min(view.to, END)), width)];
  brush.globalAlpha = 0.62;
  brush.fillStyle = colours.bg;
  brush.fillRect(view.gutter, 0, x0 - view.gutter, height);
  brush.fillRect(x1, 0, width - x1, height);
  brush.globalAlpha = 1;
  brush.strokeStyle = colours.quiet;
  brush.strokeRect(Math.round(x0) + 0.5, 3.5, Math.max(x1 - x0 - 1, 2), height - 6);
  brush.font = `11px ${SANS}`;
  brush.textBaseline = "middle";
  brush.fillStyle = colours.quiet;
  brush.fillText("whole run", 14, height / 2);
}
