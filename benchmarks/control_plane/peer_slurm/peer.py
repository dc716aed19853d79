"""A private, tuned Slurm as the benchmark drives it; see ./cluster."""
import os
import subprocess
import time
from pathlib import Path

from bench.process import fail, must, resident_kib, run, timed, wait_until

HERE = Path(__file__).resolve().parent


class Slurm:
    name = "slurm"

    def __init__(self):
        self.kit = str(HERE / "cluster")
        self.state = Path(must(self.kit, "start").strip())
        os.environ["SLURM_CONF"] = str(self.state / "slurm.conf")
        self.submit, self.script = str(self.state / "submit"), str(self.state / "job.sh")
        Path(self.script).write_text("#!/bin/sh\nexit 0\n")
        must("cc", "-O2", "-Wall", "-Wextra", "-o", self.submit, str(HERE / "submit.c"), "-lslurm")

    @staticmethod
    def install():
        must(str(HERE / "cluster"), "install")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        run(self.kit, "stop", str(self.state))

    def version(self):
        return must("srun", "--version").strip()

    def launch(self):
        return timed("srun", "-n", "2", "true")

    def submit_once(self):
        return timed("sbatch", "-H", "-o", "/dev/null", self.script)

    def queue(self):
        return [int(line) for line in must("squeue", "-h", "-r", "-o", "%A").split()]

    def clear(self):
        must("scancel", "--quiet", "--user", must("id", "-un").strip())
        wait_until("an empty queue", lambda: not self.queue(), 120)

    def load(self, jobs, clients):
        """Held jobs through libslurm, `jobs` by each client; acknowledged per second over all of them."""
        self.clear()
        started = [subprocess.Popen([self.submit, str(jobs), "hold"], stderr=subprocess.PIPE, text=True)
                   for _ in range(clients)]
        words = [client.communicate()[1].split() for client in started]
        if any(client.returncode for client in started):
            fail(f"libslurm with {clients} clients: {' '.join(words[0])}")
        seconds = max(float(line[line.index("seconds") + 1]) for line in words)
        p50 = max(float(line[line.index("p50_ms") + 1]) for line in words)
        return {"rate": jobs * clients / seconds, "p50_ms": p50}

    def fill(self, jobs):
        self.clear()
        must(self.submit, str(jobs), "hold")
        return max(self.queue())

    def controller_pid(self):
        return int((self.state / "run" / "slurmctld.pid").read_text())

    def resident_kib(self):
        return resident_kib(self.controller_pid())

    def crash_until_answer(self, job):
        """Seconds from the kill (and an immediate restart) until a job is shown again."""
        time.sleep(7)  # it saves its state at most every 5 s; let it, so that all jobs come back
        began = time.perf_counter()
        must(self.kit, "crash", str(self.state))
        must(self.kit, "recover", str(self.state))
        wait_until("slurmctld answers again", lambda: run("scontrol", "show", "job", str(job)).returncode == 0)
        return time.perf_counter() - began

    def lost_by_crash(self, seconds):
        """Submits until the controller is killed: acknowledged ids, how many are gone, the next id."""
        self.clear()
        ids = self.state / "acknowledged"
        with open(ids, "w") as out:
            client = subprocess.Popen([self.submit, "1000000", "hold", "print"], stdout=out,
                                      stderr=subprocess.DEVNULL)
            time.sleep(seconds)
            must(self.kit, "crash", str(self.state))
            client.kill()
            client.wait()
        must(self.kit, "recover", str(self.state))
        acknowledged = {int(line) for line in ids.read_text().split("\n")[:-1]}
        lost = acknowledged - set(self.queue())
        fresh = int(must(self.submit, "1", "hold", "print"))
        return {"acknowledged": len(acknowledged), "lost": len(lost), "next_id_reused": fresh in acknowledged}
