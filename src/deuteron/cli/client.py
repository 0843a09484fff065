# SPDX-License-Identifier: Apache-2.0
"""A small client of the API of this machine's own cloud, for the commands that need it.

Invariant: speaks only the public API, as an admin, to the address that `deuteron up` wrote down.
"""

from __future__ import annotations

import http.client
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from deuteron.cli.state import ADDRESS, must_run
from deuteron.host.command import HostError


class LocalClient:
    """The API of the cloud in a state directory. Raises HostError with the API's own words."""

    def __init__(self, state: Path) -> None:
        must_run(state)
        path = state / ADDRESS
        if not path.exists():
            raise HostError("the API is not ready yet")
        self._host, _, self._port = path.read_text().strip().rpartition(":")

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """The decoded body of the answer, None if it has none."""
        connection = http.client.HTTPConnection(self._host, int(self._port), timeout=30)
        try:
            connection.request(method, path, json.dumps(body) if body is not None else None)
            answer = connection.getresponse()
            content = answer.read()
        except OSError as error:
            address = f"{self._host}:{self._port}"
            raise HostError(f"the API at {address} does not answer: {error}") from None
        finally:
            connection.close()
        found = json.loads(content) if content else None
        if answer.status >= 400:
            message = found.get("NeutronError", {}).get("message") if found else answer.reason
            raise HostError(str(message))
        return found

    def ports(self, **wanted: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.call("GET", f"/v2.0/ports?{urlencode(wanted)}")["ports"]
        return found

    def port(self, name_or_id: str) -> dict[str, Any]:
        """The one port with this id or name."""
        for key in ("id", "name"):
            found = self.ports(**{key: name_or_id})
            if len(found) > 1:
                raise HostError(f"{len(found)} ports are named {name_or_id}: give the id")
            if found:
                return found[0]
        raise HostError(
            f"there is no port {name_or_id}: `openstack port create` makes one, and "
            "`openstack port list` names them"
        )

    def update_port(self, id_: str, **attributes: Any) -> dict[str, Any]:
        found = self.call("PUT", f"/v2.0/ports/{id_}", {"port": attributes})
        return dict(found["port"])
