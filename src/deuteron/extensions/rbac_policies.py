# SPDX-License-Identifier: Apache-2.0
"""The aliases of RBAC.

The resource is `resources/rbac_policy.py`; what can be shared is listed in `domain/rbac.py`.
"""

from __future__ import annotations

from deuteron.declare.resource import Extension

RBAC_POLICIES = Extension(
    alias="rbac-policies",
    name="RBAC Policies",
    description="Owners let other projects use their networks.",
    updated="2015-06-17T12:15:12-00:00",
)
RBAC_SUBNETPOOL = Extension(
    alias="rbac-subnetpool",
    name="Add subnetpool type to RBAC",
    description="Owners let other projects use their subnet pools.",
    updated="2020-02-05T00:00:00-00:00",
)
RBAC_ADDRESS_SCOPE = Extension(
    alias="rbac-address-scope",
    name="Add address_scope type to RBAC",
    description="Owners let other projects use their address scopes.",
    updated="2020-02-12T00:00:00-00:00",
)
