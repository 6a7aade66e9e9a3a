// Holds templates/*.schema.json and their parsers together with a validator
// that is not ours (ajv, JSON Schema 2020-12), for templates, rosters, orders, plans and their bindings:
// - every shipped one and every valid one in tests/data/template is valid;
// - every tests/data/invalid/<kind>/<case> is invalid, but for those listed in
//   tests/data/invalid/<kind>.parser-only, which must pass the schema (or be no
//   JSON at all): the list cannot go stale either way;
// - an unknown key anywhere but inside a config is invalid.
// The parsers are held to the same files and changes by check_template_cases,
// check_roster, check_orderfile, check_plan and check_binding.
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import Ajv from "ajv/dist/2020.js";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const templates = join(root, "templates");
const invalid = join(root, "tests", "data", "invalid");

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const read = (...path) => utf8.decode(readFileSync(join(...path)));
const jsonIn = (folder) =>
	readdirSync(folder)
		.filter((name) => name.endsWith(".json"))
		.filter((name) => !name.endsWith(".schema.json"))
		.map((name) => join(folder, name));

const kinds = {
	template: [...jsonIn(templates),
		   join(templates, "examples", "field-sensor.json"),
		   join(templates, "examples", "gateway.json"),
		   ...jsonIn(join(root, "tests", "data", "template"))],
	roster: [join(templates, "examples", "roster.json")],
	order: [join(templates, "examples", "order.json")],
	plan: jsonIn(join(templates, "plans")),
	binding: [join(templates, "examples", "binding.json")],
};

const ajv = new Ajv({ strict: true, strictRequired: false,
		      strictTypes: false, allErrors: true });
const failures = [];
let checks = 0;
let cases = 0;
let seenByParser = 0;

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

function checkValid(check, path) {
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

function checkInvalid(check, kind, name, parserOnly) {
	const document = parsed(invalid, kind, name, "input");
	const refused = document !== null && !check(document.value);

	if (parserOnly.has(name))
		expect(!refused,
		       `${kind}/${name}: listed as parser-only, and refused`);
	else
		expect(refused, `${kind}/${name}: valid for the schema`);
}

function checkKind(kind, valid) {
	const check = ajv.compile(
		JSON.parse(read(templates, `${kind}.schema.json`)));
	const parserOnly = new Set(
		read(invalid, `${kind}.parser-only`).split("\n")
			.filter(Boolean));
	const names = readdirSync(join(invalid, kind));

	for (const path of valid)
		checkValid(check, path);
	for (const name of names)
		checkInvalid(check, kind, name, parserOnly);
	for (const name of parserOnly)
		expect(names.includes(name),
		       `${kind}/${name}: listed and not there`);
	cases += names.length;
	seenByParser += parserOnly.size;
}

for (const [kind, valid] of Object.entries(kinds))
	checkKind(kind, valid);
for (const failure of failures)
	console.error(`FAIL ${failure}`);
console.log(`schema: ${checks} checks, ${cases} invalid cases ` +
	    `(${seenByParser} seen by the parser only), ` +
	    `${failures.length} failed`);
process.exit(failures.length === 0 ? 0 : 1);
