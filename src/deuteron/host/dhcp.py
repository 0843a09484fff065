# SPDX-License-Identifier: Apache-2.0
"""A DHCP client for a device in a user's namespace: ISC dhclient with files of its own.

Everything it reads and writes is under STATE/run/dhcp, but for the resolver's configuration, which
goes where `ip netns exec NAME` looks for it: /etc/netns/NAME/resolv.conf. The host's
/etc/resolv.conf is never touched.

Invariant: a client is ended only by a pid whose command line names our pid file.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import shutil
import time
from collections.abc import Iterable
from pathlib import Path

from . import namespace, pidfile
from .command import SEARCH_PATH, HostError

_MARK = "# written by deuteron\n"

_CONF = """\
option rfc3442-classless-static-routes code 121 = array of unsigned integer 8;
request subnet-mask, broadcast-address, routers, rfc3442-classless-static-routes,
        domain-name, domain-name-servers, domain-search, interface-mtu,
        dhcp6.name-servers, dhcp6.domain-search;
initial-delay 0;
initial-interval 1;
backoff-cutoff 4;
retry 1;
"""

# Called by dhclient with $reason, $interface and the old and new values (dhclient-script(8)).
_SCRIPT = """\
#!/bin/sh
routes4() {
    set -- $new_rfc3442_classless_static_routes
    [ $# -gt 0 ] || {
        for router in $new_routers; do
            ip -4 route replace default via "$router" dev "$interface" onlink; break
        done
        return
    }
    while [ $# -ge 5 ]; do
        bits=$1; shift
        net=; n=$(( (bits + 7) / 8 ))
        for i in 1 2 3 4; do
            if [ $i -le $n ]; then net=$net.$1; shift; else net=$net.0; fi
        done
        via=$1.$2.$3.$4; shift 4
        if [ "$via" = 0.0.0.0 ]; then
            ip -4 route replace "${net#.}/$bits" dev "$interface"
        else
            ip -4 route replace "${net#.}/$bits" via "$via" dev "$interface" onlink
        fi
    done
}
resolver() {
    {
        for server in $1; do echo "nameserver $server"; done
        [ -z "$2" ] || echo "search $2"
    } >"$DEUTERON_RESOLV.$3"
    [ -z "$DEUTERON_ETC" ] || {
        mkdir -p "${DEUTERON_ETC%/*}"
        { echo "# written by deuteron"; cat "$DEUTERON_RESOLV".[46]; } >"$DEUTERON_ETC"
    } 2>/dev/null
}
case "$reason" in
PREINIT)
    ip link set dev "$interface" up ;;
PREINIT6)
    ip link set dev "$interface" up
    for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30; do
        ip -6 -o addr show dev "$interface" scope link -tentative | grep -q . && break
        sleep 0.1
    done ;;
BOUND|RENEW|REBIND|REBOOT)
    [ -z "$old_ip_address" ] || [ "$old_ip_address" = "$new_ip_address" ] ||
        ip -4 addr del "$old_ip_address/$old_subnet_mask" dev "$interface"
    ip -4 addr replace "$new_ip_address/$new_subnet_mask" brd + dev "$interface" \\
        valid_lft "$new_dhcp_lease_time" preferred_lft "$new_dhcp_lease_time"
    [ -z "$new_interface_mtu" ] || ip link set dev "$interface" mtu "$new_interface_mtu"
    routes4
    resolver "$new_domain_name_servers" "${new_domain_search:-$new_domain_name}" 4 ;;
EXPIRE|FAIL|RELEASE|STOP)
    [ -z "$old_ip_address" ] || ip -4 addr del "$old_ip_address/$old_subnet_mask" dev "$interface"
    ;;
BOUND6|RENEW6|REBIND6)
    [ -z "$new_ip6_address" ] ||
        ip -6 addr replace "$new_ip6_address/${new_ip6_prefixlen:-128}" dev "$interface" \\
            valid_lft "$new_max_life" preferred_lft "$new_preferred_life"
    resolver "$new_dhcp6_name_servers" "$new_dhcp6_domain_search" 6 ;;
EXPIRE6|RELEASE6|STOP6)
    [ -z "$old_ip6_address" ] ||
        ip -6 addr del "$old_ip6_address/${old_ip6_prefixlen:-128}" dev "$interface" ;;
