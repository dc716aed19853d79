"""Medians with quartiles; ratios are taken pair by pair, inside one interleaved run."""
import statistics


def at(ordered, share):
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def spread(values):
    ordered = sorted(values)
    return {"n": len(ordered), "min": ordered[0], "q1": at(ordered, .25), "median": statistics.median(ordered),
            "q3": at(ordered, .75), "p99": at(ordered, .99), "max": ordered[-1]}


def ratios(numerators, denominators):
    return spread([a / b for a, b in zip(numerators, denominators)])
