"""Write other_providers.json: one realistic session for each provider beyond the five samples.

    python tests/data/build_other_providers.py

Everything is synthetic: names are invented, identifiers and signatures come from a seeded generator. The shapes follow
the vendors' documentation. The size benchmark and its test read the file; the dictionary was not drawn from it.
"""

from __future__ import annotations

import base64
import json
import random
import uuid
from pathlib import Path
from typing import Any

random.seed(20261121)
IAT = 1_782_414_453


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def jws(header: dict[str, Any], claims: dict[str, Any], signature: int = 256) -> str:
    parts = [json.dumps(part, separators=(",", ":")).encode() for part in (header, claims)]
    return ".".join(b64(part) for part in [*parts, random.randbytes(signature)])


def guid() -> str:
    return str(uuid.UUID(bytes=random.randbytes(16), version=4))


def opaque(length: int) -> str:
    return b64(random.randbytes(length))


def keycloak() -> dict[str, Any]:
    sub, sid, realm = guid(), guid(), "https://login.brightwater.example/realms/staff"
    person = {
        "email_verified": True,
        "name": "Ingrid Solheim",
        "preferred_username": "ingrid.solheim",
        "given_name": "Ingrid",
        "family_name": "Solheim",
        "email": "ingrid.solheim@brightwater.example",
    }
    access = {
        "exp": IAT + 300,
        "iat": IAT,
        "auth_time": IAT - 40,
        "jti": "onrtac:" + guid(),
        "iss": realm,
        "aud": ["warehouse-api", "account"],
        "sub": sub,
        "typ": "Bearer",
        "azp": "warehouse-web",
        "sid": sid,
        "acr": "1",
        "allowed-origins": ["https://warehouse.brightwater.example"],
        "realm_access": {"roles": ["offline_access", "default-roles-staff", "uma_authorization", "picker"]},
        "resource_access": {
            "warehouse-api": {"roles": ["stock-read", "stock-write"]},
            "account": {"roles": ["manage-account", "manage-account-links", "view-profile"]},
        },
        "scope": "openid email profile",
        **person,
    }
    refresh = {
        "exp": IAT + 1800,
        "iat": IAT,
        "jti": guid(),
        "iss": realm,
        "aud": realm,
        "sub": sub,
        "typ": "Refresh",
        "azp": "warehouse-web",
        "sid": sid,
        "scope": "openid email profile",
    }
    return {
        "access_token": jws({"alg": "RS256", "typ": "JWT", "kid": opaque(32)}, access),
        "refresh_token": jws({"alg": "HS512", "typ": "JWT", "kid": guid()}, refresh, 64),
        "user": {"sub": sub, **person},
    }


def auth0() -> dict[str, Any]:
    sub = "auth0|" + random.randbytes(12).hex()
    access = {
        "iss": "https://northwind-prod.us.auth0.com/",
        "sub": sub,
        "aud": ["https://api.northwind.example", "https://northwind-prod.us.auth0.com/userinfo"],
        "iat": IAT,
        "exp": IAT + 86400,
        "scope": "openid profile email offline_access",
        "azp": opaque(24),
        "permissions": ["read:orders", "write:orders", "read:customers"],
    }
    return {
        "access_token": jws({"alg": "RS256", "typ": "JWT", "kid": opaque(15)}, access),
        "refresh_token": "v1." + opaque(48),
        "user": {
            "sub": sub,
            "nickname": "tomas.veld",
            "name": "Tomas van der Veld",
            "picture": f"https://s.gravatar.com/avatar/{random.randbytes(16).hex()}?s=480&r=pg&d=https%3A%2F%2Fcdn.auth0.com%2Favatars%2Ftv.png",
            "updated_at": "2026-05-11T08:14:52.907Z",
            "email": "tomas.veld@northwind.example",
            "email_verified": True,
        },
    }


