// Token counts of a JSON array of texts from standard input, in o200k, as a JSON array.
//
//     node count_tokens.mjs FOLDER < texts.json
//
// FOLDER has js-tiktoken installed, which carries the vocabulary.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";

const require = createRequire(join(resolve(process.argv[2]), "package.json"));
const { getEncoding } = require("js-tiktoken");
const encoding = getEncoding("o200k_base");
const texts = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(texts.map((text) => encoding.encode(text, [], []).length)));
