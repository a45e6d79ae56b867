"""What Schemathesis cannot know: the form of problems, and who was called how often."""

import os

import schemathesis

STATUSES = open(os.environ["SCHEMA_STATUSES"], "a", buffering=1)
# Nothing of the inside belongs into an answer.
INSIDE = ("panicked", ".rs:", "SELECT ", "fjall", "stack backtrace")


@schemathesis.hook
def after_call(ctx, case, response):
    # Other methods on its path are tried as well.
    if response.request.method == case.operation.method.upper():
        STATUSES.write(f"{case.operation.label} {response.status_code}\n")


@schemathesis.check
def problem_form(ctx, response, case):
    """An error is a problem (RFC 9457) with the members of the contract, and tells nothing of the inside."""
    if response.status_code < 400:
        return
    text = response.content.decode("utf-8")
    assert not any(word in text for word in INSIDE), f"it tells of the inside: {text}"
    if response.request.method == "HEAD":
        return
    assert response.headers["content-type"][0] == "application/problem+json", response.headers
    body = response.json()
    assert body["status"] == response.status_code, body
    assert body["type"] == f"urn:ticket-system:problem:{body['code']}", body
    assert body["title"] == body["error"] and body["detail"], body
    assert body["request_id"] == response.headers["x-request-id"][0], body


# What a document cannot say of valid data: that a key was used before, or how two fields depend on each other.
BETWEEN_FIELDS = ("closes_at must be after opens_at", "cannot be before 1970", "is named twice")


@schemathesis.check
def valid_is_not_refused_as_invalid(ctx, response, case):
    """Valid data may be refused for what is in the store, but not for what it is."""
    if case.meta is None or not case.meta.generation.mode.is_positive or response.request.method != case.operation.method.upper():
        return
    if response.status_code not in (400, 413, 415, 422, 431):
        return
    # A quoted string loses its quotes on the way into a header when it is all of it.
    if_match = response.request.headers.get("if-match")
    if if_match and '"' not in if_match and if_match != "*":
        return
    body = response.json()
    if body["code"] in ("idempotency_key_reused", "customer_required"):
        return
    assert any(words in body["detail"] for words in BETWEEN_FIELDS), f"valid by the document, and refused: {body['detail']}"


@schemathesis.check
def only_503_of_5xx(ctx, response, case):
    """Whatever is sent, the only server error is that it cannot answer now, and when to come again."""
    assert response.status_code < 500 or response.status_code == 503, response.status_code
    if response.status_code == 503:
        assert "retry-after" in response.headers, response.headers
