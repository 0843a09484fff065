# SPDX-License-Identifier: Apache-2.0
"""A private OVN: databases, northd, vswitchd and controller of one state directory.

All of it lives in a network namespace of its own and below the state directory (its sockets
possibly through a short symbolic link in /run), so several coexist on one machine and none touches
the host's interfaces or a system Open vSwitch.

Invariant: conf.db holds nothing that is not derived from the arguments and from attachments.json,
and is made anew at every start; NB and SB persist.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import socket
import subprocess
import time
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import database, dhcp, namespace
from .command import HostError, run
from .lock import DirectoryLock
from .process import Program, Supervisor, end_left_over
from .requirements import missing_line
from .watch import DeviceWatch

INTEGRATION_BRIDGE = "br-int"
# sun_path has 108 bytes with the final NUL; vswitchd puts `br-int.mgmt` and its like beside ours.
_LONGEST_SOCKET = "ovs-vswitchd.ctl.tmp"
_SUN_PATH = 107
_SCHEMAS = {"ovnnb": "OVN_Northbound", "ovnsb": "OVN_Southbound"}
# A file that was deleted is made anew when the server starts again: the loop and northd fill it.
_SERVE = (
    'test -e "$0" || { ovsdb-tool create "$0.new" "$1" && mv "$0.new" "$0"; };'
    ' shift; exec ovsdb-server "$@"'
)


def _kernel_datapath() -> bool:
    """Is the openvswitch module there, loaded now if need be?"""
    module = Path("/sys/module/openvswitch")
    if not module.exists():
        with contextlib.suppress(OSError):
            subprocess.run(["modprobe", "-q", "openvswitch"], capture_output=True, check=False)
    return module.exists()


class OvnStack:
    """The OVN of `state_dir`. Constructing it does nothing, so any process may, to attach devices.

    `bridge_mappings` maps physical network to the name of its bridge inside the namespace;
    `uplinks` physical network to a device of the host, which is in that bridge while the stack
    runs and back on the host, down and without addresses, afterwards. `hostname` is the chassis'
    (default: the machine's), `cms_options` its ovn-cms-options, `encap_ip` the tunnel endpoint.
    `on_event` gets one line for each death, restart and left-over, from another thread.
    """

    def __init__(
        self,
        state_dir: Path,
        *,
        bridge_mappings: Mapping[str, str] | None = None,
        uplinks: Mapping[str, str] | None = None,
        hostname: str | None = None,
        cms_options: str = "enable-chassis-as-gw,availability-zones=nova",
        encap_ip: str = "127.0.0.1",
        on_event: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.state_dir = state_dir.resolve()
        self.digest = hashlib.sha256(str(self.state_dir).encode()).hexdigest()[:8]
        self.namespace = f"deuteron-{self.digest}"
        self.ovn_dir = self.state_dir / "ovn"
        self.log_dir = self.state_dir / "log"
        self._real_run_dir = self.state_dir / "run" / "ovn"
        self._link = Path(f"/run/{self.namespace}")
        long = len(str(self._real_run_dir / _LONGEST_SOCKET).encode()) > _SUN_PATH
        self.run_dir = self._link if long else self._real_run_dir
        self.nb = f"unix:{self.run_dir}/ovnnb.sock"
        self.sb = f"unix:{self.run_dir}/ovnsb.sock"
        self.conf = f"unix:{self.run_dir}/conf.sock"
        self._mappings = dict(bridge_mappings or {})
        self._uplinks = dict(uplinks or {})
        self._hostname = hostname or socket.gethostname()
        self._cms_options = cms_options
        self._encap_ip = encap_ip
        self._on_event = on_event
        self._lock: DirectoryLock | None = None
        self._supervisor: Supervisor | None = None
        self._watch: DeviceWatch | None = None

    @property
    def system_id(self) -> str:
        """The chassis name: made once per state directory, the same ever after."""
        path = self.ovn_dir / "system-id"
        if not path.exists():
            path.write_text(f"{uuid.uuid4()}\n")
        return path.read_text().strip()

    @property
    def ready(self) -> bool:
        """Has `start()` ended well, and does every daemon run at this moment?"""
        return self._watch is not None and None not in self.pids().values()

    def pids(self) -> dict[str, int | None]:
        """Each daemon's pid, None for one that is being restarted; empty unless started here."""
        return self._supervisor.pids() if self._supervisor is not None else {}

    def start(self, timeout: float = 10.0) -> None:
        """Bring OVN up; return when the chassis is registered and br-int carries packets.

        What an earlier run on this directory left behind is ended first. Devices are not plugged:
        `attach.replug` does that. Raises HostError if something is missing, another process runs
        this stack, or it is not up within `timeout` seconds (nothing is left running then).
        """
        line = missing_line()
        if line is not None:
            raise HostError(line)
        self._lock = DirectoryLock(self.ovn_dir)
        try:
            self._start(time.monotonic() + timeout)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End every daemon and remove the namespace with the devices in it. Idempotent.

        The databases, attachments.json and the users' namespaces stay.
        """
        if self._watch is not None:
            self._watch.close()
            self._watch = None
        if self._supervisor is not None:
            self._supervisor.close()
            self._supervisor = None
        if self._lock is None:
            return
        dhcp.end_all(self.state_dir)
        self._return_uplinks()
        self._remove_namespace()
        if self._link.is_symlink():
            self._link.unlink()
        self._lock.release()
        self._lock = None

    def sweep(self) -> None:
        """Remove whatever a killed run left: processes, namespace, devices, link.

        For a directory on which nothing is started now. Raises HostError if something is.
        """
        if self._lock is None:
            self._lock = DirectoryLock(self.ovn_dir)
            self._end_left_over()
        self.stop()

    def vsctl(self, *arguments: str, timeout: float = 10.0) -> str:
        """Run ovs-vsctl on this stack's switch; waits until vswitchd has done what it says."""
        # A database server that died is back within this second.
        self._await_socket("conf", time.monotonic() + 1.0)
        return run(
            ["ovs-vsctl", f"--timeout={max(1, round(timeout))}", f"--db={self.conf}", *arguments],
            timeout=timeout + 5,
        )

    def _start(self, deadline: float) -> None:
        for directory in (self.log_dir, self._real_run_dir):
            directory.mkdir(parents=True, exist_ok=True)
        self._end_left_over()
        for stale in self._real_run_dir.iterdir():
            if stale.is_socket():
                stale.unlink()
        if self.run_dir is self._link:
            self._link.unlink(missing_ok=True)
            self._link.symlink_to(self._real_run_dir)
        supervisor = Supervisor(self._real_run_dir, self.log_dir, self._on_event)
        self._supervisor = supervisor
        with ThreadPoolExecutor(4) as pool:
            steps = [
                pool.submit(self._prepare_namespace),
                *(
                    pool.submit(database.prepare, self.ovn_dir / f"{name}.db", schema)
                    for name, schema in _SCHEMAS.items()
                ),
                pool.submit(database.prepare, self.ovn_dir / "conf.db", "Open_vSwitch", fresh=True),
            ]
            for step in steps:
                step.result()
        for name in ("ovnnb", "ovnsb", "conf"):
            supervisor.start(self._database_server(name))
        # A client that finds no socket waits a whole second before it looks again.
        for name in ("conf", "ovnnb", "ovnsb"):
            self._await_socket(name, deadline)
        self._take_uplinks()
        self._configure()
        northd, switch, controller = self._daemons()
        supervisor.start(northd)
        supervisor.start(switch)
        self._await_row(self.conf, "Interface", f"{INTEGRATION_BRIDGE} ofport>0", deadline)
        # The controller, too, would wait a second if the bridge's socket were not there yet.
        supervisor.start(controller)
        self._await_row(self.sb, "Chassis", self.system_id, deadline)
        self._watch = DeviceWatch(
            self.state_dir, self.namespace, INTEGRATION_BRIDGE, self.vsctl, self._on_event
        )

    def _end_left_over(self) -> None:
        for line in end_left_over(self._real_run_dir):
            self._on_event(line)
        dhcp.end_all(self.state_dir)

    def _prepare_namespace(self) -> None:
        namespace.ensure(self.namespace)
        # The switch's ends of the veth pairs would speak IPv6 (MLD, router solicitations) to the
        # guests as if they were neighbours.
        switch = "/proc/sys/net/ipv6/conf/default/disable_ipv6"
        quiet = f"ip link set lo up; test ! -e {switch} || echo 1 >{switch}"
        namespace.execute(self.namespace, ["sh", "-c", quiet])

    @property
    def _taken(self) -> Path:
        """Names of the devices that were moved here from the host, one on each line."""
        return self.ovn_dir / "uplinks"

    def _take_uplinks(self) -> None:
        """Move the uplinks in. What an earlier run that was killed has left here stays."""
        names = sorted(set(self._uplinks.values()))
        on_host, here = namespace.devices(None), namespace.devices(self.namespace)
        lost = [name for name in names if name not in on_host and name not in here]
        if lost:
            raise HostError(f"there is no device {', '.join(lost)} to be an uplink")
        left = self._taken.read_text().split() if self._taken.exists() else []
        self._taken.write_text("".join(f"{name}\n" for name in sorted({*left, *names})))
        moved = [f"link set {n} netns {self.namespace}" for n in names if n not in here]
        if moved:
            namespace.ip_batch(moved)
        if names:
            namespace.ip_batch([f"link set {name} up" for name in names], self.namespace)

    def _return_uplinks(self) -> None:
        """Give the host its devices back: a virtual one would go with the namespace."""
        names = self._taken.read_text().split() if self._taken.exists() else []
        if names and namespace.exists(self.namespace):
            here = namespace.devices(self.namespace)
            lines = [f"link set {name} netns {os.getpid()}" for name in names if name in here]
            with contextlib.suppress(HostError):
                namespace.ip_batch(lines, self.namespace)
        self._taken.unlink(missing_ok=True)

    def _remove_namespace(self) -> None:
        """Delete the namespace; the veth pairs first, for the kernel removes a namespace's own
        devices later, when it finds time."""
        lines = [
            f"link del {name}"
            for name, link in namespace.devices(self.namespace).items()
            if name.startswith("dp") and "link_index" in link
        ]
        if lines:
            with contextlib.suppress(HostError):
                namespace.ip_batch(lines, self.namespace)
        namespace.delete(self.namespace)

    def _environment(self) -> dict[str, str]:
        """Every directory that OVS and OVN would look for system-wide, moved into ours."""
        run_dir, ovn_dir, log_dir = str(self.run_dir), str(self.ovn_dir), str(self.log_dir)
        return {
            f"{product}_{name}": path
            for product in ("OVS", "OVN")
            for name, path in (
                ("RUNDIR", run_dir),
                ("DBDIR", ovn_dir),
                ("SYSCONFDIR", ovn_dir),
                ("LOGDIR", log_dir),
            )
        }

    def _program(self, name: str, *argv: str) -> Program:
        # Standard error is the log, so that a daemon's last words are in the same place.
        options = ["-vconsole:info", "-vsyslog:off"]
        # ovn-controller 23.03 has no such option: its socket is ovn-controller.PID.ctl.
        if name != "ovn-controller":
            options.append(f"--unixctl={self.run_dir}/{name}.ctl")
        return Program(name, (*argv, *options), self._environment(), self.namespace)

    def _database_server(self, name: str) -> Program:
        path = str(self.ovn_dir / f"{name}.db")
        remote = f"--remote=punix:{self.run_dir}/{name}.sock"
        if name not in _SCHEMAS:
            return self._program(name, "ovsdb-server", remote, path)
        schema = str(database.SCHEMAS[_SCHEMAS[name]])
        return self._program(name, "sh", "-c", _SERVE, path, schema, remote, path)

    def _daemons(self) -> tuple[Program, Program, Program]:
        return (
            self._program(
                "ovn-northd", "ovn-northd", f"--ovnnb-db={self.nb}", f"--ovnsb-db={self.sb}"
            ),
            self._program("ovs-vswitchd", "ovs-vswitchd", self.conf),
            self._program("ovn-controller", "ovn-controller", self.conf),
        )

    def _configure(self) -> None:
        """Write conf.db in one transaction, before anyone reads it."""
        datapath = f"datapath_type={'system' if _kernel_datapath() else 'netdev'}"
        external_ids = {
            "system-id": self.system_id,
            "hostname": self._hostname,
            "ovn-remote": self.sb,
            "ovn-encap-type": "geneve",
            "ovn-encap-ip": self._encap_ip,
            "ovn-monitor-all": "true",
            "ovn-cms-options": self._cms_options,
            "ovn-bridge-mappings": ",".join(f"{net}:{br}" for net, br in self._mappings.items()),
        }
        pairs = [f'external_ids:{key}="{value}"' for key, value in external_ids.items() if value]
        arguments = ["--no-wait", "init", "--", "set", "Open_vSwitch", ".", *pairs]
        bridge = (INTEGRATION_BRIDGE, "fail_mode=secure", "other-config:disable-in-band=true")
        for name, *settings in (bridge, *((name,) for name in set(self._mappings.values()))):
            arguments += ["--", "add-br", name, "--", "set", "Bridge", name, datapath, *settings]
        for network, device in self._uplinks.items():
            arguments += ["--", "add-port", self._mappings[network], device]
        self.vsctl(*arguments)

    def _await_socket(self, name: str, deadline: float) -> None:
        while True:
            with socket.socket(socket.AF_UNIX) as probe, contextlib.suppress(OSError):
                probe.connect(f"{self.run_dir}/{name}.sock")
                return
            self._late(deadline, f"the {name} database does not answer")
            time.sleep(0.003)

    def _await_row(self, db: str, table: str, condition: str, deadline: float) -> None:
        """Wait for a row (and a column of it) as ovs-vsctl's and ovn-sbctl's wait-until does."""
        program = "ovn-sbctl" if db == self.sb else "ovs-vsctl"
        seconds = max(1, round(deadline - time.monotonic()))
        wait = ["wait-until", table, *condition.split()]
        try:
            run([program, f"--timeout={seconds}", f"--db={db}", *wait], timeout=seconds + 1)
        except HostError as error:
            raise HostError(f"OVN does not come up, see {self.log_dir}: {error}") from None

    def _late(self, deadline: float, what: str) -> None:
        if time.monotonic() > deadline:
            raise HostError(f"{what}, see {self.log_dir}")
