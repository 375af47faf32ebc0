"""Judgements several test files share."""

from .client import Client, fetch

REFUSED_BODY = ("type", "title", "status", "reason", "request_id")


def refused(gateway, origin, raw, statuses=(400,), reason=None, piece=None):
    """Sends `raw` and demands the safe answer: one problem response, the connection closed, nothing complete and nothing of
    what follows at the origin, one log record with the same reason. Returns the response."""
    with Client(gateway.port) as client:
        client.send_pieces(raw, piece) if piece else client.send(raw)
        responses = client.responses_until_close()
        assert not client.wire.was_reset or responses, "reset before an answer could be read"
    assert len(responses) == 1, f"{len(responses)} responses: {responses}"
    response = responses[0]
    assert response.status in statuses, response
    assert response.closes, response
    problem(gateway, response, reason)
    assert not [r for r in origin.requests if r.complete], origin.requests
    assert b"smuggled" not in origin.received, bytes(origin.received)
    return response


def untouched(origin):
    """Not one byte and not one connection reached the origin since its reset."""
    assert not origin.received, bytes(origin.received[:500])
    assert origin.accepted == 0


def problem(gateway, response, reason=None):
    """An error response is a problem document that agrees with its status line, its X-Request-Id and its log record."""
    said = response.problem
    for word in REFUSED_BODY:
        assert word in said, f"no {word!r} in {said}"
    assert said["status"] == response.status
    assert said["request_id"] == response.get("x-request-id")
    record = gateway.record_of(response)
    assert record.reason == said["reason"] and record.status == response.status, (record, said)
    if reason:
        assert said["reason"] == reason, said
    return said


def still_serves(gateway, path="/still-serves"):
    """A fresh client is served by the echo."""
    response = fetch(gateway.port, path)
    assert response.status == 200, response
    assert response.json()["target"] == path
    return response


def echoed(response):
    """What the echo origin says it received: a dict whose "headers" is a list of [name, value]."""
    assert response.status == 200, response
    return response.json()


def echoed_values(response, name):
    """The values of a header as the origin received them."""
    return [value for key, value in echoed(response)["headers"] if key.lower() == name.lower()]
