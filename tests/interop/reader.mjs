// An example reader of the sealed-session format, version 1, written from docs/FORMAT.md alone.
//
// Node 20 or later, no dependencies. The numbered steps are those of the section "To unseal".

import { createDecipheriv, createHash, createHmac, scryptSync, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { inflateRawSync } from 'node:zlib';

const MAX_SEALED_CHARACTERS = 8192;
const VERSION = 0x01;
const LAST_RESERVED_VERSION = 0x0f;
const SALT_LENGTH = 24;
const COMMITMENT_LENGTH = 16;
const HEADER_LENGTH = 1 + SALT_LENGTH + COMMITMENT_LENGTH;
const TAG_LENGTH = 16;
const BLOCK_LENGTH = 16;
const BODY_HEADER_LENGTH = 9;
const CLOCK_TOLERANCE = 300;
const MAX_TEXT_LENGTH = 65_536;
const MAX_TIME = 253_402_300_799;
const MAX_SESSION_ID_LENGTH = 64;
const MIN_JWS_SIGNATURE_LENGTH = 16;
const MAX_INTEGER_DIGITS = 640;
const MAX_NESTING = 32;

const PACKING = { STORED: 0x00, DEFLATED: 0x01 };
const TOKEN_FORM = { JWS: 1, DOTTED: 2 };
const PRESENT = {
  USER: 1,
  IMPERSONATOR: 2,
  ACCESS_EXPIRES_AT: 4,
  EXTRA: 8,
  TOKENS: 16,
  SESSION_ID: 32,
  SESSION_EXPIRES_AT: 64,
  UNVERIFIED: 128,
  AUTHENTICATED_AT: 1024,
  SUBJECT: 2048,
};
const FIXED_ELEMENTS = 4; // present, text, access, refresh
const BITS_WITH_ELEMENT = [
  PRESENT.ACCESS_EXPIRES_AT, PRESENT.EXTRA, PRESENT.TOKENS, PRESENT.SESSION_ID, PRESENT.SESSION_EXPIRES_AT,
  PRESENT.AUTHENTICATED_AT, PRESENT.SUBJECT,
];

/** Why a value did not open. `code` is one of the codes in the section "Error conditions". */
export class UnsealError extends Error {
  constructor(code, message) {
    super(`${code}: ${message}`);
    this.name = 'UnsealError';
    this.code = code;
  }
}

function check(condition, code, message) {
  if (!condition) throw new UnsealError(code, message);
}

/**
 * Opens the value of a cookie.
 *
 * `session` holds the values that JavaScript represents exactly. User, impersonator and extra come back in `json` as
 * the JSON text that was sealed, because JSON.parse would round integers from 2^53 up: the caller decides how to parse.
 */
export function unseal(sealed, {
  passwords,
  name,
  purpose = 'session',
  context = new Uint8Array(),
  now = Math.floor(Date.now() / 1000),
  absoluteLifetime,
}) {
  const associatedData = associatedDataOf(purpose, name, context);

  // Steps 1 to 4 cost an attacker's nonsense next to nothing: no key is touched.
  check(typeof sealed === 'string' && sealed.length <= MAX_SEALED_CHARACTERS, 'malformed', 'too long'); // 1
  const envelope = decodeBase64url(sealed); // 2
  check(envelope?.length > 0, 'malformed', 'not canonical base64url');
  checkVersion(envelope[0]); // 3
  const bodyLength = envelope.length - HEADER_LENGTH - TAG_LENGTH; // 4
  check(bodyLength >= BLOCK_LENGTH && bodyLength % BLOCK_LENGTH === 0, 'malformed', 'impossible length');

  const { messageKey, passwordIndex } = findKey(envelope, passwords); // 5
  const body = decrypt(envelope, messageKey, associatedData); // 6
  const { packing, startedAt, sealedAt, payload } = takeBodyApart(body); // 7
  checkTimes(startedAt, sealedAt, now, absoluteLifetime); // 8
  check(Object.values(PACKING).includes(packing), 'unsupported_packing', `packing ${packing}`); // 9, and in readPayload
  return { ...readPayload(payload, packing), startedAt, sealedAt, passwordIndex }; // 10
}

// --- Envelope -------------------------------------------------------------------------------------------------------

// Buffer's decoder forgives everything, and its encoder writes only the canonical form: what does not come back was
// not canonical.
function decodeBase64url(text) {
  const bytes = Buffer.from(text, 'base64url');
  return bytes.toString('base64url') === text ? bytes : null;
}

function checkVersion(version) {
  if (version === VERSION) return;
  const isLater = version > VERSION && version <= LAST_RESERVED_VERSION;
  throw new UnsealError(isLater ? 'unsupported_version' : 'malformed', `first byte ${version}`);
}

// Each field has its length in front, so that no two different triples give the same bytes.
function associatedDataOf(purpose, name, context) {
  const fields = [Buffer.from(purpose), Buffer.from(name), Buffer.from(context)];
  if (!/^[\x00-\x7f]{1,255}$/.test(name)) throw new TypeError('name: 1 to 255 ASCII characters');
  if (fields.some((field) => field.length > 255)) throw new TypeError('purpose and context: at most 255 bytes');
  return Buffer.concat([Buffer.of(VERSION), ...fields.flatMap((field) => [Buffer.of(field.length), field])]);
}

function decrypt(envelope, messageKey, associatedData) {
  // The key serves this one value, so the nonce has nothing to tell apart.
  const nonce = Buffer.alloc(12);
  const decipher = createDecipheriv('aes-256-gcm', messageKey, nonce, { authTagLength: TAG_LENGTH });
  decipher.setAAD(associatedData);
  decipher.setAuthTag(envelope.subarray(-TAG_LENGTH));
  const unverified = decipher.update(envelope.subarray(HEADER_LENGTH, -TAG_LENGTH));
  try {
    decipher.final();
  } catch {
    throw new UnsealError('tampered', 'wrong tag');
  }
  return unverified; // verified from here on
}

// --- Keys -----------------------------------------------------------------------------------------------------------

const hmac = (key, ...message) => message.reduce((mac, bytes) => mac.update(bytes), createHmac('sha512', key)).digest();

// The commitment, and not the tag, decides which password is meant: AES-GCM does not commit to its key.
function findKey(envelope, passwords) {
  const salt = envelope.subarray(1, 1 + SALT_LENGTH);
  const commitment = envelope.subarray(1 + SALT_LENGTH, HEADER_LENGTH);
  for (const [passwordIndex, password] of passwords.entries()) {
    const block = hmac(rootKey(password), 'sealed-session/1 seal\0', salt, Buffer.of(1));
    if (timingSafeEqual(block.subarray(32, 48), commitment)) {
      return { messageKey: block.subarray(0, 32), passwordIndex };
    }
  }
  throw new UnsealError('unknown_key', 'no password matches the commitment');
}

// Remembered, because scrypt takes a good part of a second: nobody who sends made-up cookies may buy it once a request.
const rootKeys = new Map();

function rootKey(password) {
  let root = rootKeys.get(password);
  if (!root) {
    root = password.includes('ssk1_') ? generatedRootKey(password) : stretchedRootKey(password);
    rootKeys.set(password, root);
  }
  return root;
}

function generatedRootKey(password) {
  const decoded = password.startsWith('ssk1_') ? decodeBase64url(password.slice(5)) : null;
  const random = decoded?.subarray(0, 32);
  const checksum = decoded?.subarray(32);
  const isIntact = decoded?.length === 36 && passwordCheck(random).equals(checksum);
  // A cut off password must not become another, weaker one by falling through to scrypt.
  if (!isIntact) throw new TypeError('a generated password that is cut off, quoted or mistyped');
  return hmac('sealed-session/1 generated', random);
}

function passwordCheck(random) {
  return createHash('sha256').update('sealed-session/1 password check\0').update(random).digest().subarray(0, 4);
}

function stretchedRootKey(password) {
  // 128 * N * r is exactly Node's default limit of 32 MiB, and scrypt needs a little more.
  const cost = { N: 32768, r: 8, p: 3, maxmem: 64 * 1024 * 1024 };
  return scryptSync(password, 'sealed-session/1 password', 64, cost);
}

// --- Body -----------------------------------------------------------------------------------------------------------

function takeBodyApart(body) {
  const end = body.findLastIndex((byte) => byte !== 0);
  const zeros = body.length - 1 - end;
  check(zeros < BLOCK_LENGTH && body[end] === 0x80 && end >= BODY_HEADER_LENGTH, 'malformed', 'no end of the payload');
  return {
    packing: body[0],
    startedAt: body.readUInt32BE(1),
    sealedAt: body.readUInt32BE(5),
    payload: body.subarray(BODY_HEADER_LENGTH, end),
  };
}

function checkTimes(startedAt, sealedAt, now, absoluteLifetime) {
  check(Math.max(startedAt, sealedAt) - now <= CLOCK_TOLERANCE, 'from_future', 'the clocks differ');
  const age = Math.max(0, now - startedAt);
  check(absoluteLifetime === undefined || age < absoluteLifetime, 'too_old', `signed in ${age} seconds ago`);
}

// --- Payload --------------------------------------------------------------------------------------------------------

const checkPayload = (condition, message) => check(condition, 'payload', message);

function readPayload(payload, packing) {
  const pack = new PackReader(payload);
  const elementCount = pack.array();
  const present = pack.uint();
  // Before anything else is looked at: a later release may announce elements of types that this one refuses.
  // Sums and not bits, because bits of JavaScript are 32.
  const has = (bit) => Math.floor(present / bit) % 2 === 1;
  const known = Object.values(PRESENT).filter(has).reduce((sum, bit) => sum + bit, 0);
  check(present === known, 'unsupported_packing', `present ${present}`);
  checkPayload(elementCount === FIXED_ELEMENTS + BITS_WITH_ELEMENT.filter(has).length, 'number of elements');

  const text = new TextParts(pack.bin(), packing);
  const session = {};
  const json = {};
  session.access_token = readToken(pack, text);
  if (!pack.skipNil()) session.refresh_token = readToken(pack, text);
  if (has(PRESENT.ACCESS_EXPIRES_AT)) session.access_expires_at = readTime(pack);
  if (has(PRESENT.EXTRA)) json.extra = readJsonObject(pack.bin());
  if (has(PRESENT.TOKENS)) session.tokens = readFurtherTokens(pack, text);
  if (has(PRESENT.SESSION_ID)) session.session_id = readSessionId(pack);
  if (has(PRESENT.SESSION_EXPIRES_AT)) session.session_expires_at = readTime(pack);
  if (has(PRESENT.AUTHENTICATED_AT)) session.authenticated_at = readTime(pack);
  if (has(PRESENT.SUBJECT)) session.subject = readSubject(pack);
  pack.finish();

  if (has(PRESENT.USER)) json.user = readJsonObject(text.next());
  if (has(PRESENT.IMPERSONATOR)) json.impersonator = readJsonObject(text.next());
  text.finish();

  if (has(PRESENT.UNVERIFIED)) session.unverified = true;
  return { session, json };
}

function readTime(pack) {
  const time = pack.uint();
  checkPayload(time <= MAX_TIME, 'a time after the year 9999');
  return time;
}

function readSubject(pack) {
  const subject = decodeUtf8(pack.bin());
  checkPayload(subject !== '', 'empty subject');
  return subject;
}

function readSessionId(pack) {
  const id = pack.bin();
  checkPayload(id.length >= 1 && id.length <= MAX_SESSION_ID_LENGTH, 'length of the session id');
  return id.toString('base64url');
}

// Keeps the byte order mark, which is part of a token as any other character.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decodeUtf8(bytes) {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new UnsealError('payload', 'not UTF-8');
  }
}

