// Runs the test vectors against the example reader: node run_vectors.mjs native_v1.json
//
// Prints {passed, failed: [{id, expected, got}]} and exits with 1 if anything failed.

import { readFileSync } from 'node:fs';

import { unseal } from './reader.mjs';

const JSON_VALUES = ['user', 'impersonator', 'extra'];

const vectorText = readFileSync(process.argv[2], 'utf8');
const vectors = JSON.parse(vectorText);
const exactVectors = parseExactly(vectorText);

const openings = [
  ...vectors.seal.map((vector, i) => openingCase(vector, exactVectors.seal[i], {
    started_at: vector.started_at,
    sealed_at: vector.now,
    password_index: 0,
  })),
  ...vectors.open.map((vector, i) => openingCase(vector, exactVectors.open[i], {
    started_at: vector.started_at,
    sealed_at: vector.sealed_at,
    password_index: vector.password_index,
  })),
];
const failures = vectors.fail.map((vector) => ({ vector, expected: { error: vector.error } }));

let passed = 0;
const failed = [];
for (const { vector, expected } of [...openings, ...failures]) {
  const got = open(vector);
  if (canonical(got) === canonical(expected)) passed += 1;
  else failed.push({ id: vector.id, expected, got });
}
console.log(JSON.stringify({ passed, failed }, null, 2));
process.exitCode = failed.length > 0 ? 1 : 0;

function openingCase(vector, exactVector, rest) {
  const session = { ...vector.session };
  for (const key of JSON_VALUES) {
    if (key in session) session[key] = exactVector.session[key];
  }
  return { vector, expected: { session, ...rest } };
}

function open(vector) {
  try {
    const { session, json, startedAt, sealedAt, passwordIndex } = unseal(vector.sealed, {
      passwords: [vector.password, ...(vector.fallbacks ?? [])],
      name: vector.name,
      purpose: vector.purpose ?? 'session',
      context: Buffer.from(vector.context ?? '', 'hex'),
      now: vector.now,
      absoluteLifetime: vector.absolute_lifetime,
    });
    const parsed = Object.fromEntries(Object.entries(json).map(([key, text]) => [key, parseExactly(text)]));
    return {
      session: { ...session, ...parsed },
      started_at: startedAt,
      sealed_at: sealedAt,
      password_index: passwordIndex,
    };
  } catch (error) {
    return { error: error.code ?? String(error) };
  }
}

// Numbers become text before JSON.parse can round them: 9007199254740993 and -0.0 stay what they are.
function parseExactly(text) {
  const stringOrNumber = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*/g;
  return JSON.parse(text.replace(stringOrNumber, (token) => (token[0] === '"' ? token : `"number ${token}"`)));
}

// The order of the values of a session means nothing; that of the keys inside user, impersonator and extra does.
function canonical({ session, ...rest }) {
  return JSON.stringify([rest, session && Object.entries(session).sort(([a], [b]) => (a < b ? -1 : 1))]);
}
