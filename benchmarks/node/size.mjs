// Seals every session of the request as iron-session does and answers with the lengths.
// stdin: {"password": "...", "sessions": [{...}, ...]}   stdout: [1950, ...]
import { text } from "node:stream/consumers";
import { sealData } from "iron-session";

const { password, sessions } = JSON.parse(await text(process.stdin));
const lengths = [];
for (const session of sessions) {
  const sealed = await sealData(session, { password, ttl: 0 });
  lengths.push(sealed.length);
}
console.log(JSON.stringify(lengths));
