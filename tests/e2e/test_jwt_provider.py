"""Promise: tokens of a real OpenID provider (oidc-provider) are accepted by discovery alone, by client credentials and by the
code flow; its keys may be rotated and it may be away without anybody being refused who should not be."""

import base64
import hashlib
import json
import re
import subprocess
import urllib.parse

import pytest

from kit import config
from kit.check import problem
from kit.client import fetch
from kit.provider import Provider
from kit.tokens import bearer
from kit.wait import until


def signing_key(kid):
    """A private JWK, as the provider wants it."""
    script = "console.log(JSON.stringify(require('crypto').generateKeyPairSync('rsa',{modulusLength:2048}).privateKey.export({format:'jwk'})))"
    made = subprocess.run(["node", "-e", script], capture_output=True, text=True, check=True)
    return json.loads(made.stdout) | {"kid": kid, "alg": "RS256", "use": "sig"}


@pytest.fixture(scope="module")
def two_keys():
    return [signing_key("first"), signing_key("second")]


@pytest.fixture
def provider(tmp_path, two_keys):
    made = Provider(tmp_path, jwks={"keys": two_keys[:1]})
    yield made
    made.stop()


def document(origin, provider, **settings):
    issuer = {"issuer": provider.url, "audiences": ["urn:jwt"], "discovery": True, "allow_http": True, "allow_private": True}
    chain = [config.filter_("jwt", issuers=[issuer | settings])]
    closed = config.route("all", upstream=origin.url, auth_required=True, plugin_chain=chain)
    return config.to_origin(origin) | {"routes": [closed]}


def get(gateway, token):
    return fetch(gateway.port, "/x", headers=bearer(token))


def restart(provider, **settings):
    provider.stop()
    provider.settings |= settings
    provider.start()


def test_client_credentials(weir, origin, provider):
    gateway = weir(document(origin, provider, types=["at+jwt"], required_scopes=["read"]))
    token = provider.token(resource="urn:jwt")
    assert token.count(".") == 2
    response = get(gateway, token)
    assert response.status == 200, response
    assert gateway.record_of(response)["consumer"] == "shop"  # RFC 9068 §2.2: the client is the subject
    write = provider.token(scope="write", resource="urn:jwt")
    assert get(gateway, write).json()["reason"] == "insufficient_scope"


def test_an_opaque_token_is_none_of_ours(weir, origin, provider):
    gateway = weir(document(origin, provider))
    response = get(gateway, provider.token())
    assert response.status == 401 and problem(gateway, response, "invalid_credential")


class Browser:
    """Follows redirects by hand and keeps cookies, as far as the provider's forms need it."""

    def __init__(self, provider):
        self.provider = provider
        self.cookies = {}

    def ask(self, url, form=None):
        """The response after redirects, or the callback's URL."""
        for _ in range(10):
            parts = urllib.parse.urlsplit(urllib.parse.urljoin(self.provider.url, url))
            if parts.path == "/callback":
                return parts
            headers = [("Cookie", "; ".join(f"{n}={v}" for n, v in self.cookies.items()))] if self.cookies else []
            method, body = "GET", None
            if form is not None:
                method, body, form = "POST", urllib.parse.urlencode(form).encode(), None
                headers.append(("Content-Type", "application/x-www-form-urlencoded"))
            target = parts.path + (f"?{parts.query}" if parts.query else "")
            response = fetch(self.provider.port, target, method, parts.netloc, headers, body)
            for name, value in response.headers:
                if name.lower() == "set-cookie":
                    crumb, _, value = value.partition(";")[0].partition("=")
                    self.cookies[crumb] = value
            if response.status not in (302, 303):
                return response
            url = response.get("location")
        raise AssertionError("the provider's redirects do not end")


def code_flow(provider, login):
    browser = Browser(provider)
    verifier = "v" * 50
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    asked = {"client_id": "web", "response_type": "code", "redirect_uri": "http://127.0.0.1/callback", "scope": "openid read",
             "resource": "urn:jwt", "code_challenge": challenge, "code_challenge_method": "S256", "state": "s"}  # fmt: skip
    page = browser.ask("/auth?" + urllib.parse.urlencode(asked))
    for _ in range(3):  # a form to log in, one to consent
        if not hasattr(page, "body"):
            break
        text = page.body.decode()
        action = re.search(r'action="([^"]+)"', text)[1]
        prompt = re.search(r'name="prompt" value="(\w+)"', text)[1]
        form = {"prompt": prompt} | ({"login": login, "password": "x"} if prompt == "login" else {})
        page = browser.ask(action, form)
    code = urllib.parse.parse_qs(page.query)["code"][0]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": asked["redirect_uri"],
            "code_verifier": verifier, "resource": "urn:jwt"}  # fmt: skip
    response = provider.ask("/token", form, client="web")
    assert response.status == 200, response
    return response.json()


def test_code_flow(weir, origin, provider):
    gateway = weir(document(origin, provider, consumer_claim="client_id"))
    tokens = code_flow(provider, "alice")
    response = get(gateway, tokens["access_token"])
    assert response.status == 200, response
    assert gateway.record_of(response)["consumer"] == "web"
    # The ID token is for the client, not for the API.
    said = get(gateway, tokens["id_token"])
    assert said.status == 401 and said.json()["detail"] == "the token is for somebody else"


def test_rotation(weir, origin, provider, two_keys):
    gateway = weir(document(origin, provider))
    old = provider.token(resource="urn:jwt")
    assert get(gateway, old).status == 200
    restart(provider, jwks={"keys": [two_keys[1], two_keys[0]]})  # signs with the new one, still shows the old
    new = provider.token(resource="urn:jwt")
    assert get(gateway, new).status == 200
    assert get(gateway, old).status == 200


def test_the_provider_is_away(weir, origin, provider):
    gateway = weir(document(origin, provider))
    first, second = provider.token(resource="urn:jwt"), provider.token(resource="urn:jwt")
    assert get(gateway, first).status == 200
    provider.stop()
    assert get(gateway, second).status == 200  # verified by the keys that are here
    provider.start()


def test_a_gateway_that_starts_before_its_provider(weir, origin, provider):
    provider.stop()
    gateway = weir(document(origin, provider))
    provider.start()
    token = provider.token(resource="urn:jwt")
    until("the provider's keys are found", lambda: get(gateway, token).status == 200, 15)
