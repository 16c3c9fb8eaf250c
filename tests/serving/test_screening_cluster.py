"""On a Ray cluster of two nodes the parts are those of one machine, byte by byte."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from screening_world import digests, here, run, write_input

from serving.screening import processes
from serving.screening.filters import SortedColumn
from serving.screening.run import Screening, screen
from serving.screening.work import WorkerError

# in a process of its own: Ray leaves threads and settings behind
ON_TWO_NODES = """
import json, os, sys
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
from pathlib import Path
from ray.cluster_utils import Cluster
from serving.screening.filters import SortedColumn
from serving.screening.run import Screening, screen
cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
cluster.add_node(num_cpus=1)
cluster.wait_for_nodes()
try:
    outcome = screen(Screening(
        Path(sys.argv[1]), Path(sys.argv[2]), source=sys.argv[3], address=cluster.address,
        top=(SortedColumn.parse("log10_sigma_S_per_cm"), 7),
    ))
finally:
    cluster.shutdown()
print(json.dumps([outcome.rows, outcome.errors, outcome.parts, outcome.faults]))
"""


def test_two_nodes_write_the_bytes_of_one_machine(
    tmp_path: Path, bundles: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ray")
    source = write_input(tmp_path / "in.parquet", 96)
    arguments = [sys.executable, "-c", ON_TWO_NODES, str(source), str(tmp_path / "ray"), str(bundles)]
    done = subprocess.run(arguments, capture_output=True, timeout=300, cwd=Path(__file__).parents[2], check=False)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    assert json.loads(done.stdout.splitlines()[-1]) == [96, 24, 6, []]
    run(source, tmp_path / "here", bundles, top=(SortedColumn.parse("log10_sigma_S_per_cm"), 7))
    assert digests(tmp_path / "ray") == digests(tmp_path / "here")
    assert (tmp_path / "ray_top.parquet").read_bytes() == (tmp_path / "here_top.parquet").read_bytes()


def test_a_cluster_that_is_not_there_is_said(tmp_path: Path, bundles: Path) -> None:
    pytest.importorskip("ray")
    source = write_input(tmp_path / "in.parquet", 8)
    with pytest.raises(WorkerError, match=r"no Ray cluster at '127\.0\.0\.1:9'"):
        screen(Screening(source, tmp_path / "out", source=str(bundles), address="127.0.0.1:9"))


def test_without_ray_the_words_say_what_to_install(
    tmp_path: Path, bundles: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    source = write_input(tmp_path / "in.parquet", 8)
    with pytest.raises(WorkerError, match=r"install elyte\[cluster\]"):
        screen(Screening(source, tmp_path / "out", source=str(bundles), address="local"))
    monkeypatch.setattr(processes, "run_on_processes", here)
    assert run(source, tmp_path / "out", bundles).parts == 1  # nothing stands in the way of going on without
