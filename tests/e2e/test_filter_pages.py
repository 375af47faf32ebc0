"""Promise: the example on a filter's page works as it stands, from nothing to a call that succeeds and one that fails."""

import pytest

from kit.gateway import ROOT
from kit.page import Page


@pytest.mark.parametrize("name", ["oauth2_introspection", "forward_auth", "api_key", "basic", "hmac", "mtls", "require_identity", "jwt"])
def test_the_example_works_from_start_to_end(tmp_path, name):
    with Page(ROOT / "docs/filters" / f"{name}.md", tmp_path) as page:
        assert page.check() >= 2