def entra() -> dict[str, Any]:
    tenant, oid, app = guid(), guid(), guid()
    access = {
        "aud": guid(),
        "iss": f"https://login.microsoftonline.com/{tenant}/v2.0",
        "iat": IAT,
        "nbf": IAT,
        "exp": IAT + 4811,
        "aio": b64(random.randbytes(78)),
        "azp": app,
        "azpacr": "1",
        "name": "Priya Raghunathan",
        "oid": oid,
        "preferred_username": "priya.raghunathan@tailspin.example",
        "rh": "1.AX0A" + opaque(38) + ".",
        "roles": ["Cases.Read", "Cases.Assign"],
        "scp": "access_as_user",
        "sid": guid(),
        "sub": opaque(32),
        "tid": tenant,
        "uti": opaque(16),
        "ver": "2.0",
    }
    return {
        "access_token": jws({"typ": "JWT", "alg": "RS256", "kid": opaque(20)}, access),
        "refresh_token": "1.AX0A" + opaque(60) + "." + opaque(480),
        "user": {
            "oid": oid,
            "tid": tenant,
            "name": "Priya Raghunathan",
            "preferred_username": "priya.raghunathan@tailspin.example",
            "email": "priya.raghunathan@tailspin.example",
        },
    }


def okta() -> dict[str, Any]:
    uid = "00u" + opaque(12)[:17]
    access = {
        "ver": 1,
        "jti": "AT." + opaque(32),
        "iss": "https://fabrikam.okta.com/oauth2/default",
        "aud": "api://default",
        "iat": IAT,
        "exp": IAT + 3600,
        "cid": "0oa" + opaque(12)[:17],
        "uid": uid,
        "scp": ["offline_access", "profile", "openid", "email"],
        "auth_time": IAT - 12,
        "sub": "leon.okafor@fabrikam.example",
        "groups": ["Everyone", "Field Engineering"],
    }
    return {
        "access_token": jws({"kid": opaque(32), "alg": "RS256"}, access),
        "refresh_token": opaque(32),
        "user": {
            "sub": uid,
            "name": "Leon Okafor",
            "locale": "en_US",
            "email": "leon.okafor@fabrikam.example",
            "preferred_username": "leon.okafor@fabrikam.example",
            "given_name": "Leon",
            "family_name": "Okafor",
            "zoneinfo": "Europe/Dublin",
            "updated_at": IAT - 900_000,
            "email_verified": True,
        },
    }


def cognito() -> dict[str, Any]:
    sub, pool = guid(), "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_" + opaque(7)[:9]
    access = {
        "sub": sub,
        "cognito:groups": ["editors"],
        "iss": pool,
        "version": 2,
        "client_id": random.randbytes(13).hex(),
        "origin_jti": guid(),
        "token_use": "access",
        "scope": "openid profile email",
        "auth_time": IAT,
        "exp": IAT + 3600,
        "iat": IAT,
        "jti": guid(),
        "username": sub,
    }
    return {
        "access_token": jws({"kid": base64.b64encode(random.randbytes(32)).decode(), "alg": "RS256"}, access),
        # Cognito's refresh tokens are five-part JWEs that nothing outside the pool can read.
        "refresh_token": ".".join(
            [b64(b'{"cty":"JWT","enc":"A256GCM","alg":"RSA-OAEP"}'), opaque(256), opaque(12), opaque(700), opaque(16)]
        ),
        "user": {
            "sub": sub,
            "email_verified": "true",
            "name": "Mei Tanaka",
            "email": "mei.tanaka@wingtip.example",
            "username": sub,
        },
    }


def stytch() -> dict[str, Any]:
    user, project = "user-live-" + guid(), "project-live-" + guid()
    access = {
        "aud": [project],
        "exp": IAT + 300,
        "https://stytch.com/session": {
            "id": "session-live-" + guid(),
            "started_at": "2026-06-25T18:51:09Z",
            "last_accessed_at": "2026-06-25T19:07:33Z",
            "expires_at": "2026-07-02T18:51:09Z",
            "attributes": {"ip_address": "203.0.113.41", "user_agent": ""},
            "authentication_factors": [
                {
                    "type": "magic_link",
                    "delivery_method": "email",
                    "last_authenticated_at": "2026-06-25T18:51:09Z",
                    "email_factor": {"email_id": "email-live-" + guid(), "email_address": "sofia@lucerne.example"},
                }
            ],
            "roles": ["stytch_user"],
        },
        "iat": IAT,
        "iss": "stytch.com/" + project,
        "nbf": IAT,
        "sub": user,
    }
    return {
        "access_token": jws({"alg": "RS256", "kid": "jwk-live-" + guid(), "typ": "JWT"}, access),
        "refresh_token": opaque(33),
        "user": {"user_id": user, "email": "sofia@lucerne.example", "name": {"first_name": "Sofia", "last_name": "Ek"}},
    }


