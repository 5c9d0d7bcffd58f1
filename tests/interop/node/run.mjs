// Other people's clients at every door: the TypeScript SDKs and the Inspector, in each era.
//
//     node visit.mjs COMMAND
//
// COMMAND is what a client would start. Each client lists, remembers, recalls, reads, asks for a
// prompt, watches what another client writes, and goes on after its host was killed or its server
// started again; over HTTP it erases too, having been asked, and is refused what its token does
// not permit. Prints a line for each step; exit code 1 when one fails.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import * as http from "./http.mjs";
import { ERAS, inspect, inspectRefused } from "./inspector.mjs";
import { KINDS } from "./kinds.mjs";
import { Served } from "./served.mjs";
import * as stdio from "./stdio.mjs";

const [command] = process.argv.slice(2);
let failures = 0;

for (const [name, kind] of Object.entries(KINDS)) {
  await atStdio(name, (env) => stdio.visit(kind, command, env));
  for (const way of http.WAYS) {
    await atServer(`${name}, ${way}`, (server) => http.visit(kind, way, server));
  }
}
for (const era of ERAS) {
  await atStdio(`inspector, ${era}`, (env) => inspect(era, stdio.target(command, env), env));
  for (const way of http.WAYS) {
    await atServer(`inspector, ${era}, ${way}`, async (server) => {
      await inspect(era, http.target(way, server, server.all), server.env);
      await inspectRefused(era, http.target(way, server, server.reading), server.env);
    });
  }
}
process.exit(failures ? 1 : 0);

/** Do something on a store of its own, and end its host. */
async function atStdio(name, work) {
  await inStore(name, async (env) => {
    try {
      await work(env);
    } finally {
      await stdio.stopHost(command, env);
    }
  });
}

/** Do something with a server of its own, and end it. */
async function atServer(name, work) {
  await inStore(name, async (env) => {
    const server = await Served.start(command, env);
    try {
      await work(server);
    } finally {
      await server.stop();
    }
  });
}

async function inStore(name, work) {
  const folder = mkdtempSync(join(tmpdir(), "mcp-memory-clients-"));
  const env = { ...process.env, MCP_MEMORY_HOME: join(folder, "store"), MCP_MEMORY_USER: "ana" };
  console.log(name);
  try {
    await work(env);
  } catch (error) {
    failures += 1;
    console.log("  FAILED", error);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
