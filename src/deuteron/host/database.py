# SPDX-License-Identifier: Apache-2.0
"""OVSDB files on disk: created, or brought to the installed schema, before their server starts.

Invariant: a database that holds intent (NB) is never discarded; one that is derived may be.
"""

from __future__ import annotations

from pathlib import Path

from .command import HostError, run

_OVS = Path("/usr/share/openvswitch")
_OVN = Path("/usr/share/ovn")

SCHEMAS = {
    "OVN_Northbound": _OVN / "ovn-nb.ovsschema",
    "OVN_Southbound": _OVN / "ovn-sb.ovsschema",
    "Open_vSwitch": _OVS / "vswitch.ovsschema",
}


def prepare(path: Path, schema: str, *, fresh: bool = False) -> None:
    """Make `path` a database of the installed version of `schema` (a key of SCHEMAS).

    `fresh` starts from an empty one, for a database whose whole content is derived.
    Raises HostError if the schema file is not installed or the file cannot be converted.
    """
    source = SCHEMAS[schema]
    if not source.exists():
        raise HostError(f"{source} is missing: apt-get install -y openvswitch-switch ovn-central")
    if fresh:
        path.unlink(missing_ok=True)
    if not path.exists():
        # Created aside and renamed: a crash in between leaves no half-made database.
        aside = path.with_suffix(".new")
        aside.unlink(missing_ok=True)
        run(["ovsdb-tool", "create", str(aside), str(source)])
        aside.replace(path)
    elif run(["ovsdb-tool", "needs-conversion", str(path), str(source)]).strip() == "yes":
        run(["ovsdb-tool", "convert", str(path), str(source)])
