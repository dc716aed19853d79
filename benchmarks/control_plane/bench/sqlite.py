"""What SQLite alone does with the rows that a broker has written."""
import json
import re

from bench.process import fail, must


def mean_batch(state):
    """Records a commit over the life of a broker that has ended: it says so in its log."""
    log = state / "broker" / "broker.err"
    found = re.findall(r"wrote (\d+) records in (\d+) commits", log.read_text())
    if not found:
        fail(f"{log} does not say how many records it wrote in how many commits")
    records, commits = map(int, found[-1])
    return max(1.0, records / max(1, commits))


def limit(programs, state, batch):
    """The newest 1,000 commits of that size, or 20,000 rows, written again as fast as SQLite does it."""
    rows = max(100, min(20_000, int(batch * 1_000)))
    return json.loads(must(str(programs / "weft-sqlite-limit"), "--journal", str(state / "broker" / "journal.db"),
                           "--batch", str(max(1, round(batch))), "--rows", str(rows)))
