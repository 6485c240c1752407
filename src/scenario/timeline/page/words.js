// Facts in words, and times with their units.

const WORDS = {
  "task.calling": (where, detail) => `${where} calls it, for queue ${detail}`,
  "task.called": (where) => `${where} is told that it is on its way`,
  "task.call-failed": (where, why) => `${where} is told that it was not sent: ${why}`,
  "queue.in": (where) => `in queue ${where}`,
  "queue.delivered": (where) => `queue ${where} sends it to a worker`,
  "queue.requeued": (where) => `back in queue ${where}, to be redelivered`,
  "queue.acked": (where) => `acked: queue ${where} forgets it`,
  "queue.dropped": (where, why) => `queue ${where} drops it: ${why}`,
  "queue.dead-lettered": (where, why) => `a dead letter of queue ${where}: ${why}`,
  "queue.recovered": (where) => `found again on the broker's disk, queue ${where}`,
  "task.received": (where, how) => `${where} receives it${how ? `, ${how}` : ""}`,
  "task.parked": (where) => `${where} holds it until it is due`,
  "task.started": (where, how) => `begins on ${where}${how ? `, ${how}` : ""}`,
  "task.finished": (where, how) => `${how}, on ${where}`,
  "task.child-lost": (where) => `${where} sees that the child that ran it is lost`,
  "task.cut": (where, why) => `${where} kills the child that runs it: ${why}`,
  "process.lost": (where, how) =>
    where.includes("/") ? `cut short, because ${where} ended: ${how}` : `${where} ended with it in its hands: ${how}`,
  "task.skipped": (where) => `${where} acks it and does not run it: it has succeeded before`,
  "task.revoking": (where) => `${where} revokes it`,
  "task.revoked": (where) => `${where} is told that its revoke is on its way`,
  "task.refused": (where, why) => `${where} refuses it: ${why}`,
  "result.stored": (where, state) => `${where} stores ${state}`,
  "result.ignored": (where, state) => `${where} keeps what it had, and not ${state}`,
  "result.forgotten": (where) => `${where} forgets its result`,
  "result.waiting": (where) => `${where} waits for its result`,
  "result.waited": (where, state) => `${where} stops waiting: ${state}`,
  "worker.draining": (where) => `${where} shuts down and takes nothing new`,
  "beat.due": (where, entry) => `${where}: ${entry} is due`,
  "beat.ticked": (where, entry) => `${where} has published ${entry}`,
};

function sentence(fact) {
  const words = WORDS[kindName(fact)];
  const where = lanes[laneOf[fact]].name || "(no name)";
  return words ? words(where, detailOf(fact)) : `${kindName(fact)} ${where} ${detailOf(fact)}`.trim();
}

const TROUBLE = new Set(["task.call-failed", "queue.dropped", "queue.dead-lettered", "task.refused", "task.cut", "task.child-lost"]);
const isTrouble = (fact) => TROUBLE.has(kindName(fact));
const isReturn = (fact) => kindName(fact) === "queue.requeued" || detailOf(fact).includes("redelivered");

const UNITS = [[86400e6, "d"], [3600e6, "h"], [60e6, "min"], [1e6, "s"], [1e3, "ms"], [1, "µs"]];

// A length of time, as exact as a reader wants it.
function span(micros) {
  if (micros === 0) return "0 s";
  const [unit, name] = UNITS.find(([unit]) => Math.abs(micros) >= unit) || UNITS[5];
  const value = micros / unit;
  return `${Number(value.toFixed(value >= 100 ? 0 : value >= 10 ? 1 : 2))} ${name}`;
}

// A time of the run, in seconds, to a digit that `step` can be told by.
function clock(micros, step = 1000) {
  const digits = Math.max(0, Math.min(6, Math.ceil(-Math.log10(step / 1e6))));
  const sign = micros < 0 ? "−" : "";
  let seconds = Math.abs(micros) / 1e6;
  if (seconds < 3600) return `${sign}${seconds.toFixed(digits)} s`;
  const hours = Math.floor(seconds / 3600);
  seconds -= hours * 3600;
  const minutes = String(Math.floor(seconds / 60)).padStart(2, "0");
  const rest = (seconds % 60).toFixed(digits).padStart(digits ? digits + 3 : 2, "0");
  return `${sign}${hours}:${minutes}:${rest} h`;
}

const shortId = (id) => (/^[0-9a-f]{8}-[0-9a-f]{4}-/.test(id) ? id.slice(0, 8) : id);
