"""A virtual environment with a `vllm` and a `sglang` that are neither: real servers that take the same arguments.

They answer as a script says, write down what they were started with, and say what the real ones say in their logs; what
else they should do is told by files beside them.
"""

import argparse
import json
import os
import socket
import sys
import time
from pathlib import Path

_PROGRAM = """\
#!{python}
import sys
sys.path[:0] = {path!r}
from stand_in_engines import main
main({folder!r})
"""


class StandInEngines:
    """The environment's folder, and what its engines were started with.

    Attributes:
        environment: what a recipe names as `rewriting.engine_environment`.
        model: a folder that looks like a model's.
    """

    def __init__(self, folder: Path) -> None:
        self.environment = folder / "engines"
        (self.environment / "bin").mkdir(parents=True)
        here = [str(Path(__file__).parent), str(Path(__file__).parents[2])]
        text = _PROGRAM.format(python=sys.executable, path=here, folder=str(self.environment))
        for name in ("vllm", "python3"):
            program = self.environment / "bin" / name
            program.write_text(text)
            program.chmod(0o755)
        self.model = folder / "model"
        self.model.mkdir()
        (self.model / "config.json").write_text("{}")

    def starts(self) -> list[dict[str, object]]:
        """Of every start so far: `arguments`, `pid`, `environment`."""
        log = self.environment / "starts"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    def fail(self, words: str) -> None:
        """From now on every start says this and ends."""
        (self.environment / "fail").write_text(words)


def main(folder: str) -> None:
    """Be one of the programs."""
    if sys.argv[1] == "-I":  # whether there is a package
        sys.exit(0)
    from scripted_answers import by_marker, good
    from scripted_model import Reply, serve

    with Path(folder, "starts").open("a") as log:
        started = {"arguments": sys.argv[1:], "pid": os.getpid(), "environment": dict(os.environ)}
        log.write(json.dumps(started) + "\n")
    failure = Path(folder, "fail")
    if failure.exists():
        sys.exit(failure.read_text())
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--port", type=int)
    arguments.add_argument("--host")
    arguments.add_argument("--served-model-name")
    given, _ = arguments.parse_known_args()
    time.sleep(0.2)  # a real one is not there at once
    listening = socket.create_server((given.host, given.port))
    sys.stdout.write("INFO:     Application startup complete.\n" + "\N{SNOWMAN}" * 100_000 + "\n")
    sys.stdout.flush()
    script = by_marker({"# die": lambda _code: Reply(fault="die")}, good)
    serve(script, Path(folder, "asked.log"), given.served_model_name, listening=listening)
