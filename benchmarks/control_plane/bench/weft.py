"""weft as the benchmark drives it: a fresh broker with workers in a state directory of its own."""
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from bench.process import must, resident_kib, run, timed, wait_until


class Weft:
    name = "weft"

    def __init__(self, programs, nodes=2):
        self.programs, self.state = Path(programs), Path(tempfile.mkdtemp(prefix="weft-bench-"))
        self.weft = str(self.programs / "weft")
        os.chmod(self.state, 0o755)
        must(self.weft, "up", "--state", str(self.state), "--nodes", str(nodes))
        # More nodes than there are: it waits, as the peer's held jobs do.
        self.file = self.state / "job.yaml"
        self.file.write_text("weft: 1\nname: load\nnodes: 64\ntime: 1m\nrun: [\"true\"]\n")

    def down(self):
        """Ends the processes, keeps the journal."""
        must(*self.verb("down"))

    def stop(self):
        run(*self.verb("down"))
        shutil.rmtree(self.state, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def verb(self, *arguments):
        return (self.weft, arguments[0], "--state", str(self.state), *arguments[1:])

    def version(self):
        return must(self.weft, "version").split("\n")[0].strip()

    def launch(self):
        return timed(*self.verb("run", "-N", "2", "-t", "1m", "--", "true"))

    def submit_once(self):
        return timed(*self.verb("submit", str(self.file)))

    def load(self, jobs, in_flight):
        """Held jobs through one client process; the figures that it prints."""
        out = must(str(self.programs / "weft-submit-load"), "--state", str(self.state), "--jobs", str(jobs),
                   "--in-flight", str(in_flight))
        return json.loads(out)

    def broker_pids(self):
        """The broker (first) and its gateways."""
        brokers, gateways = [], []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
                parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except (OSError, IndexError):
                continue
            if not words[0].endswith(b"weft-broker"):
                continue
            if b"gateway" in words[1:2]:
                gateways.append((parent, int(entry.name)))
            elif str(self.state).encode() in words:
                brokers.append(int(entry.name))
        return brokers + [pid for parent, pid in gateways if parent in brokers]

    def resident_kib(self):
        return resident_kib(*self.broker_pids())

    def crash(self):
        """kill -9 of the broker; returns when the kernel has taken it away."""
        pid = self.broker_pids()[0]
        os.kill(pid, signal.SIGKILL)
        return pid

    def crash_until_answer(self, job):
        """Seconds from the kill (its supervisor restarts the broker) until a job is shown again."""
        began = time.perf_counter()
        self.crash()
        wait_until("the broker answers again", lambda: run(*self.verb("show", str(job))).returncode == 0)
        return time.perf_counter() - began

    def lost_by_crash(self, seconds):
        """Submits until the broker is killed: acknowledged ids, those of them that are gone, the next id."""
        ids = self.state / "acknowledged"
        with open(ids, "w") as out:
            client = subprocess.Popen([str(self.programs / "weft-submit-load"), "--state", str(self.state),
                                       "--jobs", "10000000", "--in-flight", "64", "--print"],
                                      stdout=out, stderr=subprocess.DEVNULL)
            time.sleep(seconds)
            self.crash()
            client.kill()
            client.wait()
        acknowledged = [int(line) for line in ids.read_text().split("\n")[:-1]]
        checked = json.loads(must(str(self.programs / "weft-submit-load"), "--state", str(self.state),
                                  "--check", str(ids)))
        fresh = int(re.search(r"\d+", must(*self.verb("submit", str(self.file)))).group())
        return {"acknowledged": len(acknowledged), "lost": checked["missing"],
                "next_id_reused": fresh in set(acknowledged)}
