// The hospital's OpenID provider of the tests: npm's oidc-provider over TLS. Who sits at its page
// stands in a file: { "sub": ..., "amr": [...], "acr": ..., "denies": bool }.
//
// Environment: MODULES (a folder with node_modules), PORT, KEY and CERTIFICATE (PEM), REDIRECT
// (where the collector wants people back), SECRET (what it shares with us), PERSON (the file).
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const { MODULES, PORT, KEY, CERTIFICATE, REDIRECT, SECRET, PERSON } = process.env;
const require = createRequire(pathToFileURL(`${MODULES}/`));
const load = async (name) => import(pathToFileURL(require.resolve(name)));
const { Provider } = await load('oidc-provider');
const { generateKeyPair, exportJWK } = await load('jose');

const { privateKey } = await generateKeyPair('RS256', { extractable: true });
const key = { ...(await exportJWK(privateKey)), kid: randomUUID(), alg: 'RS256', use: 'sig' };

const client = (client_id, redirect) => ({
  client_id,
  client_secret: SECRET,
  redirect_uris: [redirect],
  response_types: ['code'],
  grant_types: ['authorization_code'],
});

const provider = new Provider(`https://localhost:${PORT}`, {
  clients: [client('patchward', REDIRECT), client('another', 'https://localhost:1/done')],
  jwks: { keys: [key] },
  cookies: { keys: ['the tests alone'] },
  acrValues: ['urn:hospital:two'],
  claims: { openid: ['sub', 'amr', 'acr'] },
  pkce: { required: () => true },
  features: { devInteractions: { enabled: false } },
  interactions: { url: (_, interaction) => `/person/${interaction.uid}` },
  findAccount: (_, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
  // Nobody is asked whether the collector may know who they are.
  async loadExistingGrant(ctx) {
    const grant = new ctx.oidc.provider.Grant({
      clientId: ctx.oidc.client.clientId,
      accountId: ctx.oidc.session.accountId,
    });
    grant.addOIDCScope('openid');
    await grant.save();
    return grant;
  },
});

// Who comes to the page of the provider is the person of the file, and has proved it.
const ask = async (request, response) => {
  const { sub, amr, acr, denies } = JSON.parse(readFileSync(PERSON, 'utf8'));
  const result = denies
    ? { error: 'access_denied', error_description: '<b>not</b> today' }
    : { login: { accountId: sub, amr, acr } };
  await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
};

const answer = provider.callback();
const server = createServer(
  { key: readFileSync(KEY), cert: readFileSync(CERTIFICATE) },
  (request, response) => {
    if (!request.url.startsWith('/person/')) {
      answer(request, response);
      return;
    }
    ask(request, response).catch((error) => {
      console.error(error);
      response.writeHead(500).end();
    });
  },
);
server.listen(Number(PORT), '127.0.0.1', () => console.log('ready'));
