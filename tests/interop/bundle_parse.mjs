// The payloads of provctl-bundle(5) with every limit of it:
// binding, descriptor payload, manifest, batch claims and component contents.
// Nothing here is cryptography; every refusal is a Refused.
import { decodeStrict, itemLength, refuse } from "./cbor_strict.mjs";

const MAX_SIZE = 2 ** 31;
const MANIFEST_MAX = 65536;
const PAYLOAD_MAX = 16384;

export const check = (ok, why) => ok || refuse(why);
export const isBytes = (v, len) => v instanceof Uint8Array &&
	(len === undefined || v.length === len);
export const isUint = (v) => (typeof v === "number" &&
	Number.isSafeInteger(v) && v >= 0) || (typeof v === "bigint" && v >= 0n);
const isCount = (v, max) => isUint(v) && v >= 1 && BigInt(v) <= max;
const SEQ_MAX = (1n << 63n) - 1n;
const isSize = (v) => isCount(v, BigInt(MAX_SIZE));
// Device-id, component-id, role, stage.
const isName = (v) => typeof v === "string" &&
	/^[\x21-\x2e\x30-\x7e]{1,64}$/.test(v) && !/^[.-]/.test(v);
const isText = (v, max) => typeof v === "string" && v !== "" &&
	Buffer.byteLength(v) <= max && !v.includes("\0");
const isList = (v, max) => Array.isArray(v) && v.length >= 1 &&
	v.length <= max;
const isOnce = (list) => new Set(list).size === list.length;

export function isKeys(map, keys) {
	return map instanceof Map && map.size === keys.length &&
		keys.every((k) => map.has(k));
}

export function parseClaims(claims) {
	check(isKeys(claims, [1, 2, 4, 6, -70004]) &&
	      isText(claims.get(1), 64) &&
	      claims.get(2) === "provctl/seal-batch/v1" &&
	      isUint(claims.get(4)) && isUint(claims.get(6)) &&
	      claims.get(6) <= claims.get(4), "batch: claims");
	const size = claims.get(-70004);
	check(isUint(size) && size >= 2 && size <= 65536, "batch: tree-size");
	return { notAfter: claims.get(4), size };
}

function sealedEntry(e) {
	check(Array.isArray(e) && e.length === 3 && isName(e[0]) &&
	      [256, 512, 1024, 2048, 4096].includes(e[1]) && isSize(e[2]),
	      "binding: key 6");
	return { id: e[0], chunk: e[1], total: e[2] };
}

function parseBinding(bytes) {
	const m = decodeStrict(bytes, 7);
	check(m instanceof Map, "binding: not a map");
	const keys = [1, 2, 3, 4, 5, 6, 7, 8, 9];
	check(isKeys(m, m.has(10) ? [...keys, 10] : keys), "binding: keys");
	check(m.get(1) === "provctl-bundle-1" && isBytes(m.get(2), 16) &&
	      isName(m.get(3)) && isName(m.get(4)) &&
	      isCount(m.get(5), SEQ_MAX) && isBytes(m.get(9), 32) &&
	      (!m.has(10) || isBytes(m.get(10), 32)), "binding: a field");
	const clear = m.get(7);
	check(isList(m.get(6), 16) && Array.isArray(clear) &&
	      clear.every(isName), "binding: keys 6 and 7");
	const sealed = m.get(6).map(sealedEntry);
	check(sealed.length + clear.length <= 16 &&
	      isOnce([...sealed.map((c) => c.id), ...clear]),
	      "binding: keys 6 and 7");
	const to = m.get(8);
	check(Array.isArray(to) && to.length === 2 &&
	      ((to[0] === 1 && isBytes(to[1], 32)) ||
	       (to[0] === 2 && isBytes(to[1], 16))), "binding: key 8");
	return { bundleId: m.get(2), device: m.get(3), role: m.get(4),
		 seq: m.get(5), sealed, clear, kind: to[0], keyId: to[1],
		 manifestHash: m.get(9), evidence: m.get(10) };
}

