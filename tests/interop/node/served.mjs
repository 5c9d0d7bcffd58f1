// `mcp-memory serve --http` for others: with tokens, and started again at the same address.

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

const run = promisify(execFile);
const READY = "mcp-memory: serving ";

export class Served {
  /** A server of the store that `env` names, at a port that the system chooses. */
  static async start(command, env) {
    const served = new Served(command, env);
    served.all = await served.#token("read,write,erase");
    served.reading = await served.#token("read");
    await served.#serve("127.0.0.1:0");
    return served;
  }

  constructor(command, env) {
    this.command = command;
    this.env = env;
  }

  get sse() {
    return new URL("/sse", this.url);
  }

  /** End it in order, and start another at the same address. */
  async restart() {
    await this.stop();
    await this.#serve(this.url.host);
  }

  async stop() {
    const ended = once(this.process, "exit");
    if (this.process.exitCode === null && this.process.kill("SIGTERM")) await ended;
  }

  async #serve(where) {
    this.process = spawn(this.command, ["serve", "--http", where], {
      env: this.env,
      stdio: ["ignore", "pipe", "inherit"],
    });
    for await (const line of createInterface({ input: this.process.stdout })) {
      this.url = new URL(line.slice(READY.length).split(" ")[0]);
      return;
    }
    throw new Error("the server did not start");
  }

  async #token(scopes) {
    const asked = ["token", "add", "--user", "ana", "--scopes", scopes];
    const { stdout } = await run(this.command, asked, { env: this.env });
    return stdout.split("\n")[0];
  }
}
