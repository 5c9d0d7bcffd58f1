// The Inspector's CLI, which is started anew for each question.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { told } from "./steps.mjs";

const run = promisify(execFile);
const PACKAGE = fileURLToPath(import.meta.resolve("@modelcontextprotocol/inspector/package.json"));
const LAUNCHER = join(PACKAGE, "..", "clients", "launcher", "build", "index.js");

const EXPLAIN = "explain=true";

export const ERAS = ["legacy", "modern", "auto"];

/** Everything that it can ask. `target` are the arguments that say where the server is. */
export async function inspect(era, target, env) {
  const ask = asking(era, target, env);
  told("tools", (await ask("tools/list")).tools.length);
  told("resources", (await ask("resources/list")).resources.length);
  told("prompts", (await ask("prompts/list")).prompts.length);
  const memories = 'memories=[{"content":"Ana takes green tea in the afternoon"}]';
  const stored = await ask("tools/call", "--tool-name", "remember", "--tool-arg", memories, EXPLAIN);
  told("remember", stored.structuredContent.results[0].id);
  const found = await ask("tools/call", "--tool-name", "recall", "--tool-arg", "query=tea", EXPLAIN);
  told("recall", found.structuredContent.memories[0].content);
  const me = await ask("resources/read", "--uri", "memory://me");
  told("memory://me", me.contents[0].text.slice(0, 60).replaceAll(/\s+/g, " "));
  const prompt = ["--prompt-name", "with_memory", "--prompt-args", "question=What does Ana drink?"];
  const { messages } = await ask("prompts/get", ...prompt);
  assert.match(JSON.stringify(messages), /green tea/);
  told("prompt", `${messages.length} message(s) with the memory in it`);
}

/** A call that a token does not permit. */
export async function inspectRefused(era, target, env) {
  const memories = 'memories=[{"content":"The reader was here"}]';
  const options = ["--tool-name", "remember", "--tool-arg", memories];
  const asked = asking(era, target, env)("tools/call", ...options);
  const said = await asked.then((answer) => JSON.stringify(answer), (e) => e.stdout + e.stderr);
  assert.match(said, /lacks the scope memory:write/);
  told("forbidden", said.slice(0, 180));
}

function asking(era, target, env) {
  return async (method, ...options) => {
    const asked = ["--cli", "--protocol-era", era, "--method", method, ...options];
    const { stdout } = await run(process.execPath, [LAUNCHER, ...asked, ...target], {
      env: { ...env, MCP_INSPECTOR_SECRET_STORE: "memory" },
    });
    return JSON.parse(stdout);
  };
}