// raw: the binding's bytes as they stand, which are what is hashed.
export function parsePayload(bytes) {
	check(bytes.length <= PAYLOAD_MAX, "descriptor: too long");
	const p = decodeStrict(bytes);
	check(Array.isArray(p) && p.length === 3, "descriptor: not three parts");
	// Behind the array's one-byte head.
	const raw = bytes.subarray(1, 1 + itemLength(bytes, 1, 7));
	const binding = parseBinding(raw);
	check(isBytes(p[1], binding.kind === 1 ? 113 : 40),
	      "descriptor: envelope");
	check(Array.isArray(p[2]) && p[2].length === binding.sealed.length &&
	      p[2].every((c) => Array.isArray(c) && c.length === 2 &&
			 isBytes(c[0], 32) && isBytes(c[1], 32)),
	      "descriptor: commit and mac");
	return { ...binding, raw, envelope: p[1], checks: p[2] };
}

function parseComponent(c) {
	check(c instanceof Map && typeof c.get(4) === "boolean",
	      "manifest: component");
	check(isKeys(c, c.get(4) ? [1, 2, 3, 4, 6] : [1, 2, 3, 4, 5, 6]) &&
	      isName(c.get(1)) && isText(c.get(2), 64) &&
	      isText(c.get(3), 64) && (c.get(4) || isBytes(c.get(5), 32)),
	      "manifest: component");
	check(isSize(c.get(6)), "manifest: max-size");
	return { id: c.get(1), sealed: c.get(4), digest: c.get(5),
		 maxSize: c.get(6) };
}

function checkRoles(roles, components) {
	const ids = components.map((c) => c.id);
	check(roles instanceof Map && roles.size >= 1 && roles.size <= 16,
	      "manifest: roles");
	for (const [name, list] of roles)
		check(isName(name) && isList(list, 16) && isOnce(list) &&
		      list.every((id) => ids.includes(id)),
		      "manifest: a role's list");
}

export function parseManifest(payload) {
	const m = decodeStrict(payload);
	check(isKeys(m, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]), "manifest: keys");
	check(m.get(1) === "provctl-manifest-1" && isBytes(m.get(2), 16) &&
	      isBytes(m.get(3), 16) && isText(m.get(8), 255) &&
	      isName(m.get(10)), "manifest: a field");
	check(isCount(m.get(4), SEQ_MAX), "manifest: sequence");
	check(isUint(m.get(5)) && isUint(m.get(6)) && m.get(5) <= m.get(6),
	      "manifest: not-before and not-after");
	check(isList(m.get(7), 16), "manifest: components");
	const components = m.get(7).map(parseComponent);
	check(isOnce(components.map((c) => c.id)),
	      "manifest: a component stands twice");
	checkRoles(m.get(9), components);
	return { vendor: m.get(2), classId: m.get(3), sequence: m.get(4),
		 notAfter: m.get(6), components, roles: m.get(9),
		 stage: m.get(10) };
}

export function manifestLength(bytes) {
	check(bytes.length <= MANIFEST_MAX, "manifest: too long");
}

const isMapOf = (v, least) => v instanceof Map && v.size >= 1 &&
	v.size <= 16 && [...v].every(([k, b]) => isText(k, 255) &&
		isBytes(b) && b.length >= least);
const isSome = (v) => isBytes(v) && v.length > 0;
const isListOfBytes = (v) => isList(v, 16) && v.every(isSome);

// {1: bstr, 2: [bstr], 3: [bstr], 4: bstr, 5: any, 6: {}, 7: {}}, none empty
export function checkContent(bytes, allowed) {
	const m = decodeStrict(bytes, 17);
	const form = { 1: isSome, 2: isListOfBytes, 3: isListOfBytes,
		       4: isSome, 5: () => true, 6: (v) => isMapOf(v, 1),
		       7: (v) => isMapOf(v, 0) };
	check(m instanceof Map && m.size > 0, "content: not a map");
	for (const [k, v] of m)
		check(allowed.includes(k) && form[k](v), "content: a field");
}
