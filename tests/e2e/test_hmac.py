"""Promise: a request signed by HTTP Message Signatures (RFC 9421) with a shared secret says who calls, and nothing that is signed can
be changed, delayed or sent twice."""

import base64
import hashlib
import hmac
import itertools
import time

import pytest

from kit import config
from kit.check import echoed, echoed_values, problem
from kit.client import fetch

SECRET = "a shared secret of more than 32 bytes"
COMPONENTS = ["@method", "@authority", "@path", "@query"]
nonces = itertools.count()


def sign(path, method="GET", host="shop.test", components=COMPONENTS, headers=(), key="k1", secret=SECRET, label="sig1",
         created=0, extra="", base_path=None, **parameters):  # fmt: skip
    """The headers of a signed request. `created` is relative to now; None leaves it out."""
    target = base_path or path
    query = "?" + target.partition("?")[2]
    values = {"@method": method, "@authority": host.lower(), "@path": target.partition("?")[0], "@query": query, "@scheme": "http",
              "@target-uri": f"http://{host.lower()}{target}", "@request-target": target} | {n.lower(): v for n, v in headers}  # fmt: skip
    parts = [f'"{one}"' for one in components]
    params = "(" + " ".join(parts) + ")"
    if created is not None:
        params += f";created={int(time.time()) + created}"
    params += f';keyid="{key}"' + "".join(f";{name}={value}" for name, value in parameters.items()) + extra
    base = "".join(f'"{one}": {values[one]}\n' for one in components) + f'"@signature-params": {params}'
    mac = hmac.new(secret.encode(), base.encode(), hashlib.sha256).digest()
    return [*headers, ("Signature-Input", f"{label}={params}"), ("Signature", f"{label}=:{base64.b64encode(mac).decode()}:")]


def fresh():
    return {"nonce": f'"n{next(nonces)}"'}


@pytest.fixture(scope="module")
def gateway(launch, shared_origin, tmp_path_factory):
    file = tmp_path_factory.mktemp("secrets") / "secret"
    file.write_text("another secret, which is in a file\n")
    hmacs = [{"key_id": "k1", "secret_env": "WEIR_TEST_SECRET"}, {"key_id": "k2", "secret_file": str(file)}]
    digest = [config.filter_("hmac", content_digest=True)]
    short = [config.filter_("hmac", max_age="2s", clock_skew="0s", required_components=["@target-uri", "date"])]
    return launch(config.document(
        config.route("known", "/known/**", shared_origin.url, auth_required=True, plugin_chain=["hmac"]),
        config.route("digest", "/digest", shared_origin.url, auth_required=True, plugin_chain=digest),
        config.route("short", "/short", shared_origin.url, auth_required=True, plugin_chain=short),
        config.route("twice", "/twice", shared_origin.url, auth_required=True, plugin_chain=[config.filter_("hmac", replays="accept")]),
        consumers=[{"name": "shop", "credentials": {"hmac": hmacs}}],
    ), environment={"WEIR_TEST_SECRET": SECRET})  # fmt: skip


def ask(gateway, path, headers, host="shop.test", **options):
    return fetch(gateway.port, path, host=host, headers=headers, **options)


def test_a_signed_request_says_who_calls(gateway, origin):
    response = ask(gateway, "/known/a?x=1", sign("/known/a?x=1", **fresh()))
    assert echoed_values(response, "X-Consumer-Name") == ["shop"] and echoed_values(response, "X-Credential-Identifier") == ["k1"]
    assert gateway.record_of(response)["credential_kind"] == "hmac"
    assert ask(gateway, "/known/a", sign("/known/a", key="k2", secret="another secret, which is in a file", **fresh())).status == 200
    assert ask(gateway, "/known/a", sign("/known/a", alg='"hmac-sha256"', tag='"app"', **fresh())).status == 200
    host = "SHOP.test:80"
    assert ask(gateway, "/known/a", sign("/known/a", host="shop.test", **fresh()), host=host).status == 200


def test_every_derived_component_and_headers(gateway, origin):
    components = ["@method", "@target-uri", "@authority", "@scheme", "@request-target", "@path", "@query", "x-one", "date"]
    headers = [("X-One", "1"), ("Date", "Tue, 20 Apr 2021 02:07:55 GMT")]
    response = ask(gateway, "/known/a?b=%20c", sign("/known/a?b=%20c", components=components, headers=headers, **fresh()))
    assert echoed(response)["target"] == "/known/a?b=%20c"


def test_a_field_in_several_lines_is_one_value(gateway, origin):
    signed = sign("/known/a", components=[*COMPONENTS, "x-many"], headers=[("X-Many", "a, b")], **fresh())
    headers = [("X-Many", "a"), ("X-Many", "b"), *signed[1:]]
    assert ask(gateway, "/known/a", headers).status == 200


def refused(gateway, response, detail=None):
    said = problem(gateway, response, "invalid_credential")
    assert response.status == 401 and response.all("www-authenticate") == ['Signature realm="weir"']
    if detail:
        assert detail in said["detail"], said


