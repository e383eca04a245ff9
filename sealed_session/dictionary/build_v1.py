"""Write ``v1.bin``, the preset dictionary of packing 1.

    python -m sealed_session.dictionary.build_v1 PATH

It is a text that most tokens and user objects repeat: field names in the order the vendors document them, with the
punctuation between them, and the constants they document. DEFLATE refers back to it by distance, and near references
are shorter, so the rarest stand first and the most common last. Nothing is drawn from the sample sessions or from any
person's data: every fragment names its public source.

The bytes are frozen. A change makes every cookie unreadable that was sealed before it, so it needs a new packing
number and a file of its own; a test compares what this script writes with the committed file.
"""

from __future__ import annotations

import sys
from pathlib import Path

FRAGMENTS: tuple[tuple[str, str], ...] = (
    (
        "IANA time zone database and BCP 47: names that user metadata commonly holds",
        '"zoneinfo":"America/Los_Angeles","America/New_York","Europe/London","Europe/Paris","Europe/Berlin","Asia/Tokyo"'
        ',"de-DE","fr-FR","es-ES","en-GB"',
    ),
    (
        "Amazon Cognito, Using the access token and Using the ID token",
        '{"sub":"","cognito:groups":["","iss":"https://cognito-idp.us-east-1.amazonaws.com/us-east-1_","version":2,'
        '"client_id":"","origin_jti":"","event_id":"","token_use":"access","scope":"aws.cognito.signin.user.admin '
        'openid profile email","auth_time":1,"exp":1,"iat":1,"jti":"","username":"","cognito:username":"","custom:',
    ),
    (
        "Google Identity, OpenID Connect: an ID token's payload",
        '{"iss":"https://accounts.google.com","azp":"","aud":".apps.googleusercontent.com","sub":"1","hd":"","email":'
        '"@gmail.com","email_verified":true,"at_hash":"","nonce":"","name":"","picture":'
        '"https://lh3.googleusercontent.com/a/=s96-c","given_name":"","family_name":"","locale":"en"',
    ),
    (
        "Microsoft Entra ID, Access token claims reference (versions 1.0 and 2.0)",
        '{"typ":"JWT","alg":"RS256","x5t":"","kid":""}{"aud":"api://","iss":"https://sts.windows.net//","iat":1,"nbf":1,'
        '"exp":1,"acr":"1","aio":"A","amr":["pwd","mfa"],"appid":"","appidacr":"1","groups":[""],"idtyp":"user",'
        '"ipaddr":"","unique_name":"","upn":"@.onmicrosoft.com","wids":["b79fbf4d-3ef9-4689-8143-76b194e85509"],"xms_'
        '"iss":"https://login.microsoftonline.com//v2.0","iat":1,"nbf":1,"exp":1,"aio":"A","azp":"","azpacr":"1",'
        '"name":"","oid":"","preferred_username":"","rh":"1.A","roles":[""],"scp":"User.Read access_as_user","sid":"",'
        '"sub":"","tid":"","uti":"","ver":"2.0"}',
    ),
    (
        "Okta, Access token and ID token payload",
        '{"kid":"","alg":"RS256"}{"ver":1,"jti":"AT.","iss":"https://.okta.com/oauth2/default","aud":"api://default",'
        '"iat":1,"exp":1,"cid":"0oa","uid":"00u","scp":["openid","profile","email","offline_access"],"auth_time":1,'
        '"sub":"","groups":["Everyone"],"idp":"00o","updated_at":1',
    ),
    (
        "Auth0, Access tokens, ID token structure and User profile structure",
        '{"alg":"RS256","typ":"JWT","kid":""}{"iss":"https://.eu.auth0.com/","sub":"google-oauth2|1","iss":'
        '"https://.us.auth0.com/","sub":"auth0|6","aud":["https://","https://.us.auth0.com/userinfo"],"iat":1,"exp":1,'
        '"azp":"","scope":"openid profile email offline_access","gty":"password","org_name":"","permissions":["read:",'
        '"write:","https:///roles":["admin"],"nickname":"","name":"","picture":"https://s.gravatar.com/avatar/'
        '?s=480&r=pg&d=https%3A%2F%2Fcdn.auth0.com%2Favatars%2F.png","updated_at":"202","email":"",'
        '"email_verified":true,'
        '"user_id":"auth0|","user_metadata":{},"app_metadata":{}',
    ),
    (
        "Keycloak, Server administration: token claims and default client scopes",
        '{"alg":"RS256","typ" : "JWT","kid" : ""}{"exp":1,"iat":1,"auth_time":1,"jti":"onrtac:","iss":'
        '"https:///auth/realms/'
        '","aud":["realm-management","broker","account"],"aud":"account","sub":"","typ":"Bearer","azp":"",'
        '"session_state":"","sid":"","acr":"1","allowed-origins":["https://","/*"],"realm_access":{"roles":['
        '"default-roles-","offline_access","uma_authorization","admin","user"]},"resource_access":{"realm-management":{'
        '"roles":["view-users","manage-users"]},"account":{"roles":["manage-account","manage-account-links",'
        '"view-profile"]}},"scope":"openid email profile","scope":"openid profile email","email_verified":true,'
        '"name":"","preferred_username":"","given_name":"","family_name":"","email":""}',
    ),
    (
        "Corbado, Sessions: the session token's claims and the user object",
        '{"alg":"RS256","kid":"pkk-","typ":"JWT"}{"iss":"https://pro-.frontendapi.cloud.corbado.io","sub":"usr-","exp":1,'
        '"nbf":1,"iat":1,"jti":"","name":"","orig":"","email":"","phone_number":"","version":2}{"userID":"usr-",'
        '"fullName":"","status":"active"',
    ),
    (
        "Stytch, Session JWTs, the session object and the user object",
        '{"alg":"RS256","kid":"jwk-live-","typ":"JWT"}{"aud":["project-live-"],"exp":1,"https://stytch.com/session":{'
        '"id":"session-live-","started_at":"202","last_accessed_at":"202","expires_at":"202","attributes":{'
        '"ip_address":"","user_agent":"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"},"authentication_factors":[{'
        '"type":"password","type":"oauth","delivery_method":"knowledge","type":"otp","type":"magic_link",'
        '"delivery_method":"email","last_authenticated_at":"202","email_factor":{"email_id":"email-live-",'
        '"email_address":""},"sequence_order":"PRIMARY"}],"roles":["stytch_member","stytch_user"]},'
        '"https://stytch.com/organization":{"organization_id":"organization-live-","slug":""},"iat":1,'
        '"iss":"stytch.com/project-live-","nbf":1,"sub":"member-live-","sub":"user-live-"}'
        '{"user_id":"user-live-","status":"active","created_at":"202","emails":[{"email_id":"email-live-","email":"",'
        '"verified":true}],"phone_numbers":[],"providers":[],"webauthn_registrations":[],"biometric_registrations":[],'
        '"totps":[],"crypto_wallets":[],"password":{"password_id":"password-live-","requires_reset":false},'
        '"name":{"first_name":"","middle_name":"","last_name":""},"trusted_metadata":{},"untrusted_metadata":{},'
        '"is_locked":false',
    ),
    (
        "RFC 7519, 8693 and 9068: registered claims and header; OpenID Connect Core, scopes",
        '{"typ":"at+jwt","alg":"ES256","kid":""}"client_id":"","auth_time":1,"tenant_id":"","scope":"openid profile '
        'email offline_access","act":{"sub":"","aud":["https://api.',
    ),
    (
        "WorkOS, the user object as its Python SDK writes it, and the impersonator",
        '{"object":"user","id":"user_01","first_name":"","last_name":"","profile_picture_url":null,"email":"",'
        '"email_verified":false,"external_id":"","last_sign_in_at":"202","created_at":"202","updated_at":"202",'
        '"name":null,"metadata":{"timezone":"","department":"","locale":null}\u00ff{"email":"","reason":'
        '"Investigating an issue with the customer\'s account."}',
    ),
    (
        "WorkOS, widget permissions; resources and verbs as the vendors' guides to roles write permission names",
        '"widgets:audit-log-streaming:manage","widgets:dsync:manage","widgets:pipes:manage","widgets:api-keys:manage",'
        '"widgets:domain-verification:manage","widgets:sso:manage","widgets:users-table:manage","organizations:',
    ),
    (
        "The same guides, and WorkOS entitlements",
        '"projects:","documents:","reports:","settings:","members:","invoices:","webhooks:","api_keys:","roles:",'
        '"billing:","users:","posts:edit",":export",":invite",":remove",":create",":update",":delete",":read",":write",'
        '":view",":manage"],"entitlements":["scim","sso","audit-logs"],"feature_flags":["","exp":17',
    ),
    (
        "WorkOS, session tokens: roles, the access token's header and claims",
        '","org_id":"org_01","role":"admin","roles":["admin"],"permissions":["'
        '{"alg":"RS256","kid":"sso_oidc_key_pair_01","typ":"JWT"}\u00ff'
        '{"iss":"https://api.workos.com/user_management/client_01","sub":"user_01","sid":"session_01","jti":"01'
        '","org_id":"org_01","role":"member","roles":["member"],"permissions":["","exp":17,"iat":17',
    ),
    (
        "WorkOS, the user object of the API reference",
        '}\u00ff{"object":"user","id":"user_01","email":"@example.com","email_verified":true,"first_name":"",'
        '"last_name":"","name":"","profile_picture_url":"https://workoscdn.com/images/v1/","last_sign_in_at":"202",'
        '"locale":"en-US","created_at":"202","updated_at":"202","external_id":null,"metadata":{}}',
    ),
)


def build() -> bytes:
    """Join the fragments; the rarest first."""
    # Latin-1 keeps U+00FF, the separator of the text's parts, a single byte; everything else is ASCII.
    return "".join(text for _, text in FRAGMENTS).encode("latin-1")


if __name__ == "__main__":
    Path(sys.argv[1]).write_bytes(build())
