// Opens a bundle as the device would, with nothing of the project's code.
//
//   node open_bundle.mjs --bundle F.pvb --device-dir D --bundle-key PEM
//        --role R [--seq N] [--manifest-sequence N] [--class HEX]
//        [--vendor HEX] [--stage S] [--seed N] [--expect F.json] [--flip]
//
// D is devices/<id> of cli.md "The demo": key.pem, seal.pem, or kek.hex and
// auth.hex; form; evidence.hex, the SHA-256 of what the device attested with.
// Segments are fed in random order. Prints one JSON line with
// every plaintext in hex. --expect compares them with {component-id: hex}.
// --flip: every single flipped bit of the descriptor and of the first segment
// has to be refused; prints the counts. Exit: 0, 1 refused, 2 usage, 3 a flip
// or a comparison failed.
import * as crypto from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { parseArgs } from "node:util";

// Node 18 has Web Crypto, but not as a global.
globalThis.crypto ??= crypto.webcrypto;
const { Refused, Session, splitHead, splitRest } =
	await import("./bundle_reader.mjs");

const sha256 = (b) => crypto.createHash("sha256").update(b).digest();
const spki = (key) => key.export({ type: "spki", format: "der" });

function readHex(path) {
	const text = readFileSync(path, "utf8").trim();
	if (!/^[0-9a-f]{64}$/i.test(text))
		throw new Error(`${path}: not 32 bytes of hex`);
	return Buffer.from(text, "hex");
}

// A private key as PEM (PKCS#8 or SEC 1) or JWK.
function readPrivate(path) {
	const text = readFileSync(path, "utf8");
	const key = text.trimStart().startsWith("{")
		? crypto.createPrivateKey({ key: JSON.parse(text),
					    format: "jwk" })
		: crypto.createPrivateKey(text);
	const { kty, crv, x, y, d } = key.export({ format: "jwk" });
	return { jwk: { kty, crv, x, y, d },
		 id: sha256(spki(crypto.createPublicKey(key))) };
}

function readDevice(opts) {
	const dir = opts["device-dir"];
	const file = (name) => join(dir, name);
	const has = (name) => existsSync(file(name));
	const form = readFileSync(file("form"), "utf8").trim();
	const key = crypto.createPublicKey(readFileSync(opts["bundle-key"]));
	if (!["plain", "mac0", "batch"].includes(form))
		throw new Error(`unknown form ${form}`);
	const device = {
		id: basename(resolve(dir)), form, role: opts.role,
		seq: BigInt(opts.seq ?? 0),
		manifestSequence: BigInt(opts["manifest-sequence"] ?? 0),
		signer: { key, kid: sha256(spki(key)).subarray(0, 8) },
	};
	if (opts.class) device.classId = Buffer.from(opts.class, "hex");
	if (opts.vendor) device.vendor = Buffer.from(opts.vendor, "hex");
	if (opts.stage) device.stage = opts.stage;
	if (has("evidence.hex")) device.evidence = readHex(file("evidence.hex"));
	if (has("kek.hex")) device.kek = readHex(file("kek.hex"));
	if (has("auth.hex")) device.authKey = readHex(file("auth.hex"));
	const own = ["seal.pem", "seal.jwk", "key.pem", "key.jwk"].find(has);
	if (own) device.recipient = readPrivate(file(own));
	return device;
}

// A small seeded generator (mulberry32): orders can be run again.
function shuffle(list, seed) {
	let s = seed >>> 0;
	const next = () => {
		s = (s + 0x6d2b79f5) >>> 0;
		let t = Math.imul(s ^ (s >>> 15), s | 1);
		t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
		return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
	};
	const out = [...list];
	for (let i = out.length - 1; i > 0; i--) {
		const j = Math.floor(next() * (i + 1));
		[out[i], out[j]] = [out[j], out[i]];
	}
	return out;
}

async function openBundle(bytes, device, seed) {
	const { manifest, descriptor, next } = splitHead(bytes);
	const session = new Session(device);
	await session.begin(manifest, descriptor);
	const { clear, plan } = splitRest(bytes, next, session.d);
	clear.forEach((c, i) => session.clearComponent(i, c));
	for (const p of shuffle(plan, seed))
		session.segment(p, bytes.subarray(p.at, p.at + p.length));
	session.finish(plan);
	return { session, plan, manifest, descriptor };
}

function report(session, plan, seed) {
	const { d, manifest, staging, clear } = session;
	const hex = (b) => Buffer.from(b).toString("hex");
	const components = {};
	d.sealed.forEach((c, i) => { components[c.id] = hex(staging[i]); });
	clear.forEach((bytes, id) => { components[id] = hex(bytes); });
	return { device: d.device, role: d.role, stage: manifest.stage,
		 seq: String(d.seq), bundle_id: hex(d.bundleId), bh: hex(d.bh),
		 kind: d.kind, segments: plan.length, order_seed: seed,
		 components };
}

// Runs attempt with every bit of bytes flipped; all have to be Refused.
async function flipAll(bytes, attempt) {
	const copy = Buffer.from(bytes);
	let accepted = 0;
	for (let bit = 0; bit < 8 * copy.length; bit++) {
		copy[bit >> 3] ^= 1 << (bit & 7);
		try {
			await attempt(copy);
			accepted++;
		} catch (e) {
			if (!(e instanceof Refused)) throw e;
		}
		copy[bit >> 3] ^= 1 << (bit & 7);
	}
	return { bits: 8 * copy.length, refused: 8 * copy.length - accepted };
}

async function flip(bytes, device, opened) {
	const { manifest, descriptor, plan } = opened;
	const first = plan[0];
	const session = new Session(device);
	await session.begin(manifest, descriptor);
	return {
		descriptor: await flipAll(descriptor, (changed) =>
			new Session(device).begin(manifest, changed)),
		segment: await flipAll(
			bytes.subarray(first.at, first.at + first.length),
			(changed) => session.segment(first, changed)),
	};
}

async function main(opts) {
	const bytes = readFileSync(opts.bundle);
	const device = readDevice(opts);
	const seed = opts.seed === undefined ? crypto.randomInt(2 ** 32)
					     : Number(opts.seed);
	const opened = await openBundle(bytes, device, seed);
	const out = report(opened.session, opened.plan, seed);
	let failed = false;
	if (opts.expect) {
		const want = JSON.parse(readFileSync(opts.expect, "utf8"));
		const ids = Object.keys(out.components);
		out.expected = ids.length === Object.keys(want).length &&
			ids.every((id) => out.components[id] === want[id]);
		failed ||= !out.expected;
	}
	if (opts.flip) {
		out.flip = await flip(bytes, device, opened);
		failed ||= Object.values(out.flip)
			.some((f) => f.bits !== f.refused);
	}
	console.log(JSON.stringify(out));
	return failed ? 3 : 0;
}

const string = { type: "string" };
let opts;
try {
	opts = parseArgs({ options: {
		bundle: string, "device-dir": string, "bundle-key": string,
		role: string, seq: string, "manifest-sequence": string,
		class: string, vendor: string, stage: string, seed: string, expect: string,
		flip: { type: "boolean" },
	} }).values;
	for (const need of ["bundle", "device-dir", "bundle-key", "role"])
		if (!opts[need]) throw new Error(`--${need} is missing`);
} catch (e) {
	console.error(`open_bundle: ${e.message}`);
	process.exit(2);
}
try {
	process.exitCode = await main(opts);
} catch (e) {
	if (!(e instanceof Refused)) throw e;
	console.error(`open_bundle: ${opts.bundle}: refused: ${e.message}`);
	process.exitCode = 1;
}
