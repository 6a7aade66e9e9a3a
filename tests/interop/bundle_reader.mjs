// A receiver of sealed bundles, written from provctl-bundle(5) alone:
// HPKE by @hpke/core, CBOR by cborg, the rest by Node's own cryptography. It
// imports nothing of the project. Every refusal is a Refused.
import { Aes256Gcm, CipherSuite, DhkemP256HkdfSha256, HkdfSha256 }
	from "@hpke/core";
import { Tagged } from "cborg";
import * as crypto from "node:crypto";
import { check, checkContent, isBytes, isKeys, isUint, manifestLength,
	 parseClaims, parseManifest, parsePayload } from "./bundle_parse.mjs";
import { array, bstr, decodeStrict, itemLength, Refused, refuse, tstr }
	from "./cbor_strict.mjs";

export { Refused };

const EMPTY = Buffer.alloc(0);
const SIGN1 = 18;
const MAC0 = 17;
const suite = new CipherSuite({
	kem: new DhkemP256HkdfSha256(),
	kdf: new HkdfSha256(),
	aead: new Aes256Gcm(),
});

const sha256 = (...parts) => {
	const h = crypto.createHash("sha256");
	parts.forEach((p) => h.update(p));
	return h.digest();
};
const hmac = (key, ...parts) => {
	const h = crypto.createHmac("sha256", key);
	parts.forEach((p) => h.update(p));
	return h.digest();
};
const be = (n, size) => {
	const b = Buffer.alloc(size);
	b.writeUIntBE(n, 0, size);
	return b;
};
const same = (a, b) =>
	a.length === b.length && crypto.timingSafeEqual(a, b);
// RFC 5869 2.3
function expand(prk, info, length) {
	let out = EMPTY;
	let t = EMPTY;
	for (let i = 1; out.length < length; i++) {
		t = hmac(prk, t, info, Buffer.from([i]));
		out = Buffer.concat([out, t]);
	}
	return out.subarray(0, length);
}

function verifyEs256(key, tbs, sig) {
	return crypto.verify("sha256", tbs, { key, dsaEncoding: "ieee-p1363" },
			     sig);
}

function sigStructure(prot, payload) {
	return array([tstr("Signature1"), bstr(prot), bstr(EMPTY),
		      bstr(payload)]);
}

// Tagged [protected, {}, payload, auth]; protected exactly {1: alg, 4: kid}.
function coseMessage(bytes, tag, alg, kidLength, authLength) {
	const m = decodeStrict(bytes);
	check(m instanceof Tagged && m.tag === tag, "COSE: another tag");
	check(Array.isArray(m.value) && m.value.length === 4,
	      "COSE: not four parts");
	const [prot, unprot, payload, auth] = m.value;
	check(isBytes(prot) && unprot instanceof Map && unprot.size === 0 &&
	      isBytes(payload) && isBytes(auth, authLength),
	      "COSE: a part has the wrong form");
	const h = decodeStrict(prot);
	check(isKeys(h, [1, 4]) && h.get(1) === alg &&
	      isBytes(h.get(4), kidLength), "COSE: protected header");
	return { prot, payload, auth, kid: h.get(4) };
}

function checkSign1(bytes, signer) {
	const m = coseMessage(bytes, SIGN1, -7, 8, 64);
	check(same(m.kid, signer.kid), "another key than the bundle key");
	check(verifyEs256(signer.key, sigStructure(m.prot, m.payload), m.auth),
	      "signature");
	return m;
}

function checkMac0(bytes, authKey) {
	const m = coseMessage(bytes, MAC0, 5, 16, 32);
	const tbs = array([tstr("MAC0"), bstr(m.prot), bstr(EMPTY),
			   bstr(m.payload)]);
	check(same(hmac(authKey, tbs), m.auth), "MAC of the descriptor");
	return m;
}

// RFC 9162 2.1.3.2
function rootFromPath(leaf, index, size, path) {
	let fn = index;
	let sn = size - 1;
	let r = leaf;
	for (const p of path) {
		check(isBytes(p, 32) && sn > 0, "batch: the path is too long");
		if (fn % 2 === 1 || fn === sn) {
			r = sha256(Buffer.from([1]), p, r);
			while (fn % 2 === 0 && fn !== 0) {
				fn = Math.floor(fn / 2);
				sn = Math.floor(sn / 2);
			}
		} else {
			r = sha256(Buffer.from([1]), r, p);
		}
		fn = Math.floor(fn / 2);
		sn = Math.floor(sn / 2);
	}
	check(sn === 0, "batch: the path is too short");
	return r;
}

