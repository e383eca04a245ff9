"""What ``check --provider`` says of the provider: whether it answers, and whether what it says fits what it was given.

The facts come from sealed_session/providers/probing.py. Of what was asked only the host is named, and no provider is
known here by its name.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from .config import Config
from .findings import Finding, Level
from .state import AppState
from .verifiers import ALGORITHMS

if TYPE_CHECKING:
    from sealed_session.providers.key_survey import KeySurvey
    from sealed_session.providers.probing import Asked, Probe

_SHOWN = 100
"""Characters of a text of the provider's."""

_WELL_KNOWN = "/.well-known/openid-configuration"

_ALGORITHMS = "let the provider's option algorithms be what it signs with."

_FOR_SIGN_OUT = {
    "revocation_endpoint": "nobody can tell it that a refresh token is to end: signing out has revoked=False.",
    "end_session_endpoint": "signing out leaves people signed in at the provider.",
}
"""Endpoints that one can do without, and what it is like without them."""


def judge(app: AppState) -> list[Finding]:
    """Return what there is to say about an application's provider. It is asked, and told nothing.

    Raises:
        UsageError: A package is missing (``extra_missing``).
    """
    from sealed_session.providers import probing

    algorithms = getattr(app.provider, "algorithms", ALGORITHMS)
    probe = probing.probe(app.provider, algorithms, time.time if app.clock is None else app.clock)
    if probe.metadata is None and probe.keys is None:
        what = "There is nothing to ask for: it has neither an issuer with metadata, nor an address of keys."
        return [Finding("note", "provider_not_asked", "provider", what if app.provider else "There is none.")]
    return [
        *_metadata(probe),
        *_endpoints(probe, app.config),
        *_signing_in(probe, algorithms, app.config),
        *_keys(probe, algorithms),
        *_clock(probe, app.config),
    ]


def _finding(level: Level, code: str, host: str, what: str, fix: str = "") -> Finding:
    return Finding(level, code, f"provider {host}", what, fix)


# Its metadata


def _metadata(probe: Probe) -> Iterator[Finding]:
    asked = probe.metadata
    if asked is None:
        return
    if asked.problem:
        yield _unreachable(asked, "the issuer's metadata")
    elif asked.document is None:
        what = f"It answers (HTTP {asked.status}), and not with an issuer's metadata, which are a JSON object."
        fix = f"is the issuer right? Its address with {_WELL_KNOWN} behind it has them."
        yield _finding("error", "provider_no_metadata", asked.host, what, fix)
    elif not probe.is_issuers:
        what = (
            f"The metadata are those of the issuer {_shown(probe.document.get('issuer'))}, and the provider was given "
            f"{_shown(probe.issuer)}: they are not used, and nobody can sign in."
        )
        fix = "give it the issuer to the letter, with or without a slash at its end, if that is who you mean."
        yield _finding("error", "provider_issuer", asked.host, what, fix)
    else:
        what = "It answers with the issuer's metadata, by the name that the provider was given."
        yield _finding("ok", "provider_reachable", asked.host, what)


def _unreachable(asked: Asked, what: str) -> Finding:
    what = f"It cannot be asked for {what}: {asked.problem}."
    fix = "is the address right, does this machine know the name, and does a firewall or a proxy stand between?"
    return _finding("error", "provider_unreachable", asked.host, what, fix)


def _endpoints(probe: Probe, config: Config) -> Iterator[Finding]:
    from sealed_session.providers.http import is_sound_url

    if probe.metadata is None or not probe.is_issuers:
        return
    needed = _needed(config)
    for name in (*needed, *_FOR_SIGN_OUT):
        url = probe.endpoints.get(name)
        level: Level = "error" if name in needed else "warning"
        if url is None:
            yield _missing(probe.metadata.host, name)
        elif not is_sound_url(url):
            what = f"Its {name} is no https address, and is not used."
            fix = "have the provider say https there; behind a proxy it has to know its own address."
            yield _finding(level, "provider_endpoint_unsafe", probe.metadata.host, what, fix)


def _needed(config: Config) -> list[str]:
    signs_in = config.auth_prefix is not None
    names = {
        "token_endpoint": True,
        "authorization_endpoint": signs_in,
        "jwks_uri": signs_in or config.verify_access_token,
    }
    return [name for name, is_needed in names.items() if is_needed]


def _missing(host: str, name: str) -> Finding:
    if name in _FOR_SIGN_OUT:
        return _finding("note", "provider_endpoint_missing", host, f"It has no {name}: {_FOR_SIGN_OUT[name]}")
    what = f"Its metadata have no {name}, without which nobody is signed in."
    return _finding("error", "provider_endpoint_missing", host, what, "is it the issuer that you mean?")


# What signing in needs