def corbado() -> dict[str, Any]:
    sub, project = "usr-" + str(random.randrange(10**18, 10**19)), "pro-" + str(random.randrange(10**18, 10**19))
    access = {
        "iss": f"https://{project}.frontendapi.cloud.corbado.io",
        "sub": sub,
        "exp": IAT + 300,
        "nbf": IAT,
        "iat": IAT,
        "jti": opaque(22)[:30],
        "name": "Hugo Lindqvist",
        "orig": "hugo@adatum.example",
        "email": "hugo@adatum.example",
        "version": 2,
    }
    return {
        "access_token": jws(
            {"alg": "RS256", "kid": "pkk-" + str(random.randrange(10**18, 10**19)), "typ": "JWT"}, access
        ),
        "refresh_token": opaque(48),
        "user": {"id": sub, "name": "Hugo Lindqvist", "email": "hugo@adatum.example", "status": "active"},
    }


def custom() -> dict[str, Any]:
    access = {
        "iss": "https://id.contoso-clinic.example",
        "aud": "records",
        "sub": "emp/48213",
        "jti": guid(),
        "iat": IAT,
        "exp": IAT + 900,
        "ward": "cardiology-2",
        "shift": {"from": "06:00", "to": "14:30"},
        "clearances": ["records.open", "records.amend", "pharmacy.request", "imaging.view", "theatre.book"],
        "on_call": False,
        "delegated_by": None,
    }
    return {
        "access_token": jws({"alg": "ES256", "kid": "2026-06", "typ": "at+jwt"}, access, 64),
        "refresh_token": opaque(32),
        "user": {
            "employee": 48213,
            "title": "Oberärztin",
            "display": "Dr. Änne Größl",
            "languages": ["de", "en", "tr"],
            "desk": {"building": "C", "floor": 4, "phone": "+49 30 555 0187"},
        },
    }


def custom_rs256() -> dict[str, Any]:
    """As ``custom``, from a larger house: RSA signatures, namespaced claims, several tenants."""
    space = "https://claims.litware.example/"
    access = {
        "iss": "https://sso.litware.example/",
        "aud": ["https://api.litware.example", "https://reports.litware.example"],
        "sub": "litware|" + random.randbytes(10).hex(),
        "sid": guid(),
        "jti": guid(),
        "iat": IAT,
        "exp": IAT + 600,
        space + "tenant": "northern-region",
        space + "tenants": ["northern-region", "southern-region", "head-office"],
        space + "roles": ["claims-adjuster", "policy-reader", "report-author"],
        space + "limits": {"payout": 25000, "currency": "EUR", "second_signature": True},
        space + "branch": {"id": 4471, "name": "Göteborg Centrum"},
    }
    return {
        "access_token": jws({"alg": "RS256", "typ": "at+jwt", "kid": "litware-2026-06"}, access),
        "refresh_token": opaque(32),
        "user": {
            "sub": access["sub"],
            "name": "Ylva Nordström",
            "email": "ylva.nordstrom@litware.example",
            "locale": "sv-SE",
            space + "tenant": "northern-region",
        },
    }


def sessions() -> dict[str, dict[str, Any]]:
    """All of them. New ones at the end: the generator's numbers come in this order."""
    made = {maker.__name__: maker() for maker in (keycloak, auth0, entra, okta, cognito, stytch, corbado, custom)}
    made["custom-rs256"] = custom_rs256()
    # An application that asks for no offline_access, or leaves the refresh token to the vendor's library.
    made["entra-no-refresh"] = {name: value for name, value in made["entra"].items() if name != "refresh_token"}
    return made


if __name__ == "__main__":
    path = Path(__file__).with_name("other_providers.json")
    path.write_text(json.dumps(sessions(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
