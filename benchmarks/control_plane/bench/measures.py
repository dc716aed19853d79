"""What is measured. Each measure returns a dictionary of spreads; with a peer, ratios pair by pair.

Everything of one measure is interleaved, weft and peer in turn, and the order changes every round:
the same machine gives other rates at other hours, only ratios inside one run mean something.
"""
import random
import sys

from bench import sqlite
from bench.stats import ratios, spread
from bench.weft import Weft

IN_FLIGHT = {1: 800, 16: 6000, 64: 12000, 256: 20000}  # jobs that each load submits
LIBSLURM = {1: 500, 4: 300}                            # clients: jobs of each


def say(text):
    print(f"-- {text}", file=sys.stderr, flush=True)


def in_turn(rounds, ours, theirs):
    """Two lists, one value a round; who goes first alternates."""
    mine, peer = [], []
    for turn in range(rounds):
        for first in ((True, False) if turn % 2 else (False, True)):
            if first:
                mine.append(ours())
            elif theirs:
                peer.append(theirs())
    return mine, peer


def milliseconds(seconds):
    return spread([s * 1e3 for s in seconds])


def compare(mine, peer):
    result = {"weft": spread(mine)}
    if peer:
        result |= {"slurm": spread(peer), "ratio": ratios(mine, peer)}
    return result


def calls(weft_call, slurm_call, pairs):
    weft_call()  # warm both
    if slurm_call:
        slurm_call()
    mine, peer = in_turn(pairs, weft_call, slurm_call)
    result = compare([s * 1e3 for s in mine], [s * 1e3 for s in peer])
    if peer:
        result["ratio_p99"] = result["weft"]["p99"] / result["slurm"]["p99"]
    return result


def launch(programs, slurm, pairs):
    say(f"launch: weft run -N 2 -t 1m -- true, {pairs} times" + (", with srun -n 2 true in turn" if slurm else ""))
    with Weft(programs, 2) as weft:
        return calls(weft.launch, slurm and slurm.launch, pairs)


def submit_calls(programs, slurm, pairs):
    say(f"weft submit, {pairs} times" + (", with sbatch in turn" if slurm else ""))
    if slurm:
        slurm.clear()
    with Weft(programs, 2) as weft:
        return calls(weft.submit_once, slurm and slurm.submit_once, pairs)


def weft_load(programs, in_flight, share):
    """One load on a fresh broker; its figures, the mean batch and SQLite's rate at that batch."""
    with Weft(programs, 1) as weft:
        figures = weft.load(max(50, int(IN_FLIGHT[in_flight] * share)), in_flight)
        weft.down()
        figures["batch"] = sqlite.mean_batch(weft.state)
        limit = sqlite.limit(programs, weft.state, figures["batch"])
        return figures | {"limit": limit["rate"], "commit_p50_ms": limit["commit_p50_ms"]}


def submissions(programs, slurm, rounds, share):
    """Acknowledged submissions a second: ours by requests in flight, libslurm's by clients."""
    say(f"submissions: {rounds} rounds of {', '.join(map(str, IN_FLIGHT))} in flight" +
        (" and of libslurm with 1 and 4 clients" if slurm else ""))
    ours, theirs = {n: [] for n in IN_FLIGHT}, {n: [] for n in LIBSLURM if slurm}
    for turn in range(rounds):
        steps = [lambda n=n: ours[n].append(weft_load(programs, n, share)) for n in ours]
        steps += [lambda n=n: theirs[n].append(slurm.load(max(20, int(LIBSLURM[n] * share)), n)) for n in theirs]
        random.Random(turn).shuffle(steps)
        for step in steps:
            step()
    if slurm:
        slurm.clear()
    result = {"weft": {n: {what: spread([r[what] for r in runs]) for what in runs[0]} for n, runs in ours.items()},
              "of_sqlite": {n: ratios([r["rate"] for r in runs], [r["limit"] for r in runs]) for n, runs in ours.items()}}
    if slurm:
        result["slurm"] = {n: spread([r["rate"] for r in runs]) for n, runs in theirs.items()}
        best = [max(rates) for rates in zip(*[[r["rate"] for r in runs] for runs in theirs.values()])]
        result["ratio_256_to_best"] = ratios([r["rate"] for r in ours[256]], best)
        result["ratio_1_to_1"] = ratios([r["rate"] for r in ours[1]], [r["rate"] for r in theirs[1]])
    return result


def full_queue(programs, slurm, rounds, queued):
    """Memory of a queued job, and kill -9 with a full queue until the first answer."""
    say(f"{queued} queued jobs: memory, kill -9 until the first answer, {rounds} rounds")

    def ours():
        with Weft(programs, 1) as weft:
            before = weft.resident_kib()
            weft.load(queued, 64)
            return (weft.resident_kib() - before) / queued, weft.crash_until_answer(queued)

    def theirs():
        slurm.clear()
        before = slurm.resident_kib()
        last = slurm.fill(queued)
        return max(0.0, (slurm.resident_kib() - before) / queued), slurm.crash_until_answer(last)

    mine, peer = in_turn(rounds, ours, slurm and theirs)
    return {"queued": queued, "memory_kib": compare_or_first([m for m, _ in mine], [m for m, _ in peer]),
            "restart_ms": compare([s * 1e3 for _, s in mine], [s * 1e3 for _, s in peer])}


def compare_or_first(mine, peer):
    """slurmctld keeps memory that it once had: only its first filling grows, and counts."""
    result = {"weft": spread(mine)}
    if peer:
        result |= {"slurm": spread([max(peer)]), "ratio": ratios(mine, [max(peer)] * len(mine))}
    return result


def losses(programs, slurm, rounds):
    """kill -9 while clients submit: acknowledged jobs that are gone, ids that are given twice."""
    say(f"kill -9 while submitting, {rounds} rounds")
    delays = [random.uniform(1, 4) for _ in range(rounds)]
    result = {"weft": []}
    with Weft(programs, 1) as weft:
        result["weft"] = [weft.lost_by_crash(s) for s in delays]
    if slurm:
        result["slurm"] = [slurm.lost_by_crash(s) for s in delays]
        slurm.clear()
    return result
