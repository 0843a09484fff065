# SPDX-License-Identifier: Apache-2.0
"""Aliases that add no attribute: each says that the API behaves in a certain way.

Invariant: an alias is here only while what it promises is served. Names and dates are upstream's.
"""

from __future__ import annotations

from deuteron.declare.resource import Extension


def _alias(alias: str, name: str, updated: str, description: str) -> Extension:
    return Extension(alias=alias, name=name, description=description, updated=updated)


ALIASES = (
    # The query language: api/query.py, store/queries.py.
    _alias(
        "empty-string-filtering",
        "Empty String Filtering Extension",
        "2018-05-01T10:00:00-00:00",
        "A filter with an empty value finds objects whose attribute is empty.",
    ),
    _alias(
        "filter-validation",
        "Filter parameters validation",
        "2018-07-04T10:00:00-00:00",
        "A filter by an unknown attribute is refused.",
    ),
    _alias(
        "pagination",
        "Pagination support",
        "2016-06-12T00:00:00-00:00",
        "Lists can be asked for in pages.",
    ),
    _alias(
        "sorting", "Sorting support", "2016-06-12T00:00:00-00:00", "Lists can be asked for sorted."
    ),
    _alias(
        "project-id",
        "project_id field enabled",
        "2016-09-09T09:09:09-09:09",
        "Objects have project_id, the new name of tenant_id.",
    ),
    # Quotas: resources/quota.py, domain/quota.py.
    _alias(
        "quotas",
        "Quota management support",
        "2012-07-29T10:00:00-00:00",
        "How many objects a project may have.",
    ),
    _alias(
        "quota_details",
        "Quota details management support",
        "2017-02-10T10:00:00-00:00",
        "How many objects a project has, beside its limits.",
    ),
    _alias(
        "quota-check-limit",
        "Quota engine limit check",
        "2021-09-08T16:00:00-00:00",
        "A limit can be refused if it is below what is used.",
    ),
    _alias(
        "quota-check-limit-default",
        "Quota engine limit check by default",
        "2024-08-21T16:00:00-00:00",
        "A limit below what is used is refused unless it is forced.",
    ),
    # Standard attributes: declare/resource.py, service.py, domain/tags.py.
    _alias(
        "revision-if-match",
        "If-Match constraints based on revision_number",
        "2016-12-11T00:00:00-00:00",
        "A change can be made conditional on the object's revision.",
    ),
    _alias(
        "standard-attr-description",
        "standard-attr-description",
        "2016-02-10T10:00:00-00:00",
        "Objects have a description.",
    ),
    _alias(
        "standard-attr-revisions",
        "Resource revision numbers",
        "2016-04-11T10:00:00-00:00",
        "Objects count their changes.",
    ),
    _alias(
        "standard-attr-timestamp",
        "Resource timestamps",
        "2016-09-12T10:00:00-00:00",
        "Objects have created_at and updated_at.",
    ),
    _alias(
        "tag-creation",
        "Tag creation extension",
        "2024-23-07T10:00:00-00:00",
        "Several tags can be added at once.",
    ),
    # Agents and availability zones: resources/agent.py, resources/availability_zone.py.
    _alias("agent", "agent", "2013-02-03T10:00:00-00:00", "What runs on hosts for the network."),
    _alias(
        "agent_sort_key",
        "Agents Sort Key",
        "2013-02-03T10:00:00-00:00",
        "Agents can be asked for sorted.",
    ),
    _alias(
        "availability_zone",
        "Availability Zone",
        "2015-01-01T10:00:00-00:00",
        "Hosts are grouped in zones.",
    ),
    _alias(
        "availability_zone_filter",
        "Availability Zone Filter Extension",
        "2018-06-22T10:00:00-00:00",
        "Availability zones can be filtered.",
    ),
)
