# SPDX-License-Identifier: Apache-2.0
"""The handlers of every resource's routes, made from the registry.

Invariant: a handler only translates between a `Request` and one call of the service.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlencode

from deuteron.api import query
from deuteron.api.app import Answer, Request
from deuteron.api.query import Pairs
from deuteron.api.routes import VARIABLE, Routes
from deuteron.declare.registry import Assembled, Registry
from deuteron.declare.resource import Action, Row
from deuteron.errors import BadRequest
from deuteron.service import Service
from deuteron.store.queries import Query

_MATCH: Final = re.compile(rb'^\s*"?revision_number="?(\d{1,18})"?\s*$')
Handler = Callable[[Request], Answer]


def add_resource_routes(routes: Routes, registry: Registry, service: Service) -> None:
    """Routes for every resource, its actions and its tags."""
    for assembled in registry.resources.values():
        _Handlers(assembled, registry, service).add(routes)


def collection_path(assembled: Assembled, registry: Registry) -> str:
    """`/v2.0/networks`, or `/v2.0/qos/policies/{}/bandwidth_limit_rules` below a parent."""
    resource = assembled.resource
    if resource.parent is None:
        return f"{resource.prefix}/{resource.url}"
    parent = registry[resource.parent]
    return f"{collection_path(parent, registry)}/{VARIABLE}/{resource.url}"


class _Handlers:
    """One resource's handlers."""

    def __init__(self, assembled: Assembled, registry: Registry, service: Service) -> None:
        self.assembled = assembled
        self.resource = assembled.resource
        self.kind = assembled.name
        self.service = service
        self.path = collection_path(assembled, registry)
        self.member, self.collection = self.resource.name, self.resource.collection

    def add(self, routes: Routes) -> None:
        item = f"{self.path}/{VARIABLE}"
        served: dict[str, tuple[str, str, Handler]] = {
            "list": ("GET", self.path, self.list_),
            "create": ("POST", self.path, self.create),
            "show": ("GET", item, self.show),
            "update": ("PUT", item, self.update),
            "delete": ("DELETE", item, self.delete),
        }
        for verb in sorted(self.resource.verbs):
            routes.add(*served[verb])
        for action in self.resource.actions:
            base = item if action.on == "member" else self.path
            routes.add(action.method, f"{base}/{action.name}", self._acting(action))

    def _parent(self, request: Request) -> Row | None:
        """The attributes that the URL gives, and the variables without them."""
        if self.resource.parent is None:
            return None
        return {self.resource.parent_key: request.values[0]}

    def _id(self, request: Request) -> str:
        return request.values[-1]

    def list_(self, request: Request) -> Answer:
        limit = self.service.settings.pagination_max_limit
        wanted = query.parse(self.assembled, request.pairs, limit)
        rows = self.service.list_(request.caller, self.kind, wanted, self._parent(request))
        body: dict[str, Any] = {self.collection: rows}
        links = page_links(request, wanted, rows)
        if links:
            body[f"{self.collection}_links"] = links
        return Answer(body)

    def show(self, request: Request) -> Answer:
        fields = tuple(v for n, v in request.pairs if n == "fields" and v)
        row = self.service.show(
            request.caller, self.kind, self._id(request), fields, self._parent(request)
        )
        return Answer({self.member: row})

    def create(self, request: Request) -> Answer:
        body = request.json()
        if not isinstance(body, dict):
            raise BadRequest("HTTPBadRequest", "Resource body required")
        bulk = self.collection in body and self.member not in body
        bodies = body.get(self.collection) if bulk else [self._of(body)]
        if not isinstance(bodies, list) or not bodies:
            raise BadRequest("HTTPBadRequest", "Resources required")
        if bulk:
            bodies = [self._unwrapped(item) for item in bodies]
        rows = self.service.create(request.caller, self.kind, bodies, self._parent(request))
        return Answer({self.collection: rows} if bulk else {self.member: rows[0]}, 201)

    def _of(self, body: Any) -> Any:
        if not isinstance(body, dict) or self.member not in body:
            raise BadRequest("HTTPBadRequest", f"Unable to find '{self.member}' in request body")
        return body[self.member]

    def _unwrapped(self, item: Any) -> Any:
        """An item of a bulk create, which may repeat the member's name."""
        if isinstance(item, dict) and isinstance(item.get(self.member), dict) and len(item) == 1:
            return item[self.member]
        return item

    def update(self, request: Request) -> Answer:
        row = self.service.update(
            request.caller,
            self.kind,
            self._id(request),
            self._of(request.json()),
            self._parent(request),
            _revision(request),
        )
        return Answer({self.member: row})

    def delete(self, request: Request) -> Answer:
        self.service.delete(
            request.caller,
            self.kind,
            self._id(request),
            self._parent(request),
            _revision(request),
        )
        return Answer(None, 204)

    def _acting(self, action: Action) -> Handler:
        def act(request: Request) -> Answer:
            id_ = request.values[-1] if action.on == "member" else None
            body = request.json() if request.raw else None
            found = self.service.act(request.caller, self.kind, action, id_, body, request.pairs)
            return Answer(found, action.status)

        return act


def _revision(request: Request) -> int | None:
    """N of `If-Match: revision_number=N`. Raises 400 for another condition."""
    text = request.headers.get(b"if-match")
    if text is None:
        return None
    match = _MATCH.match(text)
    if not match:
        raise BadRequest("HTTPBadRequest", "If-Match must be revision_number=N")
    return int(match.group(1))


def page_links(request: Request, wanted: Query, rows: list[Row]) -> list[Row]:
    """`next` if a page may follow, `previous` if one came before."""
    if wanted.limit is None or not rows or "id" not in rows[0]:
        return []
    full = len(rows) >= wanted.limit
    kept: Pairs = [p for p in request.pairs if p[0] not in ("marker", "page_reverse")]
    links = []
    if full if not wanted.page_reverse else True:
        links.append(("next", [*kept, ("marker", rows[-1]["id"])]))
    if (wanted.marker is not None) if not wanted.page_reverse else full:
        links.append(("previous", [*kept, ("marker", rows[0]["id"]), ("page_reverse", "True")]))
    base = f"{request.base_url}{request.path}"
    return [{"rel": rel, "href": f"{base}?{urlencode(pairs)}"} for rel, pairs in links]
