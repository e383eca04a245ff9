// Lets the seconds go by that a page shows, and asks for more than one thing at a time, as a page with six parts does.
"use strict";

const card = document.getElementById("token");
const shown = Object.fromEntries([...card.querySelectorAll("[data-show]")].map((each) => [each.dataset.show, each]));
const bar = card.querySelector("progress");
const events = document.getElementById("events");
const ago = document.getElementById("ago");
const MOST_ANSWERS = 60;

let ends = Number(card.dataset.ends);
let watching = null;
let waiting = null;
let reason = null;

const REASONS = {
  revoked: "the provider signed you out, by its back channel (revoked)",
  denied: "the provider would not renew the session (denied)",
  missing: "there is no cookie any more (missing)",
};

function secondsLeft() {
  return ends - Date.now() / 1000;
}

function showTime() {
  const left = Math.max(0, secondsLeft());
  bar.value = left;
  shown.left.textContent = left > 0 ? `ends in ${Math.ceil(left)} s` : "has ended: the next request renews it";
  if (!reason) ago.textContent = `${Math.floor(Date.now() / 1000 - ago.dataset.since)} s ago`; // who is out is not in since then
}

function made(tag, className, text) {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}

function badge(number) {
  return made("span", `worker w${number % 6}`, number);
}

function showAnswer(answer) {
  const item = made("li", answer.worker ? "" : "failed", "");
  item.append(answer.worker ? badge(answer.worker) : answer.status || "no answer");
  item.classList.toggle("renewed", Boolean(answer.took_new_tokens));
  item.title = `${answer.status || "no answer"}${answer.took_new_tokens ? ", with new tokens" : ""}`;
  shown.answers.prepend(item);
  while (shown.answers.children.length > MOST_ANSWERS) shown.answers.lastChild.remove();
}

function showFigures(answer) {
  if (answer.ends < ends || answer.requests < Number(shown.requests.textContent)) return; // overtaken by a later one
  ends = answer.ends;
  for (const name of ["calls", "refused", "requests", "pid"]) shown[name].textContent = answer[name];
  shown.pairs.textContent = answer.pairs.join(", ");
  shown.worker.replaceChildren(badge(answer.worker));
  shown.workers.replaceChildren(...Object.entries(answer.workers).flatMap(([worker, number]) => {
    const share = made("span", "share", "");
    share.append(badge(Number(worker)), ` ${number}`);
    return [share, " "];
  }));
  events.replaceChildren(...answer.lately.map(line));
}

function showReason(latest) {
  reason = reason || latest; // the first says why; by then the cookie is gone
  shown.ended.textContent = `Signed out: ${REASONS[reason] || reason}. Look again, to sign in.`;
}

function line(event) {
  const item = made("li", "", "");
  item.append(made("time", "", event.at), " ", made("b", `by ${event.who}`, event.who), " ", event.what);
  if (event.times > 1) item.append(" ", made("span", "state count", `${event.times} times`));
  return item;
}

async function ask() {
  let answer = { status: 0 };
  try {
    // Not from the cache: identical ones would wait for one another. And by name: who takes anything is sent a page.
    const response = await fetch(card.dataset.look, { cache: "no-store", headers: { Accept: "application/json" } });
    answer.status = response.status;
    answer = { ...(await response.json()), ...answer };
  } catch {
    // The worker is gone, or the demo is: status 0 says so.
  }
  showAnswer(answer);
  if (answer.worker) showFigures(answer);
  if (answer.status === 401) showReason(answer.reason);
  showTime();
  return answer;
}

function count(number, what) {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}

async function askSix() {
  const answers = await Promise.all(Array.from({ length: 6 }, ask));
  const good = answers.filter((each) => each.worker);
  const renewed = good.filter((each) => each.took_new_tokens);
  const sentences = [`${count(good.length, "answer")} by ${count(new Set(good.map((each) => each.worker)).size, "worker")}`];
  const calls = new Set(renewed.map((each) => each.calls)).size;
  if (renewed.length) sentences.push(`${renewed.length} with new tokens, from ${count(calls, "call")} of the provider`);
  if (good.length < answers.length) sentences.push(`${count(answers.length - good.length, "request")} refused`);
  shown.summary.textContent = `${sentences.join("; ")}.`;
}

function waitForTheEnd() {
  clearTimeout(waiting);
  shown.summary.textContent = "Six requests will be sent as soon as it has ended.";
  waiting = setTimeout(() => (secondsLeft() > 0 ? waitForTheEnd() : askSix()), Math.max(0, secondsLeft()) * 1000 + 50);
}

function watch(event) {
  watching = watching ? clearInterval(watching) : setInterval(ask, 1000);
  event.target.setAttribute("aria-pressed", String(Boolean(watching)));
  event.target.textContent = watching ? "Ask no more" : "Ask every second";
}

const deeds = { six: askSix, end: waitForTheEnd, watch };
card.querySelector("[data-needs-script]").hidden = false;
for (const button of card.querySelectorAll("[data-do]")) button.addEventListener("click", deeds[button.dataset.do]);
setInterval(showTime, 250);
showTime();
