# SPDX-License-Identifier: Apache-2.0
"""From a request's body to a row, by the declaration alone.

Invariant: what leaves here has only declared attributes, each converted by its type. The order of
checks and the error texts are those that clients of the Networking API match on.
"""

from __future__ import annotations

from typing import Any

from deuteron.declare.registry import Assembled
from deuteron.declare.resource import Row
from deuteron.declare.types import Invalid, NotConverted
from deuteron.errors import BadRequest, invalid, invalid_input


def for_create(assembled: Assembled, body: Any) -> tuple[Row, Row]:
    """A whole row and the attributes that the body gave. Raises 400.

    Attributes without a default that the body leaves out are `UNSET`.
    """
    body = _project(assembled, body)
    for name in body:
        attribute = assembled.attributes.get(name)
        if attribute is not None and not attribute.post:
            raise _refused(f"Attribute '{name}' not allowed in POST")
    for name in assembled.required:
        if name not in body:
            raise _refused(f"Failed to parse request. Required attribute '{name}' not specified")
    given = _converted(assembled, body)
    row = dict(assembled.defaults)
    for name, make in assembled.default_makers.items():
        row[name] = make()
    row.update(given)
    return row, given


def for_update(assembled: Assembled, body: Any) -> Row:
    """The attributes that the body changes, converted. Raises 400."""
    body = _project(assembled, body)
    for name in body:
        attribute = assembled.attributes.get(name)
        if attribute is not None and not attribute.put:
            raise _refused(f"Cannot update read-only attribute {name}")
    return _converted(assembled, body)


def _project(assembled: Assembled, body: Any) -> Row:
    """The body with `tenant_id`, the old name, as `project_id`, and only known attributes."""
    if not isinstance(body, dict):
        raise _refused("Body contains invalid data")
    if "tenant_id" in body and "project_id" in assembled.attributes:
        body = dict(body)
        tenant = body.pop("tenant_id")
        if body.setdefault("project_id", tenant) != tenant:
            raise _refused("'project_id' and 'tenant_id' do not match")
    unknown = [name for name in body if name not in assembled.attributes]
    if unknown:
        raise _refused(f"Unrecognized attribute(s) '{', '.join(sorted(unknown))}'")
    return dict(body)


def _converted(assembled: Assembled, body: Row) -> Row:
    given: Row = {}
    for name, value in body.items():
        attribute = assembled.attributes[name]
        if value is None and attribute.null_is_default:
            given[name] = attribute.default_value()
            continue
        try:
            given[name] = attribute.type.convert(value)
        except Invalid as error:
            raise refused(name, error) from None
        except RecursionError:
            raise _refused(f"The value of '{name}' is nested too deeply") from None
    return given


def refused(attribute: str, error: Invalid) -> BadRequest:
    """What a type said of a value; upstream words failed conversions and failed checks apart."""
    if isinstance(error, NotConverted):
        return invalid(str(error))
    return invalid_input(attribute, str(error))


def _refused(message: str) -> BadRequest:
    return BadRequest("HTTPBadRequest", message)
