# SPDX-License-Identifier: Apache-2.0
"""Errors that an API caller sees. Every layer raises these; `api` renders them in a dialect.

Invariant: an `ApiError` carries everything the answer needs; a resource's own errors are made by
functions beside its rules, from the classes here.
"""

from __future__ import annotations

from typing import Final

# What upstream says when it has nothing more to say.
MALFORMED: Final = (
    "The server could not comply with the request since it is either malformed or otherwise "
    "incorrect."
)


class ApiError(Exception):
    """An answer to the caller that is not a success.

    `type` is the name clients match on (`NetworkNotFound`), `status` the HTTP status.
    """

    status = 500

    def __init__(self, type_: str, message: str, detail: str = "") -> None:
        super().__init__(message)
        self.type = type_
        self.message = message
        self.detail = detail


class BadRequest(ApiError):
    status = 400


class Forbidden(ApiError):
    status = 403


class NotFound(ApiError):
    status = 404


class MethodNotAllowed(ApiError):
    status = 405


class NotAcceptable(ApiError):
    status = 406


class Conflict(ApiError):
    status = 409


class PreconditionFailed(ApiError):
    status = 412


class UnsupportedMediaType(ApiError):
    status = 415


class Unavailable(ApiError):
    status = 503


def invalid_input(attribute: str, reason: str) -> BadRequest:
    """A value that its attribute's type does not accept."""
    return BadRequest("HTTPBadRequest", f"Invalid input for {attribute}. Reason: {reason}.")


def bad_request(resource: str, reason: str) -> BadRequest:
    """A request that is well formed but breaks a rule of the resource."""
    return BadRequest("BadRequest", f"Bad {resource} request: {reason}.")


def invalid(message: str) -> BadRequest:
    """Upstream's catch-all for input that breaks a rule across attributes."""
    return BadRequest("InvalidInput", f"Invalid input for operation: {message}.")
