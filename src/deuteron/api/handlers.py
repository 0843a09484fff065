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
from deuteron.domain import tags
from deuteron.errors import BadRequest, bad_request
from deuteron.service import Service
from deuteron.store.queries import Query

_QUOTED: Final = re.compile(r'"([^"]*)"')
_CONSTRAINT: Final = "revision_number="
Handler = Callable[[Request], Answer]


def add_resource_routes(routes: Routes, registry: Registry, service: Service) -> None:
    """Routes for every resource, its actions and its tags."""
    for assembled in registry.resources.values():
        _Handlers(assembled, registry, service).add(routes)


class _Handlers:
    """One resource's handlers."""

    def __init__(self, assembled: Assembled, registry: Registry, service: Service) -> None:
        self.assembled = assembled
        self.resource = assembled.resource
        self.kind = assembled.name
        self.service = service
        self.paths = registry.paths(self.kind)
        self.ancestors = self.paths[0].count(VARIABLE)
        self.member, self.collection = self.resource.member_key, self.resource.collection

    def add(self, routes: Routes) -> None:
        for path in self.paths:
            self._add(routes, path)

    def _add(self, routes: Routes, path: str) -> None:
        item = self.resource.item(path)
        served: dict[str, tuple[str, str, Handler]] = {
            "list": ("GET", path, self.list_),
            "create": ("POST", path, self.create),
            "show": ("GET", item, self.show),
            "update": ("PUT", item, self.update),
            "delete": ("DELETE", item, self.delete),
        }
        for verb in sorted(self.resource.verbs):
            routes.add(*served[verb])
        for action in self.assembled.actions.values():
            base = item if action.on == "member" else path
            routes.add(action.method, f"{base}/{action.name}", self._acting(action))
        if self.resource.taggable:
            for action in tags.actions(self.assembled):
                routes.add(action.method, f"{item}/{action.name}", self._tagging(action))

    def _above(self, request: Request) -> list[str]:
        """The ids of the objects that this one is below, the parent last."""
        return request.values[: self.ancestors]

    def _id(self, request: Request) -> str:
        return request.values[-1]

    def list_(self, request: Request) -> Answer:
        limit = self.service.settings.pagination_max_limit
        wanted = query.parse(self.assembled, request.pairs, limit)
        id_ = self.assembled.attributes.get("id")
        paged = wanted.limit is not None and id_ is not None and id_.visible
        added = paged and wanted.fields and "id" not in wanted.fields
        if added:
            wanted.fields = (*wanted.fields, "id")
        rows = self.service.list_(request.caller, self.kind, wanted, self._above(request))
        body: dict[str, Any] = {self.collection: rows}
        links = page_links(request, wanted, rows) if paged and _have_ids(rows) else []
        if links:
            body[f"{self.collection}_links"] = links
        if added:
            for row in rows:
                row.pop("id", None)
        return Answer(body)

    def show(self, request: Request) -> Answer:
        fields = query.parse(self.assembled, request.pairs).fields if request.pairs else ()
        row = self.service.show(
            request.caller, self.kind, self._id(request), fields, self._above(request)
        )
        return Answer({self.member: row})

    def create(self, request: Request) -> Answer:
        """One object, or with the collection's key all or none of several."""
        body = request.json()
        bulk = self.resource.bulk and body is not None and self.collection in body
        bodies = self._several(body[self.collection]) if bulk else [self._of(body)]
        rows = self.service.create(request.caller, self.kind, bodies, self._above(request))
        return Answer({self.collection: rows} if bulk else {self.member: rows[0]}, 201)

    def _of(self, body: Any) -> Any:
        """The attributes that a body has under the member's name."""
        found = body.get(self.member) if body else None
        if found is None:
            raise BadRequest("HTTPBadRequest", f"Unable to find '{self.member}' in request body")
        return self._object(found)

    def _object(self, found: Any) -> Any:
        if not isinstance(found, dict):
            raise BadRequest("HTTPBadRequest", f"Object '{self.member}' contains invalid data")
        return found

    def _several(self, items: Any) -> list[Any]:
        """The objects of a bulk create, each of which may repeat the member's name."""
        if not items:
            raise BadRequest("HTTPBadRequest", "Resources required")
        if not isinstance(items, list):
            return [self._object(None)]
        bodies = []
        for item in items:
            if item is None or isinstance(item, (int, float)):
                raise BadRequest("HTTPBadRequest", "Body contains invalid data")
            wrapped = isinstance(item, dict) and self.member in item
            bodies.append(self._of(item) if wrapped else self._object(item))
        return bodies

    def update(self, request: Request) -> Answer:
        body = request.json()
        if body is not None and self.member not in body and self.collection in body:
            raise BadRequest("HTTPBadRequest", "Bulk operation not supported")
        row = self.service.update(
            request.caller,
            self.kind,
            self._id(request),
            self._of(body),
            self._above(request),
            _revision(request),
        )
        return Answer({self.member: row})

    def delete(self, request: Request) -> Answer:
        if request.raw:
            raise BadRequest("HTTPBadRequest", "Request body is not supported in DELETE.")
        self.service.delete(
            request.caller,
            self.kind,
            self._id(request),
            self._above(request),
            _revision(request),
        )
        return Answer(None, 204)

    def _acting(self, action: Action) -> Handler:
        def act(request: Request) -> Answer:
            id_ = request.values[-1] if action.on == "member" else None
            body = request.json()
            found = self.service.act(
                request.caller,
                self.kind,
                action,
                id_,
                body,
                request.pairs,
                self._above(request),
            )
            return Answer(found, action.status)

        return act

    def _tagging(self, action: Action) -> Handler:
        one = action.name.endswith(VARIABLE)

        def act(request: Request) -> Answer:
            id_, tag = request.values[-2:] if one else (request.values[-1], None)
            body = request.json() if action.method in ("POST", "PUT") and not one else None
            found = self.service.act(
                request.caller,
                self.kind,
                action,
                id_,
                body,
                tag,
                self._above(request),
                _revision(request),
            )
            return Answer(b"null" if action.status == 201 else found, action.status)

        return act


