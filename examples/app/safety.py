"""What every application does for its pages: it takes forms from them alone, and lets them load nothing from elsewhere.

The demo has two: the application and the provider.
"""

from __future__ import annotations

from collections.abc import Collection

from flask import Flask, abort, request
from flask.wrappers import Response

POLICY = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self'; "
    "form-action 'self' {}; base-uri 'none'; frame-ancestors 'none'"
)


def protect(app: Flask, *, forms_lead_to: str, from_servers: Collection[str]) -> None:
    """Protect the pages of an application.

    Args:
        app: The application.
        forms_lead_to: The other origin at which a form may end: browsers hold ``form-action`` against redirects as
            well, and both signing in and signing out go on elsewhere.
        from_servers: Endpoints to which no page sends anything: who asks there shows a secret, or a signature.
    """
    headers = {
        "Content-Security-Policy": POLICY.format(forms_lead_to),
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
    }

    def add_headers(response: Response) -> Response:
        for name, value in headers.items():
            response.headers.setdefault(name, value)
        return response

    app.before_request(lambda: None if request.endpoint in from_servers else refuse_other_sites())
    app.after_request(add_headers)


def refuse_other_sites() -> None:
    """Take forms from our own pages alone.

    SameSite=Lax keeps the cookie out of other sites' forms. Another port of this machine is the same site, though,
    and the forms that need no cookie are worth protecting as well.
    """
    if request.method not in ("GET", "HEAD", "OPTIONS") and not is_same_origin():
        abort(403, "This form was sent from another site.")


def is_same_origin() -> bool:
    """Return whether one of our pages sent the request: by Fetch Metadata, in older browsers by Origin."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    return request.headers.get("Origin") == request.host_url.rstrip("/")
