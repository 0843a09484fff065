# SPDX-License-Identifier: Apache-2.0
"""Who makes a request. Invariant: decided once, before anything else looks at the request."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated user in a project. `is_admin` may see and do everything in every project."""

    user_id: str
    project_id: str
    roles: frozenset[str] = field(default_factory=frozenset)
    is_admin: bool = False

    @property
    def is_reader(self) -> bool:
        """Whether the caller may only look: a reader without the role of a member."""
        return "reader" in self.roles and not self.is_admin and "member" not in self.roles
