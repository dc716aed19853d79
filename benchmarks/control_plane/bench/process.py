"""Starting programs and looking at processes."""
import shlex
import subprocess
import sys
import time
from pathlib import Path


def fail(text):
    sys.exit(f"bench control-plane: {text}")


def run(*command, **options):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def must(*command, **options):
    """Standard output of a command that has to end with exit code 0."""
    result = run(*command, **options)
    if result.returncode:
        fail(f"{shlex.join(command)}: exit {result.returncode}: {(result.stderr or result.stdout).strip()}")
    return result.stdout


def timed(*command):
    """Seconds from the call to the exit of a command that has to succeed."""
    began = time.perf_counter()
    must(*command)
    return time.perf_counter() - began


def resident_kib(*pids):
    def one(pid):
        status = Path("/proc", str(pid), "status").read_text()
        return int(status.split("VmRSS:")[1].split()[0])
    return sum(one(pid) for pid in pids)


def wait_until(what, condition, limit_s=60):
    """Polls; the first true value of the condition."""
    until = time.monotonic() + limit_s
    while time.monotonic() < until:
        value = condition()
        if value:
            return value
        time.sleep(.002)
    return fail(f"waited {limit_s} s in vain: {what}")
