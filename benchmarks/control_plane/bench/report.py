"""The Markdown table for people and the JSON file with the same figures."""
import json
import os
import platform
import time
from pathlib import Path

NOTES = """\
What differs between the two sides: Slurm ran without accounting, cgroups and prolog, on one emulated node with 16
CPUs, scheduling at once instead of every 3 s. weft authenticates and encrypts every message, commits every
submission to disk before it answers, runs each rank as an unprivileged user and (as root) each node in a network
namespace of its own; it launched on two nodes where srun used one.
What Slurm does better: an array of 10,000 tasks is one submission there (13 ms on a machine like this) and weft has
no arrays; it has accounting, partitions, reservations and years of use on thousands of hosts; its submission clients
are separate processes, ours is one process with many requests on one connection.
Absolute rates belong to this machine and hour; only ratios inside this run mean something."""


def machine():
    cpu = next((line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().split("\n")
                if line.startswith("model name")), platform.machine())
    return {"cpu": cpu, "cores": os.cpu_count(), "kernel": platform.release(), "root": os.geteuid() == 0}


def number(value):
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.3g}"


def cell(spread):
    return f"{number(spread['median'])} ({number(spread['q1'])} to {number(spread['q3'])})" if spread else "-"


def row(what, weft, slurm, ratio, goal=""):
    verdict = ""
    if goal and ratio:
        sign, bound = goal[:2], float(goal[3:].rstrip("x"))
        verdict = "yes" if (ratio["median"] <= bound if sign == "<=" else ratio["median"] >= bound) else "NO"
    return [what, weft, slurm, f"{cell(ratio)}" if ratio else "-", goal or "-", verdict or "-"]


def rows(result):
    launch, calls, rates, full = (result[name] for name in ("launch", "submit_calls", "submissions", "full_queue"))
    yield row("`weft run -N 2 -- true` / `srun -n 2 true`, ms", cell(launch["weft"]), cell(launch.get("slurm")),
              launch.get("ratio"), "<= 0.1x")
    p99 = launch.get("ratio_p99")
    yield row("the same, p99, ms", number(launch["weft"]["p99"]), number(launch["slurm"]["p99"]) if p99 else "-",
              p99 and {"median": p99, "q1": p99, "q3": p99}, "<= 0.2x")
    best, single = rates.get("ratio_256_to_best"), rates.get("ratio_1_to_1")
    peers = rates.get("slurm", {})
    yield row("submissions/s, 1 in flight / libslurm, 1 client", cell(rates["weft"][1]["rate"]), cell(peers.get(1)),
              single, ">= 1.0x")
    for n in (16, 64):
        yield row(f"submissions/s, {n} in flight", cell(rates["weft"][n]["rate"]), "-", None)
    yield row("submissions/s, 256 in flight / best libslurm (4 clients shown)", cell(rates["weft"][256]["rate"]),
              cell(peers.get(4)), best, ">= 5.0x")
    yield row("`weft submit` / `sbatch`, ms", cell(calls["weft"]), cell(calls.get("slurm")), calls.get("ratio"), "<= 0.5x")
    memory, restart = full["memory_kib"], full["restart_ms"]
    yield row("memory per queued job, KiB", cell(memory["weft"]), cell(memory.get("slurm")), memory.get("ratio"), "<= 1.0x")
    yield row(f"kill -9 with {full['queued']:,} queued until the first answer, ms", cell(restart["weft"]),
              cell(restart.get("slurm")), restart.get("ratio"), "<= 0.5x")


def table(head, lines):
    return "\n".join(["| " + " | ".join(head) + " |", "|" + "---|" * len(head)] +
                     ["| " + " | ".join(map(str, line)) + " |" for line in lines])


def losses(result):
    for side in ("weft", "slurm"):
        runs = result["losses"].get(side)
        if runs:
            yield [side, ", ".join(f"{r['lost']:,} of {r['acknowledged']:,}" for r in runs),
                   f"{sum(r['next_id_reused'] for r in runs)} of {len(runs)}"]


def sqlite(result):
    rates = result["submissions"]
    for n, runs in rates["weft"].items():
        yield [n, cell(runs["rate"]), cell(runs["p50_ms"]), cell(runs["p99_ms"]), cell(runs["batch"]),
               cell(runs["limit"]), cell(rates["of_sqlite"][n])]


def markdown(result):
    about = result["about"]
    peer = about.get("peer") or "no peer: start it with --peer slurm"
    return "\n\n".join([
        f"## Control plane: {about['weft']} beside {peer}",
        f"{about['at']}, {about['machine']['cores']} cores of {about['machine']['cpu']}; median (quartiles), "
        f"{about['rounds']} rounds, {about['pairs']} pairs of calls, interleaved",
        table(["figure", "weft", "slurm", "ratio", "goal", "reached"], rows(result)),
        table(["in flight", "acknowledged/s", "p50 ms", "p99 ms", "mean batch", "SQLite alone at that batch, rows/s",
               "share of it"], sqlite(result)),
        table(["kill -9 while submitting", "acknowledged jobs lost", "next id was already given away"], losses(result)),
        NOTES])


def about(weft_version, slurm_version, rounds, pairs):
    return {"weft": weft_version, "peer": slurm_version, "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "machine": machine(), "rounds": rounds, "pairs": pairs}


def write(result, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=1) + "\n")
    print(markdown(result))
    print(f"\n(the same figures: {path})")