esac
exit 0
"""


def directory(state_dir: Path) -> Path:
    """Where the clients of this state directory keep their files."""
    return state_dir / "run" / "dhcp"


def begin(state_dir: Path, port_id: str, netns: str, device: str, version: int) -> None:
    """Start a client for IP `version` (4 or 6); it goes on in the background and renews.

    Any lease of an earlier time is forgotten: the server knows what the port's address is now.
    Raises HostError if dhclient is missing or does not start.
    """
    if shutil.which("dhclient", path=SEARCH_PATH) is None:
        raise HostError("dhclient is missing: apt-get install -y isc-dhcp-client")
    end(state_dir, port_id, version)
    files = directory(state_dir)
    files.mkdir(parents=True, exist_ok=True)
    script, conf = files / "script", files / "dhclient.conf"
    if not script.exists() or script.read_text() != _SCRIPT:
        script.write_text(_SCRIPT)
        script.chmod(0o755)
    conf.write_text(_CONF)
    base = files / f"{port_id}.{version}"
    base.with_suffix(f".{version}.leases").write_text("")
    environment = [f"DEUTERON_RESOLV={files / port_id}.resolv"]
    resolver = _resolver(netns)
    if not resolver.exists() or resolver.read_text().startswith(_MARK):
        environment.append(f"DEUTERON_ETC={resolver}")
    namespace.execute(
        netns,
        [
            *_unconfined(),
            "dhclient", f"-{version}", "-nw", "-q", "-cf", str(conf), "-sf", str(script),
            "-pf", f"{base}.pid", "-lf", f"{base}.leases",
            *(word for pair in environment for word in ("-e", pair)),
            device,
        ],
    )  # fmt: skip


def wait(netns: str, device: str, versions: Iterable[int], seconds: float) -> tuple[str, ...]:
    """Wait until the device has a global address of each of `versions`; give all it has then.

    Raises HostError if they do not come in time.
    """
    deadline = time.monotonic() + seconds
    while True:
        infos = namespace.addresses(netns, device)
        found = tuple(
            f"{info['local']}/{info['prefixlen']}" for info in infos if not info.get("tentative")
        )
        have = {ipaddress.ip_interface(address).version for address in found}
        lacking = set(versions) - have
        if not lacking:
            return found
        if time.monotonic() > deadline:
            kinds = " and ".join(f"IPv{version}" for version in sorted(lacking))
            raise HostError(f"{device} in namespace {netns} got no {kinds} address by DHCP")
        time.sleep(0.02)


def end(state_dir: Path, port_id: str, version: int) -> None:
    """End the client and remove its files; nothing if there is none. The lease is not released:
    the address stays the port's."""
    base = directory(state_dir) / f"{port_id}.{version}"
    _end_client(Path(f"{base}.pid"))
    for suffix in ("pid", "leases"):
        Path(f"{base}.{suffix}").unlink(missing_ok=True)
    (directory(state_dir) / f"{port_id}.resolv.{version}").unlink(missing_ok=True)


def end_all(state_dir: Path) -> None:
    """End every client of this state directory."""
    for path in directory(state_dir).glob("*.pid"):
        port_id, version = path.stem.rsplit(".", 1)
        end(state_dir, port_id, int(version))


def forget_resolver(netns: str) -> None:
    """Remove the resolver's configuration that a client wrote for the namespace."""
    path = _resolver(netns)
    with contextlib.suppress(OSError):
        if path.read_text().startswith(_MARK):
            path.unlink()
            path.parent.rmdir()


def _resolver(netns: str) -> Path:
    return Path("/etc/netns") / netns / "resolv.conf"


def _end_client(path: Path) -> None:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError, ValueError):
        pid = int(path.read_text())
        pidfd = os.pidfd_open(pid)
        try:
            # Looked at while the pidfd pins the process: a reused pid does not name our file.
            if os.fsencode(str(path)) in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"):
                pidfile.end_pidfd(pidfd, 1.0)
        finally:
            os.close(pidfd)


def _unconfined() -> list[str]:
    """Debian's AppArmor profile lets dhclient use its system-wide files only."""
    enabled = Path("/sys/module/apparmor/parameters/enabled")
    if not enabled.exists() or enabled.read_text().strip() != "Y":
        return []
    if shutil.which("aa-exec", path=SEARCH_PATH) is None:
        return []
    return ["aa-exec", "-p", "unconfined", "--"]
