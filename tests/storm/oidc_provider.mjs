// A real OpenID provider for tests: the package oidc-provider, on a free loopback port, everything in memory.
//
// Refresh tokens are always issued and always rotated, and one that comes a second time ends its grant. Access tokens
// are signed JWTs for one resource, and short-lived. Sign-in and consent are the package's own development pages: every
// login and every password is good. It writes one line of JSON when it can be asked, {"issuer": ...}, and ends when its
// standard input does.
//
// Environment:
//   OIDC_MODULES         folder with the node_modules that hold the package
//   OIDC_CLIENTS         JSON list of clients, in the names of OpenID Connect Dynamic Client Registration
//   OIDC_PORT            port; 0 or nothing: a free one
//   OIDC_ACCESS_SECONDS  life of an access token; 2 if nothing is said
//   OIDC_RENEWED_SECONDS life of those that a refresh brings; the same if nothing is said
//   OIDC_LATENCY         seconds between a refresh token's use and the answer; 0 if nothing is said
//
// A refresh that names an organization_id goes on in that organisation, as with WorkOS: from then on the grant's access
// tokens have it as org_id.
//
// Beside the provider's own endpoints there is GET /calls: every request to the token endpoint, as a JSON list of
// {"client", "grant", "refresh", "status", "error"}, where "refresh" is the start of the token's SHA-256 in hex.

import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { setTimeout as pause } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';

const RESOURCE = 'urn:example:api';
const number = (name, otherwise) => Number(process.env[name] || otherwise);
const accessSeconds = number('OIDC_ACCESS_SECONDS', 2);
const renewedSeconds = number('OIDC_RENEWED_SECONDS', accessSeconds);
const latency = number('OIDC_LATENCY', 0);
const calls = [];
const organizations = new Map();

const modules = createRequire(pathToFileURL(`${process.env.OIDC_MODULES}/`));
const { default: Provider } = await import(pathToFileURL(modules.resolve('oidc-provider')));

function signingKey() {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { ...privateKey.export({ format: 'jwk' }), kid: randomBytes(6).toString('hex'), alg: 'RS256', use: 'sig' };
}

function resource(ctx) {
  return {
    audience: RESOURCE,
    scope: 'read write',
    accessTokenTTL: ctx.oidc.body?.grant_type === 'refresh_token' ? renewedSeconds : accessSeconds,
    accessTokenFormat: 'jwt',
    jwt: { sign: { alg: 'RS256' } },
  };
}

function organization(ctx, token) {
  const { grant_type: grant, organization_id: wanted } = ctx.oidc.body ?? {};
  if (grant === 'refresh_token' && wanted) organizations.set(token.grantId, wanted);
  const id = organizations.get(token.grantId);
  return id && { org_id: id };
}

// Back-channel logout goes to applications on this machine and nowhere else. The package's own guard, which keeps a
// provider from talking to private addresses, rides on the dispatcher and would refuse just those.
function fetchOnThisMachine(url, { dispatcher: _, ...options }) {
  if (new URL(url).hostname !== '127.0.0.1') throw new Error('tests talk to this machine only');
  return fetch(url, options);
}

const configuration = {
  clients: JSON.parse(process.env.OIDC_CLIENTS),
  jwks: { keys: [signingKey()] },
  cookies: { keys: [randomBytes(24).toString('hex')] },
  pkce: { required: () => true },
  issueRefreshToken: (ctx, client) => client.grantTypeAllowed('refresh_token'),
  rotateRefreshToken: true,
  fetch: fetchOnThisMachine,
  findAccount: (ctx, sub) => ({ accountId: sub, claims: () => ({ sub }) }),
  extraTokenClaims: organization,
  features: {
    devInteractions: { enabled: true },
    revocation: { enabled: true },
    rpInitiatedLogout: { enabled: true },
    backchannelLogout: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => RESOURCE,
      getResourceServerInfo: resource,
      useGrantedResource: () => true,
    },
  },
};

// Counts what reaches the token endpoint, refused or not, before the answer leaves.
async function count(ctx, next) {
  await next();
  if (ctx.oidc?.route !== 'token') return;
  const { grant_type: grant, refresh_token: refresh } = ctx.oidc.body ?? {};
  calls.push({
    client: ctx.oidc.client?.clientId ?? null,
    grant: grant ?? null,
    refresh: refresh ? createHash('sha256').update(refresh).digest('hex').slice(0, 16) : null,
    status: ctx.status,
    error: ctx.body?.error ?? null,
  });
  if (refresh) await pause(latency * 1000);
}

const server = createServer();
server.listen(number('OIDC_PORT', 0), '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, configuration);
  provider.use(count);
  const answer = provider.callback();
  server.on('request', (request, response) => {
    if (request.url !== '/calls') return answer(request, response);
    response.setHeader('Content-Type', 'application/json');
    return response.end(JSON.stringify(calls));
  });
  process.stdout.write(`${JSON.stringify({ issuer })}\n`);
});
process.stdin.resume().on('end', () => process.exit(0));
