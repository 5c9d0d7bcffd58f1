// The web door, over streamable HTTP or the older event streams, each client with a token.
//
// After a restart of the server a client of the newer era simply goes on. One of the older era
// has lost its session: it is told so, and has to initialize again.

import assert from "node:assert/strict";

import { MODERN, connect } from "./kinds.mjs";
import { call, erase, look, remember, subscribe, told, verbs, watch } from "./steps.mjs";

export const WAYS = ["Http", "Sse"];
const LOST_MS = 5_000;

export async function visit(kind, way, server) {
  const enter = (token) => connect(kind, transport(kind, way, server, token));
  const client = await enter(server.all);
  const other = await enter(server.all);
  const clients = [client, other];
  try {
    told("connected", client.era);
    await look(client);
    await verbs(client);
    const notices = await watch(client, kind);
    await remember(other, "The boiler was serviced on 3 May 2026");
    told("notice", (await notices.next()).params.uri);
    await erase(client);
    clients.push(await enter(server.reading));
    await forbidden(clients[2]);
    notices.clear();
    await server.restart();
    if (client.era === MODERN && way === "Http") await goOn(client, other, notices);
    else clients.push(await beginAgain(client, () => enter(server.all)));
  } finally {
    for (const each of clients) await each.close();
  }
}

/** The arguments by which the Inspector finds the server. */
export function target(way, server, token) {
  const url = way === "Http" ? server.url : server.sse;
  const header = ["--header", `Authorization: Bearer ${token}`];
  return ["--transport", way.toLowerCase(), "--server-url", url.href, ...header];
}

function transport(kind, way, server, token) {
  const requestInit = { headers: { Authorization: `Bearer ${token}` } };
  return new kind[way](way === "Http" ? server.url : server.sse, { requestInit });
}

/** A token that only reads: what it may not is refused, and it goes on reading. */
async function forbidden(client) {
  const wanted = { name: "remember", arguments: { memories: "The reader was here" } };
  const { isError, content } = await client.callTool(wanted);
  assert.ok(isError, "it was let in");
  assert.match(content[0].text, /memory:write/);
  told("forbidden", content[0].text.slice(0, 180));
  assert.equal((await call(client, "recall", { query: "tea" })).memories.length, 1);
}

async function goOn(client, other, notices) {
  assert.equal((await call(client, "recall", { query: "tea" })).memories.length, 1);
  await subscribe(client);
  await remember(other, "The chimney was swept on 4 May 2026");
  told("restarted", `goes on as if nothing was; a notice of ${(await notices.next()).params.uri}`);
}

async function beginAgain(client, enter) {
  const wanted = { name: "recall", arguments: { query: "tea" } };
  const error = await client
    .callTool(wanted, ...timeout(client))
    .then(() => assert.fail("its session was not lost"), (e) => e);
  assert.match(error.message, /no such session/);
  told("restarted", `${error.constructor.name}: ${error.message}`.slice(0, 180));
  const next = await enter();
  assert.equal((await call(next, "recall", { query: "tea" })).memories.length, 1);
  told("again", "initialized again, and goes on");
  return next;
}

/** The options of a call that gives up soon: they come third in the older SDK. */
function timeout(client) {
  return client.listen ? [{ timeout: LOST_MS }] : [undefined, { timeout: LOST_MS }];
}
