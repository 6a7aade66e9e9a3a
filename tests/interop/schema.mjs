// Holds templates/template.schema.json and the parser together with a
// validator that is not ours (ajv, JSON Schema 2020-12):
// - every shipped template and every valid one in tests/data/template is valid;
// - every tests/data/invalid/template/<case> is invalid, but for those listed
//   in tests/data/invalid/template.parser-only, which must pass the schema (or
//   be no JSON at all): the list cannot go stale either way;
// - an unknown key anywhere but inside a config is invalid.
// The parser is held to the same files and changes by check_template.
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import Ajv from "ajv/dist/2020.js";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const templates = join(root, "templates");
const valid = join(root, "tests", "data", "template");
const invalid = join(root, "tests", "data", "invalid", "template");

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const read = (...path) => utf8.decode(readFileSync(join(...path)));
const jsonIn = (folder) =>
	readdirSync(folder)
		.filter((name) => name.endsWith(".json"))
		.filter((name) => name !== "template.schema.json")
		.map((name) => join(folder, name));

const ajv = new Ajv({ strict: true, strictRequired: false,
		      strictTypes: false, allErrors: true });
const check = ajv.compile(JSON.parse(read(templates, "template.schema.json")));
const failures = [];
let checks = 0;

function expect(ok, what) {
	checks++;
	if (!ok)
		failures.push(what);
}

// Every object of the document that is not inside a config.
function* objects(value, key) {
	if (value === null || typeof value !== "object" || key === "config")
		return;
	if (!Array.isArray(value))
		yield value;
	for (const [name, child] of Object.entries(value))
		yield* objects(child, name);
}

function checkValid(path) {
	const document = JSON.parse(read(path));

	expect(check(document), `${path}: ${ajv.errorsText(check.errors)}`);
	for (const object of objects(document)) {
		object.zzz = true;
		expect(!check(document), `${path}: unknown key was let through`);
		delete object.zzz;
	}
}

function parsed(...path) {
	try {
		return { value: JSON.parse(read(...path)) };
	} catch {
		return null;
	}
}

function checkInvalid(name, parserOnly) {
	const document = parsed(invalid, name, "input");
	const refused = document !== null && !check(document.value);

	if (parserOnly.has(name))
		expect(!refused, `${name}: listed as parser-only, and refused`);
	else
		expect(refused, `${name}: valid for the schema`);
}

const parserOnly = new Set(
	read(root, "tests", "data", "invalid", "template.parser-only")
		.split("\n").filter(Boolean));
const cases = readdirSync(invalid);

for (const path of [...jsonIn(templates), ...jsonIn(valid)])
	checkValid(path);
for (const name of cases)
	checkInvalid(name, parserOnly);
for (const name of parserOnly)
	expect(cases.includes(name), `${name}: listed and not there`);

for (const failure of failures)
	console.error(`FAIL ${failure}`);
console.log(`schema: ${checks} checks, ${cases.length} invalid cases ` +
	    `(${parserOnly.size} seen by the parser only), ` +
	    `${failures.length} failed`);
process.exit(failures.length === 0 ? 0 : 1);