function checkBatch(bytes, signer) {
	const d = decodeStrict(bytes);
	check(Array.isArray(d) && d.length === 2 && isBytes(d[0]) &&
	      d[1] instanceof Tagged && d[1].tag === SIGN1 &&
	      Array.isArray(d[1].value) && d[1].value.length === 4,
	      "batch: form");
	const [prot, unprot, none, sig] = d[1].value;
	check(isBytes(prot) && none === null && isBytes(sig, 64), "batch: form");
	const h = decodeStrict(prot);
	check(isKeys(h, [1, 4, 15, 395]) && h.get(1) === -7 &&
	      isBytes(h.get(4), 8) && h.get(395) === 1,
	      "batch: protected header");
	check(same(h.get(4), signer.kid), "another key than the bundle key");
	const { notAfter, size } = parseClaims(h.get(15));
	const vdp = isKeys(unprot, [396]) && unprot.get(396);
	check(isKeys(vdp, [-1]) && Array.isArray(vdp.get(-1)) &&
	      vdp.get(-1).length === 1 && isBytes(vdp.get(-1)[0]),
	      "batch: proof");
	const proof = decodeStrict(vdp.get(-1)[0]);
	check(Array.isArray(proof) && proof.length === 3 && proof[0] === size &&
	      isUint(proof[1]) && proof[1] < size && Array.isArray(proof[2]),
	      "batch: proof");
	const leaf = sha256(Buffer.from([0]), d[0]);
	const root = rootFromPath(leaf, proof[1], size, proof[2]);
	check(verifyEs256(signer.key, sigStructure(prot, root), sig),
	      "signature of the batch");
	return { payload: d[0], notAfter };
}

// The form is provisioned, never read from the input.
function checkDescriptor(bytes, device) {
	if (device.form === "mac0") return checkMac0(bytes, device.authKey);
	if (device.form === "batch" && bytes[0] !== (0xc0 | SIGN1))
		return checkBatch(bytes, device.signer);
	return checkSign1(bytes, device.signer);
}

// What the bundle says it is, against what was provisioned.
function checkMine(d, manifest, device) {
	check(d.role === device.role, "another role");
	check(!device.vendor || same(manifest.vendor, device.vendor),
	      "another vendor");
	check(!device.classId || same(manifest.classId, device.classId),
	      "another class");
	check(BigInt(manifest.sequence) >= device.manifestSequence,
	      "manifest sequence");
	check(!device.stage || manifest.stage === device.stage,
	      "another stage");
	check(!d.evidence || (device.evidence &&
			      same(d.evidence, device.evidence)),
	      "bound to other evidence");
}

function checkManifest(bytes, d, device) {
	manifestLength(bytes);
	const m = coseMessage(bytes, SIGN1, -7, 8, 64);
	check(same(sha256(m.payload), d.manifestHash), "manifest hash");
	// A device without ECC trusts the manifest through binding 9.
	if (device.form !== "mac0") checkSign1(bytes, device.signer);
	const manifest = parseManifest(m.payload);
	checkMine(d, manifest, device);
	const ids = manifest.roles.get(device.role);
	check(ids, "role not in manifest");
	const mine = manifest.components.filter((c) => ids.includes(c.id));
	const list = (sealed) => JSON.stringify(
		mine.filter((c) => c.sealed === sealed).map((c) => c.id));
	check(list(true) === JSON.stringify(d.sealed.map((c) => c.id)) &&
	      list(false) === JSON.stringify(d.clear),
	      "components are not the role's");
	d.sealed.forEach((c) => {
		const entry = mine.find((e) => e.id === c.id);
		check(c.total <= entry.maxSize, "total-len past max-size");
	});
	return { ...manifest, mine };
}

// The kind is what the device has a key for, never what the input says.
async function openEnvelope(d, device) {
	check(d.kind === (device.kek ? 2 : 1), "another kind of recipient");
	if (device.kek) {
		const u = crypto.createDecipheriv("id-aes256-wrap", device.kek,
						  Buffer.alloc(8, 0xa6));
		try {
			return Buffer.concat([u.update(d.envelope), u.final()]);
		} catch {
			refuse("envelope");
		}
	}
	check(device.recipient, "this device has no sealing key");
	check(same(d.keyId, device.recipient.id), "sealed for another key");
	check(d.envelope[0] === 4, "enc is not an uncompressed point");
	const info = Buffer.concat([Buffer.from("provctl/seal-kem/v1\0"), d.bh]);
	try {
		const key = await suite.kem.importKey("jwk",
						      device.recipient.jwk,
						      false);
		return Buffer.from(await suite.open(
			{ recipientKey: key, enc: d.envelope.subarray(0, 65),
			  info },
			d.envelope.subarray(65)));
	} catch {
		refuse("envelope");
	}
}

function deriveKeys(d, bs, i) {
	const info = Buffer.concat([Buffer.from("provctl/seal/v1\0"), d.bh,
				    be(i, 2)]);
	const okm = expand(bs, info, 108);
	check(same(okm.subarray(0, 32), d.checks[i][0]), "commit");
	return { key: okm.subarray(32, 64), iv: okm.subarray(64, 76),
		 dk: okm.subarray(76) };
}

