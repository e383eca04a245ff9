"""A real Chromium without a window, told what to do over its debugging pipe: no driver and no open port.

Every host name leads to this machine, so nothing it opens is anywhere else.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.programs import chromium

PATIENCE = 15.0
"""Seconds after which a browser that says nothing is given up. What is asked of it here takes milliseconds."""

FLAGS = (
    "--headless",
    "--no-sandbox",  # CI runs as root
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",  # small in containers
    "--no-first-run",
    "--no-default-browser-check",
    "--no-proxy-server",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-sync",
    "--disable-popup-blocking",
    "--password-store=basic",
    "--use-mock-keychain",
    "--host-resolver-rules=MAP * 127.0.0.1",
    "--ignore-certificate-errors",
    # Else http://app.example.com is tried by https first.
    "--disable-features=HttpsUpgrades,HttpsFirstBalancedMode,HttpsFirstBalancedModeAutoEnable",
)

Message = dict[str, Any]


class ChromiumError(Exception):
    """The browser answered with an error, went away or stayed silent."""


class Chromium:
    """One browser with a profile of its own. Not safe to share between threads."""

    def __init__(self, profile: Path, *, third_parties: bool = True) -> None:
        """Start it.

        Args:
            profile: Its directory. One that another browser left behind brings that one's jar.
            third_parties: Whether cookies are sent in frames of other sites; Debian's build does not by itself.
        """
        settings = profile / "Default" / "Preferences"
        if not settings.exists():
            settings.parent.mkdir(parents=True)
            blocked = {"block_third_party_cookies": not third_parties, "cookie_controls_mode": int(not third_parties)}
            settings.write_text(json.dumps({"profile": blocked}))
        self._errors = profile / "stderr.txt"
        with self._errors.open("wb") as stderr:
            self._running = chromium(*FLAGS, f"--user-data-dir={profile}", stderr=stderr)
        self._number = 0
        self._unread = b""
        self._events: list[Message] = []

    def __enter__(self) -> Chromium:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End it in good order, in which it writes its jar; and by force where it does not go."""
        process, commands, answers = self._running
        with suppress(ChromiumError, BrokenPipeError):
            self.call("Browser.close")
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        commands.close()
        answers.close()

    def call(self, method: str, session: str | None = None, **parameters: Any) -> Message:
        """Give a command of the DevTools protocol and wait for its answer."""
        self._number += 1
        number = self._number
        message = {"id": number, "method": method, "params": parameters}
        whom = {} if session is None else {"sessionId": session}
        self._running.commands.write(json.dumps({**message, **whom}).encode() + b"\0")
        answer = self._until(lambda heard: heard.get("id") == number, method)
        if "error" in answer:
            raise ChromiumError(f"{method}: {answer['error']}")
        result: Message = answer["result"]
        return result

    def event(self, method: str, session: str, fits: Callable[[Message], bool] = bool) -> Message:
        """Wait for an event, or take it out of those that came before."""

        def is_it(heard: Message) -> bool:
            mine = heard.get("method") == method and heard.get("sessionId") == session
            return mine and fits(heard["params"])

        for position, heard in enumerate(self._events):
            if is_it(heard):
                parameters: Message = self._events.pop(position)["params"]
                return parameters
        awaited: Message = self._until(is_it, method)["params"]
        return awaited

    def forget_events(self) -> None:
        """Let what came so far be answered by no later ``event``."""
        self._events.clear()

    def _until(self, is_it: Callable[[Message], bool], what: str) -> Message:
        """Read on to the message that is wanted, and keep the events before it."""
        deadline = time.monotonic() + PATIENCE
        while True:
            *whole, self._unread = self._unread.split(b"\0")
            for position, text in enumerate(whole):
                message: Message = json.loads(text)
                if is_it(message):
                    self._unread = b"\0".join([*whole[position + 1 :], self._unread])
                    return message
                if "method" in message:
                    self._events.append(message)
            self._unread += self._read(deadline, what)

    def _read(self, deadline: float, what: str) -> bytes:
        readable, _, _ = select.select([self._running.answers], [], [], max(0.0, deadline - time.monotonic()))
        text = os.read(self._running.answers.fileno(), 1 << 20) if readable else None
        if text:
            return text
        why = "no answer" if text is None else "it went away"
        raise ChromiumError(f"{what}: {why}; it said: {self._errors.read_text(errors='replace')[-500:]}")

    # Its jar.

    def clear(self) -> None:
        """Empty the jar."""
        self.call("Storage.clearCookies")

    def cookies(self) -> list[Message]:
        """Everything in the jar, HttpOnly or not."""
        found: list[Message] = self.call("Storage.getCookies")["cookies"]
        return found

    def tab(self) -> Tab:
        """Open a tab."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network"):
            self.call(f"{domain}.enable", session)
        self.call("Page.setLifecycleEventsEnabled", session, enabled=True)
        return Tab(self, target, session)


@dataclass(frozen=True)
class Tab:
    """One tab."""

    browser: Chromium
    target: str
    session: str

    def open(self, url: str) -> str:
        """Go to an address as if somebody had typed it, and wait until it is loaded; return the request's id."""
        self.browser.forget_events()
        begun = self.browser.call("Page.navigate", self.session, url=url)
        if "errorText" in begun:
            raise ChromiumError(f"{url}: {begun['errorText']}")
        request: str = begun["loaderId"]
        self.loaded(request)
        return request

    def loaded(self, request: str | None = None) -> None:
        """Wait until a page is loaded: that of a request, or the next one."""
        self.browser.event(
            "Page.lifecycleEvent",
            self.session,
            lambda event: event["name"] == "load" and request in (None, event["loaderId"]),
        )

    def refusals(self, request: str) -> list[str]:
        """Why cookies of that answer were dropped, in the browser's own words. To be asked once."""
        answer = self.browser.event(
            "Network.responseReceivedExtraInfo", self.session, lambda event: event["requestId"] == request
        )
        return [reason for blocked in answer["blockedCookies"] for reason in blocked["blockedReasons"]]

    def run(self, script: str) -> Any:
        """Run the body of an async function on the page, as if a click had started it; return what it returns."""
        done = self.browser.call(
            "Runtime.evaluate",
            self.session,
            expression=f"(async () => {{ {script} }})()",
            awaitPromise=True,
            returnByValue=True,
            userGesture=True,
        )
        if "exceptionDetails" in done:
            raise ChromiumError(f"{script}: {done['exceptionDetails']}")
        return done["result"].get("value")

    def close(self) -> None:
        """Close it."""
        self.browser.call("Target.closeTarget", targetId=self.target)
