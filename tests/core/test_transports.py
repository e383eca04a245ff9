"""Transports as data."""

from __future__ import annotations

from typing import Any

import pytest

from sealed_session import ConfigError, UsageError, UsageTypeError
from sealed_session.transports import BearerHeader, SealedCookie, TokenCookies, as_transports, parent_of


class TestTokenCookies:
    """What cookies of tokens may be."""

    def test_names_are_one_or_several(self) -> None:
        """The first is the one that is written; without a refresh token there is no name for one."""
        assert ("a",) == TokenCookies(access="a").access_names
        assert () == TokenCookies(access="a").refresh_names
        cookies = TokenCookies(access=("a", "b"), refresh=["c"])  # type: ignore[arg-type]
        assert (("a", "b"), ("c",)) == (cookies.access_names, cookies.refresh_names)

    def test_equal_values_are_equal(self) -> None:
        """So that a transport that is there twice is found."""
        assert TokenCookies(access="a") == TokenCookies(access=("a",))
        assert 1 == len({TokenCookies(access="a"), TokenCookies(access="a")})

    @pytest.mark.parametrize(("mode", "is_hidden"), [("disabled", False), ("enabled", True), ("enforced", True)])
    def test_who_is_kept_from_them(self, mode: Any, is_hidden: bool) -> None:
        """JavaScript, unless that is disabled."""
        assert is_hidden is TokenCookies(access="a", http_only=mode).is_hidden

    @pytest.mark.parametrize(
        ("values", "codes"),
        [
            ({"access": "a b"}, ["bad_name"]),
            ({"access": "a", "refresh": "a"}, ["name_taken"]),
            ({"access": "a", "owner": "nobody"}, ["transport_option"]),
            ({"access": "a", "http_only": True}, ["transport_option"]),
            ({"access": "a", "domain": "co.uk"}, ["domain_is_public_suffix"]),
            ({"access": "a", "domain": "example.com", "host_only": True}, ["transport_option"]),
            ({"access": "a", "custom_domain": "example.com"}, ["custom_domain"]),
            ({"access": "a", "custom_domain": "127.0.0.1"}, ["custom_domain"]),
            ({"access": "a", "custom_domain": "localhost"}, ["custom_domain"]),
            ({"access": "a", "custom_domain": 1}, ["custom_domain"]),
            ({"access": "a", "refresh": "b", "path": "x", "same_site": "lax?"}, ["bad_path", "samesite_unknown"]),
        ],
    )
    def test_everything_that_is_wrong_is_told(self, values: dict[str, Any], codes: list[str]) -> None:
        """At once, each with its code."""
        with pytest.raises(ConfigError) as raised:
            TokenCookies(**values)
        assert codes == [problem.code for problem in raised.value.problems]

    @pytest.mark.parametrize("values", [{"access": ()}, {"access": 1}, {"access": [1]}, {"access": "a", "refresh": ()}])
    def test_names_of_another_type(self, values: dict[str, Any]) -> None:
        """Are refused by name."""
        with pytest.raises(UsageTypeError, match="a cookie's name"):
            TokenCookies(**values)

    def test_host_only_is_a_bool(self) -> None:
        """A text would be true."""
        with pytest.raises(UsageTypeError, match="host_only"):
            TokenCookies(access="a", host_only="no")  # type: ignore[arg-type]

    @pytest.mark.parametrize("domain", ["login.example.com", "LOGIN.app.example.com"])
    def test_a_custom_domain_has_a_parent(self, domain: str) -> None:
        """Below which the cookies are shared."""
        assert domain == TokenCookies(access="a", custom_domain=domain).custom_domain
        assert domain.lower().endswith("." + parent_of(domain))


class TestList:
    """An ordered list of them."""

    def test_it_is_taken_in_its_order(self) -> None:
        """As a tuple."""
        given = [TokenCookies(access="a"), BearerHeader(), SealedCookie()]
        assert tuple(given) == as_transports(given)

    @pytest.mark.parametrize("given", [SealedCookie(), "SealedCookie", [SealedCookie], ["bearer"], None])
    def test_anything_else_is_refused(self, given: Any) -> None:
        """A class that was not called, too."""
        with pytest.raises(UsageTypeError, match="transports"):
            as_transports(given)

    @pytest.mark.parametrize(("given", "code"), [([], "empty_list"), ([BearerHeader()] * 2, "transport_twice")])
    def test_none_and_one_twice(self, given: Any, code: str) -> None:
        """Nothing could come in; the second would never be reached."""
        with pytest.raises(UsageError) as raised:
            as_transports(given)
        assert code == raised.value.code
