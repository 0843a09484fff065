# SPDX-License-Identifier: Apache-2.0
"""The command line beside a cloud that runs, and its end."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deuteron import catalog
from tests.cli.conftest import deuteron, free_port

Cloud = tuple[Path, str]


def test_a_second_up_is_refused(cloud: Cloud) -> None:
    state, _ = cloud
    other = f"127.0.0.1:{free_port()}"
    words = ("--engine", "simulator", "--state", str(state), "--listen", other)
    said = deuteron("up", *words)
    assert said.status == 1
    assert f"{state} is in use by process" in said.error
    assert "--state" in said.error


def test_the_openstack_client_finds_its_way(cloud: Cloud) -> None:
    """By nothing but the file that `up` wrote."""
    state, _ = cloud
    environment = {**os.environ, "OS_CLIENT_CONFIG_FILE": str(state / "clouds.yaml")}
    words = ("--os-cloud", "deuteron", "network", "create", "blue", "-f", "json")
    client = Path(sys.executable).parent / "openstack"
    done = subprocess.run(
        [client, *words], capture_output=True, text=True, env=environment, check=True
    )
    assert json.loads(done.stdout)["name"] == "blue"


def test_the_simulator_plugs_nothing(cloud: Cloud) -> None:
    said = deuteron("attach", "p", "--netns", "never-made", "--state", str(cloud[0]))
    assert said.status == 1
    assert "without OVN" in said.error
    assert not Path("/run/netns/never-made").exists()


def test_down_ends_it_and_keeps_what_is_not_ours(tmp_path: Path) -> None:
    state = tmp_path / "state"
    address = f"127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "deuteron", "up", "--engine", "simulator", "--workers", "1"]
    with subprocess.Popen(
        [*command, "--state", str(state), "--listen", address], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert "ready" in process.stdout.readline()
        (state / "mine.toml").write_text("")
        said = deuteron("down", "--state", str(state))
        assert process.wait(20) == 0
    assert said.status == 0
    assert "kept, as not ours: mine.toml" in said.out
    assert [path.name for path in state.iterdir()] == ["mine.toml"]
    shutil.rmtree(state)


def test_db_upgrade_says_what_it_upgraded_and_may_be_repeated(tmp_path: Path) -> None:
    for _ in range(2):
        said = deuteron("db", "upgrade", "--state", str(tmp_path))
        assert said.status == 0
        assert said.out == f"deuteron: sqlite:///{tmp_path}/deuteron.db has this version's schema\n"


def test_extensions_names_every_alias_and_its_module() -> None:
    said = deuteron("extensions")
    found = dict(line.split() for line in said.out.splitlines())
    assert found == catalog.origins()


@pytest.mark.parametrize("words", [(), ("up",), ("attach",), ("db", "upgrade"), ("drift",)])
def test_help(words: tuple[str, ...]) -> None:
    said = deuteron(*words, "--help")
    assert said.status == 0
    assert "Usage: " in said.out
