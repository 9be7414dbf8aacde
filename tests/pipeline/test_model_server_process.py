from pathlib import Path

from pipeline.model_orders import Order
from pipeline.model_server_process import _LOG_BYTES, _logger


def test_a_log_keeps_its_last_megabytes_and_its_last_lines(tmp_path: Path) -> None:
    order = Order(
        engine="vllm", program="", path="", name="m", revision=None, dtype="auto", context=1, tensor_parallel=1,
        data_parallel=1, seed=0, slots=1, log=str(tmp_path / "log"),
    )  # fmt: skip
    log, last = _logger(order)
    for number in range(5000):
        log.info(f"{number} \x1b[31m{'x' * 10_000}\n")
    sizes = [path.stat().st_size for path in tmp_path.iterdir()]
    assert len(sizes) == 2
    assert all(0 < size <= _LOG_BYTES for size in sizes)
    assert (tmp_path / "log").read_text().splitlines()[-1].startswith("4999 ")
    assert [line.split()[0] for line in last.lines] == [str(number) for number in range(4988, 5000)]
    assert all(line.isprintable() for line in last.lines)
