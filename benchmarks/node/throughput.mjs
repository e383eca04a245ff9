// Times iron-session: microseconds of one operation, one figure for each round. Each operation is awaited before the
// next, as one request does.
// stdin: {"password": "...", "session": {...}, "rounds": 25}   stdout: {"seal": [...], "unseal": [...]}
import { text } from "node:stream/consumers";
import { sealData, unsealData } from "iron-session";

const WARM_UP = 10;
const BATCH = 32;

const { password, session, rounds } = JSON.parse(await text(process.stdin));
const options = { password, ttl: 0 };

const values = [];
for (let i = 0; i < BATCH; i++) values.push(await sealData(session, options));

async function seal() {
  for (let i = 0; i < BATCH; i++) await sealData(session, options);
}

async function unseal() {
  for (const value of values) {
    const opened = await unsealData(value, options);
    if (opened.accessToken !== session.accessToken) throw new Error("iron-session opened something else");
  }
}

async function microseconds(batch) {
  const start = performance.now();
  await batch();
  return ((performance.now() - start) * 1000) / BATCH;
}

const times = { seal: [], unseal: [] };
for (let round = -WARM_UP; round < rounds; round++) {
  const [sealing, unsealing] = [await microseconds(seal), await microseconds(unseal)];
  if (round < 0) continue;
  times.seal.push(sealing);
  times.unseal.push(unsealing);
}
console.log(JSON.stringify(times));
