# SPDX-License-Identifier: Apache-2.0
"""Identity from headers, believed as they are: for one's own machine and for tests.

Without identity headers the caller is an admin in the default project.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from deuteron.auth.caller import Caller

DEFAULT_PROJECT: Final = "00000000000000000000000000000001"
DEFAULT_USER: Final = "00000000000000000000000000000002"
DEFAULT_CALLER: Final = Caller(DEFAULT_USER, DEFAULT_PROJECT, frozenset({"admin"}), is_admin=True)


def caller_of(headers: Mapping[bytes, bytes]) -> Caller:
    """The caller named by `X-User-Id`, `X-Project-Id` (or `X-Tenant-Id`) and `X-Roles`.

    `headers` are lower-case names. A user without roles is an ordinary member.
    """
    user = headers.get(b"x-user-id", b"").decode("latin-1")
    project = headers.get(b"x-project-id", headers.get(b"x-tenant-id", b"")).decode("latin-1")
    if not user and not project:
        return DEFAULT_CALLER
    roles = headers.get(b"x-roles", headers.get(b"x-role", b"member")).decode("latin-1")
    names = frozenset(role.strip().lower() for role in roles.split(",") if role.strip())
    return Caller(user or DEFAULT_USER, project or DEFAULT_PROJECT, names, "admin" in names)
