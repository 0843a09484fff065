# SPDX-License-Identifier: Apache-2.0
"""The OpenAPI 3.1 document of everything that is served.

Invariant: its paths are exactly the route table's, and its schemas exactly the declarations'.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from deuteron.api.routes import VARIABLE, Routes
from deuteron.declare.attribute import Attribute, Sentinel, Stored
from deuteron.declare.registry import Assembled, Registry
from deuteron.declare.resource import Action
from deuteron.domain import tags

Json = dict[str, Any]
_SCHEMAS: Final = "#/components/schemas/"
_ERROR: Final[Json] = {
    "description": "The request was refused.",
    "content": {"application/json": {"schema": {"$ref": f"{_SCHEMAS}error"}}},
}
_PAGING: Final = {
    "fields": ("array", "Attributes to answer with; all if there are none."),
    "sort_key": ("array", "Attributes to sort by; as many as `sort_dir`."),
    "sort_dir": ("array", "Directions to sort in."),
    "limit": ("integer", "The most objects of a page; 0 for all."),
    "marker": ("string", "The id of the object before the page."),
    "page_reverse": ("boolean", "Whether to page backwards."),
}


def document(registry: Registry, routes: Routes) -> Json:
    """The document of all routes that the table has now."""
    schemas: Json = {"error": _error_schema()}
    operations: dict[tuple[str, str], Json] = {}
    for assembled in registry.resources.values():
        schemas.update(_schemas(assembled))
        for path in registry.paths(assembled.name):
            operations.update(_operations(assembled, path))
    members = {a.resource.url: f"{a.name}_id" for a in registry.resources.values()}
    paths: Json = {}
    for path, methods in routes.paths().items():
        named, parameters = _named(path, members)
        served = {m.lower(): _complete(operations, m, path) for m in methods}
        paths[named] = {"parameters": parameters, **served} if parameters else served
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Networking API",
            "version": "2.0",
            "description": "The OpenStack Networking API v2.0 as Deuteron serves it.",
            "license": {"name": "Apache 2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {"schemas": schemas},
    }


def _named(path: str, members: dict[str, str]) -> tuple[str, list[Json]]:
    """A path with names for its variables, and their declarations."""
    segments = path.split("/")
    parameters = []
    for index, segment in enumerate(segments):
        if segment == VARIABLE:
            before = segments[index - 1]
            name = members.get(before, {"tags": "tag", "extensions": "alias"}.get(before, "id"))
            segments[index] = f"{{{name}}}"
            parameters.append(
                {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            )
    return "/".join(segments), parameters


def _complete(operations: dict[tuple[str, str], Json], method: str, path: str) -> Json:
    found = operations.get((method, path)) or _operation("About this API.", 200, {})
    words = [w for w in path.replace(".", "_").replace("{}", "one").split("/") if w]
    return {"operationId": "_".join([method.lower(), *words]).replace("-", "_"), **found}


def _operations(assembled: Assembled, path: str) -> dict[tuple[str, str], Json]:
    resource, name = assembled.resource, assembled.name
    whole: Json = {"$ref": _SCHEMAS + name}
    several: Json = {"type": "array", "items": whole}
    item, doc, member = resource.item(path), resource.doc, resource.member_key
    one = _body(member, whole)
    found: dict[tuple[str, str], Json] = {}
    if "list" in resource.verbs:
        listed = _operation(f"List: {doc}", 200, _body(resource.collection, several))
        found["GET", path] = {**listed, "parameters": _query(assembled)}
    if "show" in resource.verbs:
        found["GET", item] = _operation(f"Show: {doc}", 200, one)
    if "create" in resource.verbs:
        new: Json = {"$ref": f"{_SCHEMAS}{name}_create"}
        bulk = _body(resource.collection, {"type": "array", "items": new, "minItems": 1})
        given: Json = {"oneOf": [_body(member, new), bulk]} if resource.bulk else _body(member, new)
        answered: Json = {"oneOf": [one, _body(resource.collection, several)]}
        found["POST", path] = _operation(f"Create: {doc}", 201, answered, given)
    if "update" in resource.verbs:
        changes = _body(member, {"$ref": f"{_SCHEMAS}{name}_update"})
        found["PUT", item] = _operation(f"Update: {doc}", 200, one, changes)
    if "delete" in resource.verbs:
        found["DELETE", item] = _operation(f"Delete: {doc}", 204, {})
    for action in (
        *assembled.actions.values(),
        *(tags.actions(assembled) if resource.taggable else ()),
    ):
        base = item if action.on == "member" else path
        found[action.method, f"{base}/{action.name}".rstrip("/")] = _acting(action)
    return found


def _acting(action: Action) -> Json:
    given: Json | None = None
    if action.method in ("PUT", "POST"):
        given = {"type": "object"}
    if action.name == "tags" and given:
        given = _body("tags", {"type": "array", "items": {"type": "string", "maxLength": 255}})
    return _operation(action.doc or action.name, action.status, {}, given)


def _operation(doc: str, status: int, answer: Json, given: Json | None = None) -> Json:
    response: Json = {"description": "Done."}
    if status not in (204,):
        response["content"] = {"application/json": {"schema": answer}}
    found: Json = {"summary": doc, "responses": {str(status): response, "default": _ERROR}}
    if given is not None:
        found["requestBody"] = {"content": {"application/json": {"schema": given}}}
    return found


def _body(key: str, schema: Json) -> Json:
    return {"type": "object", "properties": {key: schema}, "required": [key]}


def _query(assembled: Assembled) -> list[Json]:
    """Paging and filters; a filter can be repeated, and then finds what has any of its values."""
    found = []
    for name, (kind, doc) in _PAGING.items():
        schema: Json = {"type": kind}
        if kind == "array":
            schema["items"] = {"type": "string"}
        found.append({"name": name, "in": "query", "description": doc, "schema": schema})
    names = [a.name for a in assembled.attributes.values() if a.filter]
    names += ["tenant_id"] if "project_id" in names else []
    names += sorted(tags.FILTERS) if assembled.resource.taggable else []
    text: Json = {"type": "array", "items": {"type": "string"}}
    for name in names:
        doc = f"Only objects with this {name}."
        found.append({"name": name, "in": "query", "description": doc, "schema": text})
    return found


def _schemas(assembled: Assembled) -> Json:
    attributes = assembled.attributes.values()
    name = assembled.name
    found = {name: _object(a for a in attributes if a.visible)}
    if "create" in assembled.resource.verbs:
        found[f"{name}_create"] = _object((a for a in attributes if a.post), given=True)
        if assembled.required:
            found[f"{name}_create"]["required"] = sorted(assembled.required)
    if "update" in assembled.resource.verbs:
        found[f"{name}_update"] = _object((a for a in attributes if a.put), given=True)
    return found


def _object(attributes: Iterable[Attribute], *, given: bool = False) -> Json:
    properties = {a.name: _property(a, given=given) for a in attributes}
    if "project_id" in properties:
        properties["tenant_id"] = {**properties["project_id"], "deprecated": True}
    schema: Json = {"type": "object", "properties": properties}
    if given:
        schema["additionalProperties"] = False
    return schema


def _property(attribute: Attribute, *, given: bool) -> Json:
    schema = {**attribute.type.schema(), "description": attribute.doc}
    default = attribute.default
    if given and not (default is None or isinstance(default, Sentinel) or callable(default)):
        schema["default"] = default
    if not given and attribute.stored is not Stored.COMPUTED and isinstance(default, Sentinel):
        # What a rule decides may also be nothing.
        del schema["description"]
        schema = {"anyOf": [schema, {"type": "null"}], "description": attribute.doc}
    return schema


def _error_schema() -> Json:
    text: Json = {"type": "string"}
    error = {
        "type": "object",
        "properties": {"type": text, "message": text, "detail": text},
        "required": ["type", "message", "detail"],
    }
    return _body("NeutronError", error)