/** The joint text: what was compressed, or could have been, in the order in which tokens and people ask for it. */
class TextParts {
  static #SEPARATOR = 0xff; // never occurs in UTF-8
  #parts = [];

  constructor(stored, packing) {
    const text = packing === PACKING.DEFLATED ? inflate(stored) : stored;
    for (let start = 0, end; text.length > 0 && start <= text.length; start = end + 1) {
      end = text.indexOf(TextParts.#SEPARATOR, start);
      if (end < 0) end = text.length;
      this.#parts.push(text.subarray(start, end));
    }
  }

  next() {
    checkPayload(this.#parts.length > 0, 'too few parts of text');
    return this.#parts.shift();
  }

  finish() {
    checkPayload(this.#parts.length === 0, 'too many parts of text');
  }
}

let dictionary;

// Raw DEFLATE does not say which dictionary it wants: the wrong one would give a wrong text and no error.
function loadDictionary() {
  const bytes = readFileSync(new URL('../../sealed_session/dictionary/v1.bin', import.meta.url));
  const hash = createHash('sha256').update(bytes).digest('hex');
  if (hash !== 'c64eac91f4350fb6e00219b4fa5316ae491fec07133f87f2c17447c428f7add1') throw new Error('not dictionary 1');
  return bytes;
}

function inflate(deflated) {
  dictionary ??= loadDictionary();
  let inflated;
  try {
    inflated = inflateRawSync(deflated, { dictionary, maxOutputLength: MAX_TEXT_LENGTH, info: true });
  } catch {
    throw new UnsealError('payload', 'text that does not inflate, or is too long');
  }
  // Node stops at the end of the stream and is silent about what follows it.
  checkPayload(inflated.engine.bytesWritten === deflated.length, 'bytes after the deflated text');
  return inflated.buffer;
}

// --- Tokens ---------------------------------------------------------------------------------------------------------

function readToken(pack, text) {
  if (!pack.isArray()) return readOpaqueToken(pack);
  const length = pack.array();
  const form = pack.uint();
  if (form === TOKEN_FORM.JWS && length === 2) return readJws(pack, text);
  if (form === TOKEN_FORM.DOTTED && length >= 2) return readDottedToken(pack, length - 1);
  throw new UnsealError('payload', 'unknown form of a token');
}

function readOpaqueToken(pack) {
  const token = decodeUtf8(pack.bin());
  checkPayload(token !== '', 'empty token');
  return token;
}

function readJws(pack, text) {
  const [header, claims, signature] = [text.next(), text.next(), pack.bin()];
  checkPayload([header, claims].every(isInBraces), 'a JWS whose header or claims are no object');
  checkPayload(signature.length >= MIN_JWS_SIGNATURE_LENGTH, 'a JWS with a short signature');
  return [header, claims, signature].map((part) => part.toString('base64url')).join('.');
}

const isInBraces = (bytes) => bytes.length >= 2 && bytes[0] === 0x7b && bytes.at(-1) === 0x7d;

function readDottedToken(pack, partCount) {
  const parts = [];
  while (parts.length < partCount) parts.push(readDottedPart(pack));
  const token = parts.join('.');
  checkPayload(token !== '', 'empty token');
  return token;
}

// A part that is not canonical base64url, so that decoding it would lose something, keeps its last characters verbatim.
function readDottedPart(pack) {
  if (!pack.isArray()) return pack.bin().toString('base64url');
  checkPayload(pack.array() === 2, 'a part of two');
  const groups = pack.bin();
  const rest = pack.bin().toString('latin1');
  checkPayload(groups.length % 3 === 0 && /^[A-Za-z0-9_-]{1,3}$/.test(rest), 'end of a part');
  checkPayload(decodeBase64url(rest) === null, 'a canonical part stored as one that is not');
  return groups.toString('base64url') + rest;
}

function readFurtherTokens(pack, text) {
  const length = pack.array();
  checkPayload(length % 2 === 0, 'a name without a token');
  const tokens = new Map();
  for (let i = 0; i < length; i += 2) {
    const name = decodeUtf8(pack.bin());
    checkPayload(name !== '' && !tokens.has(name), 'a name that is empty or comes twice');
    tokens.set(name, readToken(pack, text));
  }
  return Object.fromEntries(tokens); // defines own properties, so a token named __proto__ is only a token
}

// --- JSON -----------------------------------------------------------------------------------------------------------

const JSON_TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*|[{}[\]:]/g;

function readJsonObject(bytes) {
  const text = decodeUtf8(bytes);
  try {
    JSON.parse(text); // settles the grammar, so that the tokens below need not
  } catch {
    throw new UnsealError('payload', 'not JSON');
  }
  // JSON.parse allows white space around the value; the bytes have to be the object and nothing else.
  checkPayload(isInBraces(bytes), 'not one JSON object');
  checkJsonBounds(text);
  return text;
}

function checkJsonBounds(text) {
  const keysOfOpenContainers = [];
  let previous;
  for (const [token] of text.matchAll(JSON_TOKEN)) {
    if (token === '{' || token === '[') {
      keysOfOpenContainers.push(new Set());
      checkPayload(keysOfOpenContainers.length <= MAX_NESTING, 'JSON nested too deep');
    } else if (token === '}' || token === ']') {
      keysOfOpenContainers.pop();
    } else if (token === ':') {
      const keys = keysOfOpenContainers.at(-1);
      const key = JSON.parse(previous); // "a" and "\u0061" are the same key
      checkPayload(!keys.has(key), 'a key that repeats');
      keys.add(key);
    } else if (token[0] !== '"') {
      checkNumber(token);
    }
    previous = token;
  }
}

function checkNumber(number) {
  if (/^-?\d+$/.test(number)) {
    checkPayload(number.replace('-', '').length <= MAX_INTEGER_DIGITS, 'an integer of too many digits');
  } else {
    checkPayload(Number.isFinite(Number(number)), 'a number beyond double precision');
  }
}

// --- msgpack --------------------------------------------------------------------------------------------------------

/**
 * Reads the four types of msgpack that occur, each only where it is asked for.
 *
 * Nothing is built from what the bytes claim, so there is no nesting to bound and no giant array to allocate.
 */
class PackReader {
  #bytes;
  #position = 0;

  constructor(bytes) {
    this.#bytes = bytes;
  }

  isArray() {
    const type = this.#bytes[this.#position];
    return (type & 0xf0) === 0x90 || type === 0xdc || type === 0xdd;
  }

  /** The number of elements that follow. */
  array() {
    const type = this.#number(1);
    if ((type & 0xf0) === 0x90) return type & 0x0f;
    if (type === 0xdc) return this.#number(2);
    if (type === 0xdd) return this.#number(4);
    throw new UnsealError('payload', 'expected an array');
  }

  /** Exact up to 2^53, which is beyond every bound of the format. */
  uint() {
    const type = this.#number(1);
    if (type <= 0x7f) return type;
    if (type === 0xcc) return this.#number(1);
    if (type === 0xcd) return this.#number(2);
    if (type === 0xce) return this.#number(4);
    if (type === 0xcf) return this.#number(4) * 2 ** 32 + this.#number(4);
    throw new UnsealError('payload', 'expected an unsigned integer');
  }

  bin() {
    const type = this.#number(1);
    if (type === 0xc4) return this.#take(this.#number(1));
    if (type === 0xc5) return this.#take(this.#number(2));
    if (type === 0xc6) return this.#take(this.#number(4));
    throw new UnsealError('payload', 'expected bin');
  }

  skipNil() {
    const isNil = this.#bytes[this.#position] === 0xc0;
    if (isNil) this.#position += 1;
    return isNil;
  }

  finish() {
    checkPayload(this.#position === this.#bytes.length, 'bytes after the array');
  }

  #number(length) {
    return this.#take(length).readUIntBE(0, length);
  }

  #take(length) {
    checkPayload(length <= this.#bytes.length - this.#position, 'cut off');
    this.#position += length;
    return this.#bytes.subarray(this.#position - length, this.#position);
  }
}
