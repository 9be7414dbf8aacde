"""A real Slurm for tests: a controller, munge and two or more nodes, all on this host, in a folder of its own.

Loopback only, free ports, no cgroups, no accounting, no systemd; it needs root. The scheduler looks often, so a job
starts within a second. A start takes two seconds. Several clusters may run at the same time.
"""

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
import pytest

PROGRAMS = ("slurmctld", "slurmd", "munged", "sbatch", "srun", "squeue", "scontrol", "scancel", "sinfo")
PARTITION = "cpu"
_START_SECONDS = 60
_STOP_SECONDS = 20
_PR_SET_PDEATHSIG = 1
# A job that is put back into the queue waits as long as its credential is good, two minutes by default.
_CREDENTIAL_SECONDS = 10
_CONF = """\
ClusterName=tests
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={socket},cred_expire={credential_seconds}
CredType=cred/munge
MpiDefault=none
SlurmctldPort={controller_port}
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool/%n
SlurmctldLogFile={folder}/log/slurmctld.log
SlurmdLogFile={folder}/log/slurmd-%n.log
MailProg=/bin/true
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/filetxt
JobCompLoc={folder}/log/jobs.txt
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_interval=1,sched_min_interval=0,bf_interval=1
EpilogMsgTime=100
DefMemPerCPU=256
MaxArraySize={maximum_array}
MaxJobCount=5000
MinJobAge=300
ReturnToService=2
JobRequeue=1
KillWait=5
InactiveLimit=0
{nodes}
PartitionName={partition} Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


@dataclass(frozen=True)
class SlurmCluster:
    """A running cluster.

    Attributes:
        conf: its slurm.conf; clients find it by SLURM_CONF.
        nodes: names of its nodes.
    """

    folder: Path
    conf: Path
    nodes: tuple[str, ...]

    def environment(self) -> dict[str, str]:
        """What a client needs to find it."""
        return {"SLURM_CONF": str(self.conf)}

    def call(self, *command: str) -> str:
        """Standard output of a client of this cluster; raises CalledProcessError where it ends otherwise than well."""
        environment = os.environ | self.environment()
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60).stdout

    def queued(self) -> list[str]:
        """Ids of all jobs that wait or run."""
        return self.call("squeue", "--noheader", "--format=%i").split()

    def jobs(self) -> list[dict[str, str]]:
        """What the controller knows of every job, finished ones, too: a field's name -> its value."""
        lines = self.call("scontrol", "--oneliner", "show", "job").splitlines()
        return [dict(part.split("=", 1) for part in line.split() if "=" in part) for line in lines if "JobId=" in line]

    def wait(self, until: Callable[[], bool], *, seconds: float = 120) -> None:
        """Look again and again until something holds; fails the test where it does not in time."""
        deadline = time.monotonic() + seconds
        while not until():
            if time.monotonic() > deadline:
                pytest.fail(f"it did not come to pass within {seconds} s; the queue: {self.call('squeue', '--long')}")
            time.sleep(0.2)

    def cancel_all(self) -> None:
        """End every job and wait until none is left."""
        if self.queued():
            self.call("scancel", "--full", *{job.split("_")[0] for job in self.queued()})
            self.wait(lambda: not self.queued(), seconds=60)


def skip_without_slurm() -> None:
    """Skip the test where Slurm cannot be run here.

    Raises:
        pytest.skip.Exception: a program is not installed, or this is not root.
    """
    missing = [name for name in PROGRAMS if not _program(name)]
    if missing:
        pytest.skip(f"Slurm ({', '.join(missing)}) is not installed: `make servers` installs it")
    if os.geteuid() != 0:
        pytest.skip("Slurm (slurmd) starts only as root")


