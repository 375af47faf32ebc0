"""Promise: a token says who calls only if its issuer's key, by the key's algorithm, has signed exactly that; nothing in the
token chooses what it is judged by (attacks C6, C2, C3; faults R15)."""

import hashlib
import hmac
import json
import time

import pytest

from kit import config
from kit.check import echoed, echoed_values, problem
from kit.client import fetch
from kit.tokens import Key, b64, bearer, claims, key_set
from kit.wait import until

ISSUER = {"issuer": "https://id.test", "audiences": ["api"]}


@pytest.fixture(scope="module")
def key(tmp_path_factory):
    return Key(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    return Key(tmp_path_factory.mktemp("keys"), kid="k1")


def jwt(key, **settings):
    issuer = ISSUER | {"jwks": json.loads(key_set(key.jwk()))} | settings.pop("issuer", {})
    return config.filter_("jwt", issuers=[issuer], **settings)


@pytest.fixture(scope="module")
def gateway(launch, shared_origin, key):
    url = shared_origin.url
    chain = [jwt(key, claim_headers={"X-Email": "email", "X-Level": "level"})]
    with_scopes = [jwt(key, issuer={"required_scopes": ["admin"]})]
    by_pem = {"jwks": None, "public_key": key.public_pem}
    pem = [config.filter_("jwt", issuers=[{n: v for n, v in (ISSUER | by_pem).items() if v is not None}], forward=True)]
    return launch(
        config.document(
            config.route("closed", "/closed/**", url, auth_required=True, plugin_chain=chain),
            config.route("open", "/open/**", url, plugin_chain=chain),
            config.route("admin", "/admin/**", url, auth_required=True, plugin_chain=with_scopes),
            config.route("access", "/access/**", url, auth_required=True, plugin_chain=[jwt(key, issuer={"types": ["at+jwt"]})]),
            config.route("pem", "/pem/**", url, auth_required=True, plugin_chain=pem),
            config.route("places", "/places/**", url, auth_required=True,
                         plugin_chain=[jwt(key, bearer=False, cookie="sid", query_parameter="access_token")]),
        )
    )  # fmt: skip


def get(gateway, token, path="/closed/x", headers=()):
    return fetch(gateway.port, path, headers=[*bearer(token), *headers])


def refused(gateway, response, error="invalid_token", status=401):
    assert response.status == status, response
    said = problem(gateway, response, "invalid_credential")
    challenge = response.get("www-authenticate")
    assert challenge.startswith(f'Bearer realm="weir", error="{error}", error_description="'), challenge
    return said["detail"]


def test_a_good_token_passes_and_does_not_go_on(gateway, origin, key):
    token = key.token(claims(jti="t-1", scope="read"))
    for _ in range(3):
        response = get(gateway, token)
        assert response.status == 200
        assert echoed_values(response, "Authorization") == []
    record = gateway.record_of(response)
    assert record["consumer"] == "alice"


def test_consumers_of_the_file_come_first(weir, origin, key):
    shop = {"name": "shop", "custom_id": "c-17", "groups": ["gold"],
            "credentials": {"jwt": [{"issuer": "https://id.test", "subject": "f81d"}]}}  # fmt: skip
    route = config.route("all", upstream=origin.url, auth_required=True, plugin_chain=[jwt(key)])
    document = config.document(route) | {"consumers": [shop]}
    gateway = weir(document)
    for subject, consumer in (("f81d", "shop"), ("other", "other")):
        token = key.token(claims(subject=subject))
        response = get(gateway, token, "/x", [("X-User-Id", "root"), ("X-Consumer-Name", "root")])
        assert echoed_values(response, "X-Consumer-Name") == [consumer]
        assert echoed_values(response, "X-User-Id") == [subject]
        assert gateway.record_of(response)["consumer"] == consumer
    # Another name after a reload: what was mapped before is not found in any cache.
    token = key.token(claims(subject="f81d"))
    gateway.write(document | {"consumers": [shop | {"name": "store"}]})
    until("the new name", lambda: echoed_values(get(gateway, token, "/x"), "X-Consumer-Name") == ["store"], 5)


def test_without_a_token_there_is_a_challenge(gateway, origin):
    response = fetch(gateway.port, "/closed/x")
    problem(gateway, response, "unauthenticated")
    assert response.status == 401 and response.get("www-authenticate") == 'Bearer realm="weir"'
    assert fetch(gateway.port, "/open/x").status == 200


def test_a_bad_token_is_nobody_on_an_open_route(gateway, origin, stranger):
    response = get(gateway, stranger.token(claims()), "/open/x", [("X-Email", "forged@x.y"), ("X-User-Id", "root")])
    assert response.status == 200
    said = str(echoed(response)["headers"])
    assert "forged" not in said and "root" not in said


def none_of(name):
    return lambda key: f"{b64({'alg': name, 'kid': 'k1'})}.{b64(claims())}."


def hs_by_public_key(key):
    text = f"{b64({'alg': 'HS256', 'kid': 'k1'})}.{b64(claims())}"
    return f"{text}.{b64(hmac.digest(key.public_pem.encode(), text.encode(), hashlib.sha256))}"


def psychic(key):
    text = f"{b64({'alg': 'ES256', 'kid': 'k1'})}.{b64(claims())}"
    return f"{text}.{b64(bytes(64))}"


def json_serialisation(key):
    header, payload, signature = key.token(claims()).split(".")
    return json.dumps({"protected": header, "payload": payload, "signature": signature}, separators=(",", ":"))


def changed(change):
    return lambda key: change(key.token(claims()))


def header(**members):
    return lambda key: key.token(claims(), members)


def raw_header(text):
    return lambda key: key.token(claims(), text)


def payload(text):
    return lambda key: key.token(text)


def times(**members):
    return lambda key: key.token(claims(**members))


def raw_exp(text):
    return lambda key: key.token(
        json.dumps(claims(exp=None)).encode().rstrip(b"}") + b', "exp": ' + text.encode() + b"}"
    )


ATTACKS = {
    "none": none_of("none"), "None": none_of("None"), "nOnE": none_of("nOnE"), "empty alg": none_of(""),
    "no alg": header(alg=None),
    "HS256 by the public key": hs_by_public_key,
    "PS256 claimed": header(alg="PS256"), "RS512 claimed": header(alg="RS512"), "rs256": header(alg="rs256"),
    "alg is a list": header(alg=["RS256"]),
    "r = s = 0": psychic,
    "crit": header(crit=["exp"], exp=1), "empty crit": header(crit=[]), "b64": header(b64=False, crit=["b64"]),
    "embedded jwk": lambda key: key.token(claims(), {"jwk": key.jwk()}),
    "jku": header(jku="https://evil.test/keys"), "x5u": header(x5u="https://evil.test/cert"), "x5c": header(x5c=["AA"]),
    "kid is a path": header(kid="../../dev/null"), "kid is SQL": header(kid="' UNION SELECT 'k1"),
    "kid of 2 KiB": header(kid="k" * 2048), "kid with NUL": header(kid="k1\0"), "kid is a number": header(kid=1),
    "kid is empty": header(kid=""),
    "alg twice": raw_header(b'{"alg":"RS256","alg":"none","kid":"k1"}'),
    "kid twice": raw_header(b'{"alg":"RS256","kid":"k1","kid":"k1"}'),
    "iss twice": payload(b'{"iss":"https://id.test","iss":"https://id.test","aud":"api","sub":"a","exp":9999999999}'),
    "padded": changed(lambda t: t + "=="), "padded header": changed(lambda t: t.replace(".", "=.", 1)),
    "foreign alphabet": changed(lambda t: t[:-1] + "/"),
    "no signature": changed(lambda t: t.rpartition(".")[0] + "."), "two parts": changed(lambda t: t.rpartition(".")[0]),
    "four parts": changed(lambda t: t + ".AA"), "five parts": changed(lambda t: t + ".AA.AA"),
    "empty payload": changed(lambda t: t.split(".")[0] + ".." + t.split(".")[2]),
    "JWE": header(alg="RSA-OAEP", enc="A256GCM"), "huge p2c": header(alg="PBES2-HS256+A128KW", p2c=2147483647),
    "compressed": header(zip="DEF"),
    "changed claims": changed(lambda t: f"{t.split('.')[0]}.{b64(claims(subject='root'))}.{t.split('.')[2]}"),
    "payload is a list": payload(b"[]"), "payload is nothing": payload(b""), "payload is deep": payload(b'{"a":' * 500),
    "no exp": times(exp=None), "exp is a string": times(exp="9999999999"), "exp 1e400": raw_exp("1e400"),
    "exp 1e300": raw_exp("1e300"), "exp negative": raw_exp("-1"), "exp null": raw_exp("null"), "exp true": raw_exp("true"),
    "expired": times(lifetime=-61), "nbf in 61 s": times(nbf=int(time.time()) + 3600), "nbf is a string": times(nbf="0"),
    "iat in the future": times(iat=int(time.time()) + 3600),
    "other issuer": times(issuer="https://id.test/"), "iss is a list": times(issuer=["https://id.test"]),
    "no iss": times(issuer=None),
    "other audience": times(audience="apis"), "aud lists others": times(audience=["a", "b"]), "no aud": times(audience=None),
    "aud with a number": times(audience=["api", 1]),
    "typ of another kind": header(typ="logout+jwt"), "typ is a number": header(typ=1),
    "no sub": times(subject=None), "sub with a line break": times(subject="a\r\nX-Admin: 1"),
}  # fmt: skip


@pytest.mark.parametrize("name", ATTACKS)
def test_attacks_on_tokens(gateway, origin, key, name):
    response = get(gateway, ATTACKS[name](key))
    refused(gateway, response, response.get("www-authenticate").partition('error="')[2].partition('"')[0])
    assert not origin.requests


def test_a_token_beyond_all_bounds(gateway, origin, key):
    response = get(gateway, key.token(claims(), {"kid": "k" * 8192}))
    assert response.status == 401, response
    assert not origin.requests


def test_json_serialisation_is_no_bearer_token(gateway, origin, key):
    assert refused(gateway, get(gateway, json_serialisation(key)), "invalid_request")


def test_a_stranger_with_the_same_kid(gateway, origin, stranger):
    assert refused(gateway, get(gateway, stranger.token(claims()))) == "the token's signature does not hold"


def test_a_revocable_second_look(gateway, origin, key, stranger):
    """A cached token does not make its neighbours good: same claims, another signature."""
    good = key.token(claims())
    assert get(gateway, good).status == 200
    forged = good.rpartition(".")[0] + "." + stranger.token(claims()).rpartition(".")[2]
    refused(gateway, get(gateway, forged))
    assert get(gateway, good).status == 200


@pytest.mark.parametrize("audience", ["api", ["other", "api"]])
def test_audience_is_a_string_or_a_list(gateway, origin, key, audience):
    assert get(gateway, key.token(claims(audience=audience))).status == 200


def test_leeway(gateway, origin, key):
    assert get(gateway, key.token(claims(lifetime=-50))).status == 200
    assert get(gateway, key.token(claims(nbf=int(time.time()) + 50))).status == 200


def test_two_authorization_fields_are_none(gateway, origin, key):
    token = key.token(claims())
    response = get(gateway, token, headers=bearer(token))
    refused(gateway, response, "invalid_request")
    response = get(gateway, token, headers=[("Authorization", "Basic YTpi")])
    refused(gateway, response, "invalid_request")


FORGED = [("X-Email", "forged"), ("x-email", "forged"), ("X_Email", "forged"), ("X-LEVEL", "forged")]


@pytest.mark.parametrize("email, sent", [("a@b.c", ["a@b.c"]), (None, []), (["x"], []), ("é", []), ("a\nX-A: 1", []), ({}, [])])
def test_claims_become_headers_and_nobody_else_writes_them(gateway, origin, key, email, sent):
    token = key.token(claims(email=email, level=3))
    for _ in range(2):
        response = get(gateway, token, headers=FORGED)
        if response.status == 400:  # the parser may refuse X_Email outright
            response = get(gateway, token, headers=[pair for pair in FORGED if "_" not in pair[0]])
        assert echoed_values(response, "X-Email") == sent
        assert echoed_values(response, "X-Level") == ["3"]
        assert "forged" not in str(echoed(response)["headers"])


def test_scopes_required_by_the_filter(gateway, origin, key):
    response = get(gateway, key.token(claims(scope="read write")), "/admin/x")
    assert response.status == 403 and response.json()["reason"] == "insufficient_scope"
    assert get(gateway, key.token(claims(scope="read admin")), "/admin/x").status == 200
    assert get(gateway, key.token(claims(scp=["admin"])), "/admin/x").status == 200


def test_access_tokens_only(gateway, origin, key):
    assert refused(gateway, get(gateway, key.token(claims()), "/access/x")) == "the token's typ is not accepted"
    assert get(gateway, key.token(claims(), {"typ": "at+jwt"}), "/access/x").status == 200
    assert get(gateway, key.token(claims(), {"typ": "application/at+jwt"}), "/access/x").status == 200


def test_a_public_key_in_pem_and_the_token_goes_on_if_asked(gateway, origin, key):
    token = key.token(claims(), {"kid": "whatever"})
    response = get(gateway, token, "/pem/x")
    assert echoed_values(response, "Authorization") == [f"Bearer {token}"]
    refused(gateway, get(gateway, hs_by_public_key(key), "/pem/x"))


def test_cookie_and_query_are_taken_out(gateway, origin, key):
    token = key.token(claims())
    response = fetch(gateway.port, "/places/x", headers=[("Cookie", f"a=1; sid={token}; b=2")])
    assert echoed_values(response, "Cookie") == ["a=1; b=2"]
    response = fetch(gateway.port, f"/places/x?a=1&access_token={token}&b=2")
    assert echoed(response)["target"] == "/places/x?a=1&b=2"
    assert token not in gateway.log_file.read_text()
    assert get(gateway, token, "/places/x").status == 401  # not from the header


def test_secrets_are_never_told(gateway, origin, key):
    token = key.token(claims())
    get(gateway, token)
    get(gateway, token + "x")
    assert token not in gateway.log_file.read_text() and token not in gateway.stderr()
