#!/usr/bin/env bash
# Builds the ports, runs every workload on each of them in interleaved rounds and prints the best of each by CPU time.
#
#   ROUNDS   rounds (default 5)
#   SEEDS    seeds of w3 (default 50)
#   PEERS    the ports to run (default "simq madsim turmoil"); how many times as fast simq is, is printed beside each peer
set -euo pipefail
cd "$(dirname "$0")"

# An inherited RUSTFLAGS would replace the flags of .cargo/config.toml.
unset RUSTFLAGS
cargo build --release --locked
read -ra peers <<<"${PEERS:-simq madsim turmoil}"

lines=$(mktemp)
trap 'rm -f "$lines"' EXIT
for ((round = 1; round <= ${ROUNDS:-5}; round++)); do
    for workload in "w1" "w2" "w3 --seeds ${SEEDS:-50}"; do
        for peer in "${peers[@]}"; do
            # A workload may be several words.
            # shellcheck disable=SC2086
            "${CARGO_TARGET_DIR:-target}/release/peer-$peer" $workload | tee -a "$lines" >&2
        done
    done
done

awk '
function field(name,    value) {
    if (!match($0, "\"" name "\":\"?[^\",}]*")) return ""
    value = substr($0, RSTART, RLENGTH)
    sub(/^"[^"]*":"?/, "", value)
    return value
}
{
    peer = field("peer"); workload = field("workload"); key = workload " " peer; cpu = field("cpu_seconds") + 0
    if (!(peer in seen)) { seen[peer]; peers[++count] = peer }
    if (!(workload in result)) result[workload] = field("result")
    if (field("result") != result[workload]) { print key ": result differs from that of the other ports"; failed = 1 }
    if (key in best && best[key] <= cpu) next
    best[key] = cpu
    rate[key] = field("per_cpu_second")
    speed[key] = field("virtual_seconds") / cpu
    seeds[key] = field("seeds_per_cpu_second")
}
END {
    unit["w1"] = "fires"; unit["w2"] = "messages"; unit["w3"] = "messages"
    printf "%-9s %-9s %9s %14s %9s %12s %9s\n", "workload", "peer", "CPU s", "per CPU s", "", "seeds/CPU s", "virtual/CPU"
    for (w = 1; w <= 3; w++) for (p = 1; p <= count; p++) {
        workload = "w" w; key = workload " " peers[p]
        if (!(key in best)) continue
        printf "%-9s %-9s %9.3f %14d %-9s %12s %10.0fx", workload, peers[p], best[key], rate[key], unit[workload], seeds[key], speed[key]
        simq = workload " simq"
        if (simq in best && peers[p] != "simq") printf "   simq is %.2fx as fast", rate[simq] / rate[key]
        print ""
    }
    exit failed
}' "$lines"
