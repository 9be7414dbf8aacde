"""What a job on Slurm starts: datatrove's launcher, with SIGUSR1 held back until the task can heed it.

What a task needs takes seconds to import. A signal that came meanwhile would end the process without a word, and with
it all jobs that wait for this one. Held back it waits until `stoppable` lets it in, and changes nothing any more once
that is left: then the work is done.

    python3 -P -m pipeline.slurm_start EXECUTOR
"""

import signal


def main() -> None:
    """Be the task of a job."""
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
    from datatrove.tools.launch_pickled_pipeline import main as launch

    launch()


if __name__ == "__main__":
    main()
