// The tokens of texts in o200k: a JSON array of texts comes in, one of their counts goes out.

import { readFileSync } from "node:fs";

import { Tiktoken } from "js-tiktoken/lite";
import o200k from "js-tiktoken/ranks/o200k_base";

const encoder = new Tiktoken(o200k);
const texts = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(texts.map((text) => encoder.encode(text, [], []).length)));
