# SPDX-License-Identifier: Apache-2.0
"""What cannot be done is said in one line that names the cure, and nothing is left behind."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.cli.conftest import deuteron, free_port

SIMULATOR = ("up", "--engine", "simulator")


@pytest.mark.parametrize(
    "words",
    [
        ("--listen", "banana"),
        ("--listen", "127.0.0.1:99999"),
        ("--listen", "127.0.0.1:"),
        ("--engine", "magic"),
        ("--workers", "0"),
        ("--workers", "many"),
    ],
    ids=" ".join,
)
def test_a_wrong_value_is_a_usage_error(words: tuple[str, ...], tmp_path: Path) -> None:
    said = deuteron("up", *words, "--state", str(tmp_path / "state"))
    assert said.status == 2
    assert words[0] in said.error
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize("command", ["up", "serve"])
def test_a_taken_port_is_refused_at_once(command: str, tmp_path: Path) -> None:
    """Another server that answers there is not taken for our API."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        words = SIMULATOR if command == "up" else (command,)
        said = deuteron(*words, "--listen", address, "--state", str(tmp_path / "state"))
    assert said.status == 1
    assert f"cannot listen on {address}: Address already in use" in said.error
    assert "ready" not in said.out


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (None, "No such file"),
        ("flat = [", "settings.toml:"),
        ('colour = "blue"', "unknown settings: colour"),
        ('flat_networks = "public"', "flat_networks"),
    ],
)
def test_settings_that_cannot_be_used(text: str | None, why: str, tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    if text is not None:
        path.write_text(text)
    listen = f"127.0.0.1:{free_port()}"
    state = str(tmp_path / "state")
    said = deuteron(*SIMULATOR, "--config", str(path), "--listen", listen, "--state", state)
    assert said.status == 1
    assert why in said.error
    assert len(said.error.splitlines()) == 1


@pytest.mark.parametrize("command", [SIMULATOR, ("db", "upgrade"), ("serve",)], ids=" ".join)
def test_a_state_directory_that_cannot_be_made(command: tuple[str, ...]) -> None:
    said = deuteron(*command, "--state", "/proc/nowhere")
    assert said.status == 1
    assert said.error == "deuteron: /proc/nowhere: No such file or directory\n"


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("nonsense", "the database URL"),
        ("oracle://host/name", "oracle is not a database that Deuteron runs on"),
        ("postgresql://user:secret@127.0.0.1:1/name", "does not answer"),
        ("mysql+pymysql://user:secret@127.0.0.1:1/name", "does not answer"),
    ],
)
@pytest.mark.parametrize("command", [("serve",), ("db", "upgrade")], ids=" ".join)
def test_a_database_that_is_not_there(command: tuple[str, ...], url: str, why: str) -> None:
    said = deuteron(*command, "--database", url)
    assert said.status == 1
    assert why in said.error
    assert "secret" not in said.error


@pytest.mark.parametrize(
    "words", [("attach", "p", "--netns", "n"), ("detach", "p"), ("drift",)], ids=" ".join
)
def test_commands_that_need_a_running_cloud(words: tuple[str, ...], tmp_path: Path) -> None:
    said = deuteron(*words, "--state", str(tmp_path))
    assert said.status == (2 if words == ("drift",) else 1)
    assert f"no cloud runs in {tmp_path}: start it with `deuteron up" in said.error


@pytest.mark.parametrize(
    "words", [(), ("--netns", "n", "--tap", "t"), ("--tap", "t", "--dhcp")], ids=" ".join
)
def test_attach_wants_one_place(words: tuple[str, ...]) -> None:
    said = deuteron("attach", "p", *words)
    assert said.status == 1
    assert "--netns" in said.error


def test_down_removes_no_directory_of_others(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    said = deuteron("down", "--state", str(tmp_path))
    assert said.status == 1
    assert "nothing was removed" in said.error
    assert (tmp_path / "thesis.txt").exists()


def test_down_where_nothing_is(tmp_path: Path) -> None:
    assert deuteron("down", "--state", str(tmp_path / "none")).status == 0
