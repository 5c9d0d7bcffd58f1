// What every TypeScript client does, whatever its way in.

import assert from "node:assert/strict";

import { MODERN } from "./kinds.mjs";

const RECENT = "memory://recent";
const NOTICE_MS = 20_000;

export function told(step, what) {
  console.log(`  ${step.padEnd(12)} ${what}`);
}

export async function look(client) {
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

export async function verbs(client) {
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
export async function watch(client, kind) {
  const arrived = [];
  let wake = () => {};
  client.setNotificationHandler(kind.updated, (notice) => {
    arrived.push(notice);
    wake();
  });
  await subscribe(client);
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

/** Subscribe as the era does. */
export async function subscribe(client) {
  if (client.era === MODERN) await client.listen({ resourceSubscriptions: [RECENT] });
  else await client.subscribeResource({ uri: RECENT });
}

/** Erase one memory; the client is asked, and agrees. */
export async function erase(client) {
  const id = await remember(client, "The spare key is under the mat");
  const before = client.questions.length;
  const erased = await call(client, "forget", { ids: [id], erase: true });
  assert.equal(client.questions.length, before + 1);
  assert.ok(erased.done && erased.erased);
  assert.equal((await call(client, "recall", { query: "spare key" })).memories.length, 0);
  told("erase", `asked "${client.questions.at(-1).split("\n")[0]}", agreed, erased ${erased.total}`);
}

export async function remember(client, content) {
  const { results } = await call(client, "remember", { memories: [{ content }] });
  return results[0].id;
}

export async function call(client, name, given) {
  const result = await client.callTool({ name, arguments: { explain: true, ...given } });
  assert.ok(!result.isError, JSON.stringify(result.content));
  return result.structuredContent;
}