// Where every segment of every component stands, behind the clear components.
function planSegments(d, at) {
	const plan = [];
	d.sealed.forEach((c, i) => {
		const n = Math.ceil(c.total / c.chunk);
		for (let k = 0; k < n; k++) {
			const last = k === n - 1;
			const plain = last ? c.total - k * c.chunk : c.chunk;
			const head = Buffer.concat([
				Buffer.from("d08343a10103a10644", "hex"),
				be(k, 4),
				bstr(Buffer.alloc(plain + 16))
					.subarray(0, -(plain + 16))]);
			const length = head.length + plain + 16;
			plan.push({ i, k, last, plain, head, at, length });
			at += length;
		}
	});
	return { plan, end: at };
}

// One delivery: descriptor first, then segments in any order, then finish().
export class Session {
	constructor(device) {
		this.device = device;
	}

	async begin(manifest, descriptor) {
		const { device } = this;
		const signed = checkDescriptor(descriptor, device);
		const d = parsePayload(signed.payload);
		d.bh = sha256(d.raw);
		check(device.form !== "mac0" ||
		      (d.kind === 2 && same(signed.kid, d.keyId)),
		      "MAC by another master than binding 8 names");
		check(d.device === device.id, "another device");
		check(BigInt(d.seq) > device.seq, "seq is not above the counter");
		this.manifest = checkManifest(manifest, d, device);
		check(signed.notAfter === undefined ||
		      BigInt(signed.notAfter) === BigInt(this.manifest.notAfter),
		      "batch: claim 4 is not the manifest's not-after");
		const bs = await openEnvelope(d, device);
		this.keys = d.sealed.map((_, i) => deriveKeys(d, bs, i));
		this.staging = d.sealed.map((c) => Buffer.alloc(c.total));
		this.seen = new Set();
		this.clear = new Map();
		this.d = d;
	}

	clearComponent(i, bytes) {
		const id = this.d.clear[i];
		const entry = this.manifest.mine.find((c) => c.id === id);
		check(bytes.length >= 1 && bytes.length <= entry.maxSize &&
		      same(sha256(bytes), entry.digest), "clear component");
		this.clear.set(id, bytes);
	}

	segment(p, bytes) {
		const { bh } = this.d;
		check(bytes.length === p.length &&
		      same(bytes.subarray(0, p.head.length), p.head),
		      "segment header");
		const { key, iv } = this.keys[p.i];
		const nonce = Buffer.from(iv);
		be(p.k, 4).forEach((b, n) => { nonce[8 + n] ^= b; });
		const aad = array([tstr("Encrypt0"),
				   bstr(Buffer.from("a10103", "hex")),
				   bstr(Buffer.concat([bh, be(p.i, 2),
						       be(p.k, 4),
						       be(p.last ? 1 : 0, 1)]))]);
		const open = crypto.createDecipheriv("aes-256-gcm", key, nonce);
		open.setAAD(aad);
		open.setAuthTag(bytes.subarray(-16));
		let plain;
		try {
			plain = Buffer.concat([
				open.update(bytes.subarray(p.head.length, -16)),
				open.final()]);
		} catch {
			refuse("segment tag");
		}
		plain.copy(this.staging[p.i], p.k * this.d.sealed[p.i].chunk);
		this.seen.add(`${p.i}/${p.k}`);
	}

	finish(plan) {
		check(plan.every((p) => this.seen.has(`${p.i}/${p.k}`)),
		      "segments are missing");
		check(this.clear.size === this.d.clear.length,
		      "clear components are missing");
		this.staging.forEach((bytes, i) => {
			check(same(hmac(this.keys[i].dk, bytes),
				   this.d.checks[i][1]), "mac");
			checkContent(bytes, [1, 2, 3, 4, 5, 6, 7]);
		});
		this.clear.forEach((bytes) => checkContent(bytes, [3, 5, 7]));
	}
}

// Splits a container: items by their CBOR lengths, segments by arithmetic.
export function splitHead(bytes) {
	const manifest = bytes.subarray(0, itemLength(bytes));
	const at = manifest.length;
	const descriptor = bytes.subarray(at, at + itemLength(bytes, at));
	return { manifest, descriptor, next: at + descriptor.length };
}

// After begin(): clear components and the places of all segments.
export function splitRest(bytes, next, d) {
	const clear = d.clear.map(() => {
		const item = bytes.subarray(next, next + itemLength(bytes, next));
		const content = decodeStrict(item);
		check(isBytes(content), "clear component is not a bstr");
		next += item.length;
		return content;
	});
	const { plan, end } = planSegments(d, next);
	check(end === bytes.length, "segments missing, or bytes behind them");
	return { clear, plan };
}
