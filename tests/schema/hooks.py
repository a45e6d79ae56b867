"""Additions to Schemathesis: the format of problems, and a count of calls per operation."""

import os

import schemathesis

STATUSES = open(os.environ["SCHEMA_STATUSES"], "a", buffering=1)
# Internals that a response must not contain.
INSIDE = ("panicked", ".rs:", "SELECT ", "fjall", "stack backtrace")


@schemathesis.hook
def after_call(ctx, case, response):
    # Schemathesis also tries other methods on the path.
    if response.request.method == case.operation.method.upper():
        STATUSES.write(f"{case.operation.label} {response.status_code}\n")


@schemathesis.check
def problem_form(ctx, response, case):
    """An error is a problem (RFC 9457) with the contract's members, and exposes no internals."""
    if response.status_code < 400:
        return
    text = response.content.decode("utf-8")
    assert not any(word in text for word in INSIDE), f"exposes internals: {text}"
    if response.request.method == "HEAD":
        return
    assert response.headers["content-type"][0] == "application/problem+json", response.headers
    body = response.json()
    assert body["status"] == response.status_code, body
    assert body["type"] == f"urn:ticket-system:problem:{body['code']}", body
    assert body["title"] == body["error"] and body["detail"], body
    assert body["request_id"] == response.headers["x-request-id"][0], body


# Constraints that the document cannot express: dependencies between fields.
BETWEEN_FIELDS = (
    "closes_at must be after opens_at",
    "must be between 1970-01-01T00:00:00Z",
    "is named twice",
    "all prices of an event have one currency",
    "with return_mode `list` alone",
    "a draw needs opens_at of the event",
    "must name a customer or a payment_ref",
    # Receivers of webhooks: URLs, types and secrets have a form of their own.
    "url must",
    "types has",
    "secret must",
    # A position that a ledger has not reached.
    "ledger ends at",
    "does not exist",
)


@schemathesis.check
def valid_is_not_refused_as_invalid(ctx, response, case):
    """Valid data may be refused because of the state of the store, but not as invalid."""
    if case.meta is None or not case.meta.generation.mode.is_positive or response.request.method != case.operation.method.upper():
        return
    if response.status_code not in (400, 413, 415, 422, 431):
        return
    # A header value that is only a quoted string loses its quotes on the way.
    for name in ("if-match", "if-none-match"):
        tags = response.request.headers.get(name)
        if tags and '"' not in tags and tags != "*":
            return
    body = response.json()
    if body["code"] in ("idempotency_key_reused", "customer_required", "total_too_large", "work_invalid"):
        return
    assert any(words in body["detail"] for words in BETWEEN_FIELDS), f"valid according to the document, but refused: {body['detail']}"


@schemathesis.check
def only_503_of_5xx(ctx, response, case):
    """The only server error is 503, with Retry-After."""
    assert response.status_code < 500 or response.status_code == 503, response.status_code
    if response.status_code == 503:
        assert "retry-after" in response.headers, response.headers
