// The TypeScript clients: each SDK with each way in, and each era that it speaks.

import * as v2 from "@modelcontextprotocol/client";
import { StdioClientTransport as Stdio2 } from "@modelcontextprotocol/client/stdio";
import { Client as Client1 } from "@modelcontextprotocol/sdk/client/index.js";
import { SSEClientTransport as Sse1 } from "@modelcontextprotocol/sdk/client/sse.js";
import { StdioClientTransport as Stdio1 } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport as Http1 } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import * as types1 from "@modelcontextprotocol/sdk/types.js";

export const MODERN = "2026-07-28";

const SDK_1 = {
  Client: Client1,
  Stdio: Stdio1,
  Http: Http1,
  Sse: Sse1,
  updated: types1.ResourceUpdatedNotificationSchema,
  asked: types1.ElicitRequestSchema,
};
const SDK_2 = {
  Client: v2.Client,
  Stdio: Stdio2,
  Http: v2.StreamableHTTPClientTransport,
  Sse: v2.SSEClientTransport,
  updated: "notifications/resources/updated",
  asked: "elicitation/create",
};

export const KINDS = {
  "sdk 1, 2025-11-25": SDK_1,
  "client 2, its default": SDK_2,
  "client 2, auto": { ...SDK_2, mode: "auto" },
  [`client 2, ${MODERN}`]: { ...SDK_2, mode: { pin: MODERN } },
};

/** A connected client that agrees to whatever it is asked; `client.questions` are those. */
export async function connect({ Client, asked, mode }, transport) {
  const options = {
    capabilities: { elicitation: { form: {} } },
    ...(mode && { versionNegotiation: { mode } }),
  };
  const client = new Client({ name: "visitor", version: "1" }, options);
  client.questions = [];
  client.setRequestHandler(asked, ({ params }) => {
    client.questions.push(params.message);
    const [name] = Object.keys(params.requestedSchema.properties);
    return { action: "accept", content: { [name]: true } };
  });
  await client.connect(transport);
  client.era = client.getNegotiatedProtocolVersion?.() ?? types1.LATEST_PROTOCOL_VERSION;
  return client;
}