def test_what_was_signed_cannot_be_changed(gateway, origin):
    wrong = "does not fit"
    refused(gateway, ask(gateway, "/known/b", sign("/known/a", **fresh())), wrong)
    refused(gateway, ask(gateway, "/known/a?x=2", sign("/known/a?x=1", **fresh())), wrong)
    refused(gateway, ask(gateway, "/known/a", sign("/known/a", **fresh()), method="POST", body=b""), wrong)
    refused(gateway, ask(gateway, "/known/a", sign("/known/a", **fresh()), host="other.test"), wrong)
    refused(gateway, ask(gateway, "/known/a", sign("/known/a", secret="not the secret that they share, no", **fresh())), wrong)
    signed = sign("/known/a", components=[*COMPONENTS, "x-one"], headers=[("X-One", "1")], **fresh())
    refused(gateway, ask(gateway, "/known/a", [("X-One", "2"), *signed[1:]]), wrong)
    refused(gateway, ask(gateway, "/known/a", [*signed, ("X-One", "1")]), wrong)
    refused(gateway, ask(gateway, "/known/a", signed[1:]), "not there")
    inputs = dict(sign("/known/a", **fresh()))
    later = inputs["Signature-Input"].replace("created=", "created=1")
    refused(gateway, ask(gateway, "/known/a", [("Signature-Input", later), ("Signature", inputs["Signature"])]))
    assert not origin.requests


def test_too_little_is_signed(gateway, origin):
    for missing in COMPONENTS:
        some = [one for one in COMPONENTS if one != missing]
        refused(gateway, ask(gateway, "/known/a", sign("/known/a", components=some, **fresh())), "does not cover")
    assert ask(gateway, "/known/a", sign("/known/a", components=["@method", "@target-uri"], **fresh())).status == 200


def test_the_window_of_time(gateway, origin):
    refused(gateway, ask(gateway, "/known/a", sign("/known/a", created=-400, **fresh())), "too old")
    refused(gateway, ask(gateway, "/known/a", sign("/known/a", created=60, **fresh())), "future")
    refused(gateway, ask(gateway, "/known/a", sign("/known/a", created=None, **fresh())), "created")
    refused(gateway, ask(gateway, "/known/a", sign("/known/a", expires=int(time.time()) - 1, **fresh())), "expired")
    assert ask(gateway, "/known/a", sign("/known/a", expires=int(time.time()) + 60, **fresh())).status == 200
    date = [("Date", "Tue, 20 Apr 2021 02:07:55 GMT")]
    refused(gateway, ask(gateway, "/short", sign("/short", components=["@target-uri", "date"], headers=date, created=-4)), "too old")


def test_a_signature_is_accepted_once(gateway, origin):
    signed = sign("/known/a", **fresh())
    assert ask(gateway, "/known/a", signed).status == 200
    for _ in range(20):  # whichever worker it meets
        refused(gateway, ask(gateway, "/known/a", signed), "used before")
    signed = sign("/twice")
    assert [ask(gateway, "/twice", signed).status for _ in range(2)] == [200, 200]


def test_the_digest_of_a_body(gateway, origin):
    body = b"hello"
    value = "sha-256=:" + base64.b64encode(hashlib.sha256(body).digest()).decode() + ":"
    plain = sign("/digest", method="POST", **fresh())
    refused(gateway, ask(gateway, "/digest", plain, method="POST", body=body), "digest of the body")
    signed = sign("/digest", method="POST", components=[*COMPONENTS, "content-digest"], headers=[("Content-Digest", value)], **fresh())
    assert ask(gateway, "/digest", signed, method="POST", body=body).status == 200
    assert ask(gateway, "/digest", sign("/digest", **fresh())).status == 200, "no body, no digest"


MALFORMED = [
    'sig1', 'sig1=', 'sig1=()', 'sig1=("@method"', 'sig1=("@method" "@method")', 'sig1=("@method";req)', "sig1=(@method)",
    'sig1=("@method"  "@path");created=x', 'sig1=("@method");keyid=k1', 'sig1=("@method");keyid="k\\"1"', '=()', 'sig1=("@method"),',
    'sig1=("@method");created=1;created=2;keyid="k1"', 'SIG=("@method");keyid="k1"', 'sig1=("@method"),sig1=("@path")',
    "sig1=(" + " ".join(f'"x{n}"' for n in range(40)) + ");keyid=\"k1\"", 'sig1=("@nonsense" "@method" "@authority" "@path" "@query");created=1;keyid="k1"',
]  # fmt: skip


@pytest.mark.parametrize("value", MALFORMED)
def test_malformed(gateway, origin, value):
    refused(gateway, ask(gateway, "/known/a", [("Signature-Input", value), ("Signature", "sig1=:AAAA:")]))


def test_halves_and_strangers(gateway, origin):
    signed = sign("/known/a", **fresh())
    for half in signed:
        refused(gateway, ask(gateway, "/known/a", [half]), "come together")
    refused(gateway, ask(gateway, "/known/a", sign("/known/a", key="stranger", **fresh())), "known keyid")
    refused(gateway, ask(gateway, "/known/a", sign("/known/a", alg='"rsa-pss-sha512"', **fresh())), "algorithm")
    refused(gateway, ask(gateway, "/known/a", [signed[0], ("Signature", "other=:AAAA:")]), "malformed")
    problem(gateway, ask(gateway, "/known/a", []), "unauthenticated")


def test_of_several_signatures_the_known_one_counts(gateway, origin):
    one, other = sign("/known/a", label="theirs", key="stranger", **fresh()), sign("/known/a", label="ours", **fresh())
    assert ask(gateway, "/known/a", [*one, *other]).status == 200
    one, other = dict(sign("/known/a", label="theirs", key="stranger", **fresh())), dict(sign("/known/a", label="ours", **fresh()))
    assert ask(gateway, "/known/a", [(name, f"{value}, {other[name]}") for name, value in one.items()]).status == 200
