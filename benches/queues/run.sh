#!/usr/bin/env bash
# Everything on a real Redis and on a real RabbitMQ, side by side: simq, Python's Celery, other crates, and a bare loop.
# Took ten minutes on two cores, after the build.
#
#   benches/queues/run.sh                  both
#   benches/queues/run.sh redis            one of the two: redis, rabbit
#   benches/queues/run.sh rabbit drain     its lines with this in their name
#
#   ROUNDS   rounds, of which the medians are printed (default 3)
#   TASKS    tasks of a fast arm; slow arms get a tenth (default 20000)
set -euo pipefail
cd "$(dirname "$0")/../.."

scripts/setup
peers=benches/queue_peers
if ! cargo build --release --locked --manifest-path "$peers/Cargo.toml"; then
    echo "The other crates can't be built; they are left out." >&2
fi
export QUEUE_PEERS="${CARGO_TARGET_DIR:-$PWD/$peers/target}/release/queue-peers"
which=${1:-redis rabbit}
for bench in $which; do
    cargo bench --locked --bench "$bench" -- --rounds "${ROUNDS:-3}" --tasks "${TASKS:-20000}" "${@:2}"
done
