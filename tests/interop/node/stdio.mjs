// The stdio door: each client goes on after its host was killed.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

import { connect } from "./kinds.mjs";
import { call, look, remember, told, verbs, watch } from "./steps.mjs";

const run = promisify(execFile);

export async function visit(kind, command, env) {
  const transport = () => new kind.Stdio({ command, args: [], env });
  const client = await connect(kind, transport());
  const other = await connect(kind, transport());
  try {
    told("connected", client.era);
    await look(client);
    await verbs(client);
    const notices = await watch(client, kind);
    await remember(other, "The boiler was serviced on 3 May 2026");
    told("notice", (await notices.next()).params.uri);
    await surviveKill(client, other, notices, env);
  } finally {
    await client.close();
    await other.close();
  }
}

/** The arguments by which the Inspector starts a door. */
export function target(command, env) {
  return ["-e", `MCP_MEMORY_HOME=${env.MCP_MEMORY_HOME}`, "-e", "MCP_MEMORY_USER=ana", "--", command];
}

export async function stopHost(command, env) {
  await run(command, ["host", "stop"], { env }).catch(() => {});
}

async function surviveKill(client, other, notices, env) {
  const pid = Number(readFileSync(join(env.MCP_MEMORY_HOME, "host", "lock"), "utf8"));
  const under = call(client, "recall", { query: "boiler" });
  process.kill(pid, "SIGKILL");
  const began = performance.now();
  assert.equal((await under).memories.length, 1);
  const found = await call(client, "recall", { query: "tea" });
  assert.equal(found.memories.length, 1);
  told("killed", `answered all the same, after ${Math.round(performance.now() - began)} ms`);
  notices.clear();
  await remember(other, "The chimney was swept on 4 May 2026");
  told("notice", `${(await notices.next()).params.uri}, from the next host`);
}
