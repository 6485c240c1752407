#!/usr/bin/env bash
# Everything on a real Redis, side by side: simq, Python's Celery, other crates, and a bare loop. Took six minutes on two
# cores under heavy load, after the build.
#
#   ROUNDS   rounds, of which the medians are printed (default 3)
#   TASKS    tasks of a fast arm; slow arms get a tenth (default 20000)
#
# More words go to the bench: `benches/redis/run.sh drain` runs the lines with this in their name.
set -euo pipefail
cd "$(dirname "$0")/../.."

scripts/setup
peers=benches/redis_peers
if ! cargo build --release --locked --manifest-path "$peers/Cargo.toml"; then
    echo "The other crates can't be built; they are left out." >&2
fi
export REDIS_PEERS="${CARGO_TARGET_DIR:-$PWD/$peers/target}/release/redis-peers"
cargo bench --locked --bench redis -- --rounds "${ROUNDS:-3}" --tasks "${TASKS:-20000}" "$@"
