"""What the vendors' JavaScript writes, and that a browser keeps it."""

from __future__ import annotations

import pytest

from sealed_session.testing import Clock, FakeCorbado, FakeStytch
from tests.web.jar import Jar

NOW = 1_800_000_000


class TestStytch:
    """Both cookies."""

    def test_as_the_page_says(self, stytch: FakeStytch, clock: Clock) -> None:
        """Both last as long as the session, though the JWT does not."""
        session = stytch.sign_in()
        clock.advance(600)
        attributes = "; domain=app.example.com; path=/; SameSite=Lax; Secure; max-age=3000"
        assert [
            f"stytch_session={session['refresh_token']}{attributes}",
            f"stytch_session_jwt={session['access_token']}{attributes}",
        ] == stytch.browser_cookies("app.example.com", session)

    @pytest.mark.parametrize("host", ["localhost", "localhost:3000", "127.0.0.1:5000"])
    def test_on_this_machine(self, stytch: FakeStytch, host: str) -> None:
        """Not Secure."""
        lines = stytch.browser_cookies(host, stytch.sign_in())
        assert [False, False] == ["Secure" in line for line in lines]
        assert f"; domain={host.partition(':')[0]};" in lines[0]

    def test_each_option(self, stytch: FakeStytch) -> None:
        """Changes what it is named for."""
        session = stytch.sign_in()
        renamed = stytch.browser_cookies("app.example.com", session, names=("a", "b"), path="/app")
        assert ["a", "b"] == [line.partition("=")[0] for line in renamed]
        assert "; path=/app;" in renamed[0]
        parent = stytch.browser_cookies("app.example.com", session, domain="example.com")
        assert "; domain=example.com;" in parent[0]
        assert "domain" not in stytch.browser_cookies("app.example.com", session, host_only=True)[0]

    def test_a_session_that_is_over(self, stytch: FakeStytch, clock: Clock) -> None:
        """Leaves cookies that are deleted at once."""
        session = stytch.sign_in()
        clock.advance(4000)
        assert stytch.browser_cookies("app.example.com", session)[0].endswith("max-age=0")

    def test_a_browser_keeps_them(self, stytch: FakeStytch, clock: Clock) -> None:
        """For the host and what is below it, until the session's end."""
        jar, page = Jar(clock), "https://app.example.com/"
        objections = [
            jar.script_store(line, page) for line in stytch.browser_cookies("app.example.com", stytch.sign_in())
        ]
        assert [None, None] == objections
        assert "stytch_session_jwt=" in jar.header("https://api.app.example.com/")
        assert "" == jar.header("https://example.com/")
        clock.advance(3601)
        assert "" == jar.header(page)

    def test_a_browser_keeps_them_on_this_machine(self, stytch: FakeStytch, clock: Clock) -> None:
        """Without https."""
        jar, page = Jar(clock), "http://localhost:3000/"
        for line in stytch.browser_cookies("localhost:3000", stytch.sign_in()):
            assert jar.script_store(line, page) is None
        assert "stytch_session=" in jar.header(page)


class TestCorbado:
    """What the UI component writes."""

    def test_its_domain_is_the_host(self, corbado: FakeCorbado) -> None:
        """As sources say of https://www.example.com/auth/."""
        session = corbado.sign_in()
        line = corbado.ui_cookie("www.example.com", session)
        expected = "; domain=www.example.com; Secure; sameSite=Lax; path=/; max-age=604800"
        assert f"cbo_session_token={session['access_token']}{expected}" == line

    def test_on_this_machine(self, corbado: FakeCorbado) -> None:
        """Not Secure; the port is no part of the Domain. The name may be the former one."""
        line = corbado.ui_cookie("localhost:5000", corbado.sign_in(), name="cbo_short_session")
        assert line.startswith("cbo_short_session=")
        assert ("; domain=localhost;" in line, "Secure" in line) == (True, False)

    def test_a_browser_keeps_it(self, corbado: FakeCorbado, clock: Clock) -> None:
        """For the UI's host: the API's is another one, and does not see it."""
        jar, page = Jar(clock), "https://www.example.com/auth/"
        assert jar.script_store(corbado.ui_cookie("www.example.com", corbado.sign_in()), page) is None
        assert "cbo_session_token=" in jar.header(page)
        assert "" == jar.header("https://api.example.com/")