@contextmanager
def slurm_cluster(folder: Path, *, num_nodes: int = 2, maximum_array: int = 1001) -> Iterator[SlurmCluster]:
    """A cluster whose files lie in `folder`; it is ended, with all its jobs, when the block ends."""
    skip_without_slurm()
    nodes = tuple(f"n{number + 1}" for number in range(num_nodes))
    for name in ("log", "state", "munge", *(f"spool/{node}" for node in nodes)):
        (folder / name).mkdir(parents=True, exist_ok=True)
    # The path of a socket has at most 107 bytes, which the folder of a test may exceed.
    with TemporaryDirectory(prefix="munge-") as short, ExitStack() as stack:
        Path(short).chmod(0o755)
        conf = _write_conf(folder, nodes, socket_path=f"{short}/socket", maximum_array=maximum_array)
        cluster = SlurmCluster(folder, conf, nodes)
        _start(stack, _munged(folder, f"{short}/socket"), log=folder / "log/munged.out")
        cluster.wait(Path(short, "socket").exists, seconds=_START_SECONDS)
        _start(stack, ["slurmctld", "-D", "-i", "-f", str(conf)], log=folder / "log/slurmctld.out")
        for node in nodes:
            _start(stack, ["slurmd", "-D", "-N", node, "-f", str(conf)], log=folder / f"log/slurmd-{node}.out")
        _wait_for_nodes(cluster)
        stack.callback(_end_jobs, cluster)
        yield cluster


def _program(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


def _write_conf(folder: Path, nodes: Sequence[str], *, socket_path: str, maximum_array: int) -> Path:
    host = socket.gethostname().split(".")[0]
    controller_port, *ports = _free_ports(len(nodes) + 1)
    memory = psutil.virtual_memory().total * 9 // 10 >> 20
    lines = [
        f"NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs={os.cpu_count()} RealMemory={memory}"
        for node, port in zip(nodes, ports, strict=True)
    ]
    conf = folder / "slurm.conf"
    conf.write_text(
        _CONF.format(
            host=host,
            socket=socket_path,
            credential_seconds=_CREDENTIAL_SECONDS,
            controller_port=controller_port,
            folder=folder,
            maximum_array=maximum_array,
            nodes="\n".join(lines),
            partition=PARTITION,
        )
    )
    return conf


def _munged(folder: Path, socket_path: str) -> list[str]:
    """The command of a munge daemon with a key and a socket of its own, so that the system's is left alone."""
    key = folder / "munge/key"
    key.write_bytes(os.urandom(1024))
    key.chmod(0o400)
    (folder / "munge").chmod(0o700)
    files = {"key": key, "socket": socket_path, "pid": f"{socket_path}.pid"}
    options = [f"--{name}-file={files[name]}" for name in ("key", "pid")]
    logs = [f"--log-file={folder}/log/munged.log", f"--seed-file={folder}/munge/seed"]
    return ["munged", "--foreground", "--force", f"--socket={socket_path}", *options, *logs, "--num-threads=2"]


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]


def _start(stack: ExitStack, command: list[str], *, log: Path) -> None:
    """Start a daemon in the foreground, a child of ours that dies with us, and have it ended when the stack unwinds."""
    program = _program(command[0])
    assert program is not None
    with log.open("wb") as file:
        process = subprocess.Popen(
            [program, *command[1:]],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
            preexec_fn=lambda: ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM),  # noqa: PLW1509
        )
    stack.callback(_end, process)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _wait_for_nodes(cluster: SlurmCluster) -> None:
    def ready() -> bool:
        with suppress(subprocess.CalledProcessError):
            states = cluster.call("sinfo", "--noheader", "--Node", "--format=%t").split()
            return len(states) == len(cluster.nodes) and set(states) <= {"idle", "mix", "alloc"}
        return False

    deadline = time.monotonic() + _START_SECONDS
    while not ready():
        if time.monotonic() > deadline:
            logs = "\n".join(log.read_text()[-2000:] for log in sorted(cluster.folder.glob("log/*")))
            pytest.fail(f"Slurm did not start within {_START_SECONDS} s:\n{logs}")
        time.sleep(0.2)


def _end_jobs(cluster: SlurmCluster) -> None:
    """End what still runs: a job's own processes would outlive the daemons."""
    with suppress(subprocess.CalledProcessError):
        cluster.cancel_all()