def _signing_in(probe: Probe, algorithms: Sequence[str], config: Config) -> Iterator[Finding]:
    if config.auth_prefix is None or probe.metadata is None or not probe.is_issuers:
        return
    host = probe.metadata.host
    if "code" not in _listed(probe, "response_types_supported", "code"):
        what = "It does not list the response type code, by which people are signed in here."
        yield _finding("error", "provider_response_type", host, what, "turn the authorization code flow on there.")
    signs_with = _listed(probe, "id_token_signing_alg_values_supported", *algorithms)
    if not set(signs_with) & set(algorithms):
        what = f"It signs ID tokens with {_shown(', '.join(signs_with))}, and {', '.join(algorithms)} is accepted here."
        yield _finding("error", "provider_algorithms", host, what, _ALGORITHMS)
    yield from _pkce(probe, host)
    yield from _back_channel(probe, host)


def _pkce(probe: Probe, host: str) -> Iterator[Finding]:
    if "code_challenge_methods_supported" not in probe.document:
        what = "It does not say whether it knows PKCE. Our sign-in sends it; whoever does not know it should ignore it."
        yield _finding("note", "provider_pkce", host, what)
    elif "S256" not in _listed(probe, "code_challenge_methods_supported"):
        what = "It does not list S256 among its PKCE methods, and our sign-in uses no other."
        yield _finding("error", "provider_pkce", host, what, "turn S256 on there.")


def _back_channel(probe: Probe, host: str) -> Iterator[Finding]:
    if probe.document.get("backchannel_logout_supported") is True:
        what = "It reports logouts by the back channel, if our backchannel-logout is registered with it."
        yield _finding("ok", "provider_back_channel", host, what)
    else:
        what = "It does not say that it reports logouts: a session that ends there goes on here until its next refresh."
        yield _finding("note", "provider_back_channel", host, what)


def _listed(probe: Probe, name: str, *otherwise: str) -> list[str]:
    """Return a list of the metadata; something else where there is none."""
    value = probe.document.get(name)
    return [one for one in value if type(one) is str] if type(value) is list else list(otherwise)


# Its keys


def _keys(probe: Probe, algorithms: Sequence[str]) -> Iterator[Finding]:
    asked, found = probe.keys, probe.survey
    if asked is None:
        return
    if asked.problem:
        yield _unreachable(asked, "its keys")
    elif found is None:
        what = f"It answers (HTTP {asked.status}), and not with a JSON Web Key Set: no token can be verified."
        yield _finding("error", "provider_no_keys", asked.host, what, "is the address of the keys right?")
    else:
        yield _usable(asked.host, found, ", ".join(algorithms))
        yield from _unusable(asked.host, found)


def _usable(host: str, found: KeySurvey, ours: str) -> Finding:
    if found.usable:
        return _finding("ok", "provider_keys", host, f"Keys of use for {ours}: {found.usable}.")
    what = f"None of its keys is of use for {ours}: no token can be verified."
    if not found.others:
        return _finding("error", "provider_no_keys", host, what, "is the address of the keys right?")
    what += f" There are some for {', '.join(found.others)}."
    return _finding("error", "provider_no_keys", host, what, _ALGORITHMS)


def _unusable(host: str, found: KeySurvey) -> Iterator[Finding]:
    if found.weak:
        what = f"RSA keys of less than 2048 bits: {found.weak}. A token that is signed with one is refused."
        yield _finding("warning", "provider_keys_weak", host, what, "have the provider make longer ones.")
    faults = {
        "without a name (kid)": found.nameless,
        "under a name that several have": found.ambiguous,
        "that cannot be read": found.broken,
    }
    listed = "; ".join(f"{text}: {number}" for text, number in faults.items() if number)
    if listed:
        what = f"Keys {listed}. A token that is signed with one is refused."
        yield _finding("warning", "provider_keys_unusable", host, what, "have the provider's set of keys put right.")


# Its clock


def _clock(probe: Probe, config: Config) -> Iterator[Finding]:
    asked, ahead, leeway = probe.metadata or probe.keys, probe.ahead, config.clock_skew
    if asked is None or ahead is None:
        return
    if abs(ahead) <= leeway / 2:
        what = f"Its clock and this machine's agree, as far as SEALED_SESSION_CLOCK_SKEW ({leeway:g} seconds) goes."
        yield _finding("ok", "provider_clock", asked.host, what)
        return
    direction = "ahead of" if ahead > 0 else "behind"
    is_off = abs(ahead) > leeway
    what = f"Its clock is {abs(ahead):.0f} seconds {direction} this machine's, and {leeway:g} are tolerated"
    what += ": good tokens are refused." if is_off else "."
    fix = "let this machine's clock be set by NTP. If it is, the other one is wrong; SEALED_SESSION_CLOCK_SKEW helps."
    yield _finding("error" if is_off else "warning", "provider_clock", asked.host, what, fix)


def _shown(text: object) -> str:
    """Return the beginning of a text that the provider wrote; the terminal's orders are taken out by ``findings``."""
    return repr(text[:_SHOWN]) if type(text) is str else "of nobody"
