"""A guard ends what it guards with those it serves, and those with it; nobody pays for Ray who does not ask for it."""

import os
import subprocess
import sys
import time


class Elders:
    """A process that stands for Ray's worker, and its child, which has guarded a command."""

    def __init__(self, *command: str) -> None:
        self.reading, writing = os.pipe()
        self.worker = os.fork()
        if self.worker == 0:
            rank = os.fork()
            if rank == 0:
                code = subprocess.call(
                    [sys.executable, "-m", "pipeline.ray_rank", str(os.getppid()), str(os.getpid()), *command],
                    pass_fds=[writing],
                )
                os.write(writing, f"code {code};".encode())
                os._exit(0)
            os.write(writing, f"{rank};".encode())
            os.waitpid(rank, 0)
            time.sleep(60)
            os._exit(0)
        os.close(writing)

    def read(self) -> str:
        """The next word that any of them writes; empty where all have gone."""
        word = b""
        while (character := os.read(self.reading, 1)) not in (b";", b""):
            word += character
        return word.decode()

    def end(self) -> int:
        os.close(self.reading)
        return os.waitstatus_to_exitcode(os.waitpid(self.worker, 0)[1])


def waiting() -> list[str]:
    return ["sh", "-c", "echo -n 'runs;' >&$0; sleep 60", "1"]