def _revision(request: Request) -> int | None:
    """N of `If-Match: revision_number=N`; other conditions are ignored. Raises 400."""
    text = request.headers.get(b"if-match")
    if text is None:
        return None
    tags_ = text.decode("latin-1").strip()
    found = [
        tag.removeprefix(_CONSTRAINT)
        for tag in (_QUOTED.findall(tags_) if tags_.startswith('"') else [tags_])
        if tag.startswith(_CONSTRAINT)
    ]
    if len(found) > 1:
        raise bad_request("if-match", "Multiple revision_number etags are not supported")
    try:
        return int(found[0][:4000]) if found else None
    except ValueError:
        raise bad_request(
            "if-match", "Revision number etag must be in the format of revision_number=<int>"
        ) from None


def _have_ids(rows: list[Row]) -> bool:
    """What has no table of its own need not have ids, and then comes in one page."""
    return not rows or "id" in rows[0]


def page_links(request: Request, wanted: Query, rows: list[Row]) -> list[Row]:
    """A link each way, but none onwards in the paging direction after a page that is not full.

    Upstream also gives a link back from the first page; clients walk until a page is empty.
    """
    assert wanted.limit is not None
    full = len(rows) >= wanted.limit
    kept: Pairs = [p for p in request.pairs if p[0] not in ("marker", "page_reverse")]
    links = []
    if full or wanted.page_reverse:
        links.append(("next", [*kept, *(("marker", r["id"]) for r in rows[-1:])]))
    if full or not wanted.page_reverse:
        marker = [("marker", r["id"]) for r in rows[:1]]
        links.append(("previous", [*kept, *marker, ("page_reverse", "True")]))
    base = f"{request.base_url}{request.path}"
    return [{"rel": rel, "href": f"{base}?{urlencode(pairs)}"} for rel, pairs in links]
