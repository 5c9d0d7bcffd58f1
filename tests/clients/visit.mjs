// Other people's clients at the stdio door: the TypeScript SDKs and the Inspector, in each era.
//
//     node visit.mjs COMMAND [ARGUMENT...]
//
// COMMAND is what a client would start. Each client lists, remembers, recalls, reads, watches
// what another client writes, asks for a prompt, and goes on after its host was killed. Prints
// a line for each step; exit code 1 when one fails.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { Client as Client2 } from "@modelcontextprotocol/client";
import { StdioClientTransport as Stdio2 } from "@modelcontextprotocol/client/stdio";
import { Client as Client1 } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport as Stdio1 } from "@modelcontextprotocol/sdk/client/stdio.js";
import { ResourceUpdatedNotificationSchema } from "@modelcontextprotocol/sdk/types.js";

const [command, ...args] = process.argv.slice(2);
const run = promisify(execFile);
const UPDATED = "notifications/resources/updated";
const RECENT = "memory://recent";
const NOTICE_MS = 20_000;

const KINDS = {
  "sdk 1, 2025-11-25": { Client: Client1, Stdio: Stdio1, updated: ResourceUpdatedNotificationSchema },
  "client 2, its default": { Client: Client2, Stdio: Stdio2, updated: UPDATED },
  "client 2, auto": { Client: Client2, Stdio: Stdio2, updated: UPDATED, mode: "auto" },
  "client 2, 2026-07-28": {
    Client: Client2,
    Stdio: Stdio2,
    updated: UPDATED,
    mode: { pin: "2026-07-28" },
  },
};

let failures = 0;
for (const [name, kind] of Object.entries(KINDS)) await inStore(name, (env) => visit(kind, env));
for (const era of ["legacy", "modern", "auto"]) {
  await inStore(`inspector, ${era}`, (env) => inspect(era, env));
}
process.exit(failures ? 1 : 0);

/** Do something on a store of its own, and end its host. */
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
    await run(command, [...args, "host", "stop"], { env }).catch(() => {});
    rmSync(folder, { recursive: true, force: true });
  }
}

function told(step, what) {
  console.log(`  ${step.padEnd(12)} ${what}`);
}

async function connect({ Client, Stdio, mode }, env) {
  const options = { capabilities: {}, ...(mode && { versionNegotiation: { mode } }) };
  const client = new Client({ name: "visitor", version: "1" }, options);
  await client.connect(new Stdio({ command, args, env }));
  return client;
}

async function visit(kind, env) {
  const client = await connect(kind, env);
  const other = await connect(kind, env);
  try {
    const era = client.getNegotiatedProtocolVersion?.() ?? client.transport?._protocolVersion;
    told("connected", [era, client.getServerVersion()?.name].filter(Boolean).join(", "));
    await look(client);
    await verbs(client);
    const notices = await watch(client, kind, era);
    await remember(other, "The boiler was serviced on 3 May 2026");
    told("notice", (await notices.next()).params.uri);
    await surviveKill(client, other, notices, env);
  } finally {
    await client.close();
    await other.close();
  }
}

async function look(client) {
  const { tools } = await client.listTools();
  assert.deepEqual(tools.map((t) => t.name).sort(), ["forget", "recall", "remember", "update"]);
  const { resources } = await client.listResources();
  const { resourceTemplates } = await client.listResourceTemplates();
  const { prompts } = await client.listPrompts();
  assert.equal(prompts.length, 3);
  told(
    "lists",
    `${tools.length} tools, ${resources.length} resources, ` +
      `${resourceTemplates.length} templates, ${prompts.length} prompts`,
  );
}

async function verbs(client) {
  told("remember", await remember(client, "Ana takes green tea in the afternoon"));
  const found = await call(client, "recall", { query: "tea" });
  assert.equal(found.memories.length, 1);
  told("recall", found.memories[0].content);
  const { contents } = await client.readResource({ uri: "memory://me" });
  assert.equal(JSON.parse(contents[0].text).scope.user, "ana");
  told("memory://me", contents[0].text.slice(0, 60).replaceAll(/\s+/g, " "));
  const prompt = await client.getPrompt({
    name: "with_memory",
    arguments: { question: "What does Ana drink?" },
  });
  assert.match(JSON.stringify(prompt.messages), /green tea/);
  told("prompt", `${prompt.messages.length} message(s) with the memory in it`);
  const refused = await client.callTool({ name: "update", arguments: { id: "none" } });
  assert.equal(refused.isError, true);
  told("refusal", refused.content[0].text.slice(0, 70));
}

/** The notices of changes to what was remembered last, as they come. */
async function watch(client, kind, era) {
  const arrived = [];
  let wake = () => {};
  client.setNotificationHandler(kind.updated, (notice) => {
    arrived.push(notice);
    wake();
  });
  if (kind.Client === Client2 && era === "2026-07-28") {
    await client.listen({ resourceSubscriptions: [RECENT] });
  } else {
    await client.subscribeResource({ uri: RECENT });
  }
  told("subscribed", RECENT);
  return {
    clear: () => arrived.splice(0),
    async next() {
      let timer;
      const late = new Promise((_, reject) => {
        timer = setTimeout(() => reject(new Error("no notice came")), NOTICE_MS);
      });
      while (!arrived.length) await Promise.race([new Promise((done) => (wake = done)), late]);
      clearTimeout(timer);
      return arrived.shift();
    },
  };
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

async function remember(client, content) {
  const { results } = await call(client, "remember", { memories: [{ content }] });
  return results[0].id;
}

async function call(client, name, given) {
  const result = await client.callTool({ name, arguments: given });
  assert.ok(!result.isError, JSON.stringify(result.content));
  return result.structuredContent;
}

async function inspect(era, env) {
  const cli = fileURLToPath(import.meta.resolve("@modelcontextprotocol/inspector/package.json"));
  const inspector = join(cli, "..", "clients", "launcher", "build", "index.js");
  const ask = async (method, ...options) => {
    const asked = ["--cli", "--protocol-era", era, "--method", method, ...options];
    const settings = ["-e", `MCP_MEMORY_HOME=${env.MCP_MEMORY_HOME}`, "-e", "MCP_MEMORY_USER=ana"];
    const { stdout } = await run(
      process.execPath,
      [inspector, ...asked, ...settings, "--", command, ...args],
      { env: { ...env, MCP_INSPECTOR_SECRET_STORE: "memory" } },
    );
    return JSON.parse(stdout);
  };
  told("tools", (await ask("tools/list")).tools.length);
  told("resources", (await ask("resources/list")).resources.length);
  told("prompts", (await ask("prompts/list")).prompts.length);
  const memories = 'memories=[{"content":"Ana takes green tea in the afternoon"}]';
  const stored = await ask("tools/call", "--tool-name", "remember", "--tool-arg", memories);
  told("remember", stored.structuredContent.results[0].id);
  const found = await ask("tools/call", "--tool-name", "recall", "--tool-arg", "query=tea");
  told("recall", found.structuredContent.memories[0].content);
  const me = await ask("resources/read", "--uri", "memory://me");
  told("memory://me", me.contents[0].text.slice(0, 60).replaceAll(/\s+/g, " "));
  const prompt = ["--prompt-name", "with_memory", "--prompt-args", "question=What does Ana drink?"];
  const { messages } = await ask("prompts/get", ...prompt);
  assert.match(JSON.stringify(messages), /green tea/);
  told("prompt", `${messages.length} message(s) with the memory in it`);
}
