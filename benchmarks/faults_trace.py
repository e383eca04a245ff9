"""What happened to one session, event by event: for whoever wants to know why it was lost."""

from __future__ import annotations

from .faults_browser import Browser
from .faults_fleet import Blow
from .faults_provider import Call
from .faults_stores import Outage
from .faults_world import World


def trace(world: World, browser: Browser) -> list[str]:
    """Return the events in order, with seconds since the fault began. No token is in it, only its number."""
    events = [*_calls(world, browser), *_answers(browser), *_blows(world), *_parting(world, browser)]
    return [f"{moment - world.begun_at:7.2f}  {what}" for moment, what in sorted(events)]


def _calls(world: World, browser: Browser) -> list[tuple[float, str]]:
    calls = [call for call in list(world.provider.calls) if call.sid == browser.sid]
    numbers = {token: number for number, token in enumerate(dict.fromkeys(call.token for call in calls), 1)}
    return [(call.arrived, f"call with token {numbers[call.token]} by {call.pid}: {_end(call)}") for call in calls]


def _end(call: Call) -> str:
    spoilt = f", answered {call.treatment.spoil}" if call.treatment.spoil else ""
    lasted = "never answered" if call.answered is None else f"after {call.answered - call.arrived:.2f} s"
    return f"{call.verdict or 'going on'}{spoilt}, {lasted}"


def _answers(browser: Browser) -> list[tuple[float, str]]:
    """Return the answers, of equal ones in a row only the first."""
    changes: list[tuple[float, str]] = []
    for moment, answer in browser.history:
        what = f"answer {answer.status or 'none'} {answer.reason}".rstrip()
        if not changes or changes[-1][1] != what:
            changes.append((moment, what))
    return changes


def _blows(world: World) -> list[tuple[float, str]]:
    kills = [(blow.begins, f"{blow.pid} killed") for blow in world.fleet.kills]
    stops = [(blow.begins, f"{blow.pid} stands still for {_length(blow)}") for blow in world.fleet.stops]
    outages = [(one.begins, f"store away for {_length(one)}{', empty' * one.is_lossy}") for one in world.store.outages]
    return [*kills, *stops, *outages, (world.calm_at, "the fault is over")]


def _parting(world: World, browser: Browser) -> list[tuple[float, str]]:
    told = world.provider.families[browser.sid].told
    revoked = [(moment, f"the provider is told to end it{', in vain' * (not ends)}") for moment, ends in told]
    parting = browser.parting
    if parting is None:
        return revoked
    said = f"recorded {parting.is_recorded}, revoked {parting.is_revoked}, by {parting.answer.said.get('pid')}"
    copies = ", ".join(f"{number} times {what}" for what, number in sorted(parting.copies.items()))
    ended = parting.ended
    return [*revoked, (parting.begun, "signs out"), (ended, f"has signed out: {said}; copies: {copies or 'none'}")]


def _length(span: Blow | Outage) -> str:
    return f"{span.ends - span.begins:.2f} s"
