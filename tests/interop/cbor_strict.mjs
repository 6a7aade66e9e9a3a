// Deterministic CBOR (RFC 8949 4.2.1) as formats.md asks for it: cborg decodes,
// and a walk of our own refuses what cborg would let pass: a longer form than
// needed, unsorted or doubled keys, too much nesting, trailing bytes.
import { decode, Tagged } from "cborg";

export class Refused extends Error {}

export function refuse(why) {
	throw new Refused(why);
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function compare(a, b) {
	return Buffer.compare(a, b);
}

// Head at `at`: major type, argument (BigInt), offset behind the head.
function head(bytes, at) {
	if (at >= bytes.length) refuse("CBOR ends early");
	const major = bytes[at] >> 5;
	const info = bytes[at] & 31;
	if (info < 24) return { major, info, arg: BigInt(info), next: at + 1 };
	if (info > 27) refuse("CBOR: indefinite length or reserved form");
	const size = 1 << (info - 24);
	if (at + 1 + size > bytes.length) refuse("CBOR ends early");
	let arg = 0n;
	for (let i = 1; i <= size; i++) arg = (arg << 8n) | BigInt(bytes[at + i]);
	const least = [24n, 1n << 8n, 1n << 16n, 1n << 32n][info - 24];
	if (major !== 7 && arg < least) refuse("CBOR: not the shortest form");
	return { major, info, arg, next: at + 1 + size };
}

function floatOf(h) {
	const view = new DataView(new ArrayBuffer(8));
	if (h.info === 26) {
		view.setUint32(0, Number(h.arg));
		return view.getFloat32(0);
	}
	if (h.info === 27) {
		view.setBigUint64(0, h.arg);
		return view.getFloat64(0);
	}
	const sign = h.arg >> 15n ? -1 : 1;
	const exp = Number((h.arg >> 10n) & 31n);
	const frac = Number(h.arg & 1023n);
	if (exp === 31) return frac ? NaN : sign * Infinity;
	return sign * (exp ? 2 ** (exp - 15) * (1 + frac / 1024)
			   : 2 ** -14 * (frac / 1024));
}

// Whether a binary16 holds v exactly.
function fitsHalf(v) {
	if (Number.isNaN(v) || !Number.isFinite(v) || v === 0) return true;
	let exp = Math.floor(Math.log2(Math.abs(v)));
	if (2 ** exp > Math.abs(v)) exp--;
	if (exp > 15) return false;
	const unit = 2 ** (Math.max(exp, -14) - 10);
	return Number.isInteger(v / unit);
}

function walkSimple(h) {
	if (h.info < 20 || h.info > 27 || h.info === 23 || h.info === 24)
		refuse("CBOR: a simple value we do not use");
	if (h.info < 23) return;
	const v = floatOf(h);
	if (Number.isNaN(v) && !(h.info === 25 && h.arg === 0x7e00n))
		refuse("CBOR: another NaN than 7e00");
	if (h.info === 27 && Math.fround(v) === v)
		refuse("CBOR: not the shortest float");
	if (h.info === 26 && fitsHalf(v)) refuse("CBOR: not the shortest float");
}

function walkMap(bytes, h, depth) {
	let at = h.next;
	let last = null;
	for (let n = h.arg; n > 0n; n--) {
		const end = walk(bytes, at, depth);
		const key = bytes.subarray(at, end);
		if (last && compare(last, key) >= 0)
			refuse("CBOR: keys unsorted or doubled");
		last = key;
		at = walk(bytes, end, depth);
	}
	return at;
}

// Offset behind the item at `at`.
function walk(bytes, at, depth) {
	const h = head(bytes, at);
	if (h.major >= 4 && h.major <= 6 && depth === 0)
		refuse("CBOR: nested too deeply");
	if (h.major <= 1) return h.next;
	if (h.major <= 3) {
		if (h.arg > BigInt(bytes.length - h.next))
			refuse("CBOR ends early");
		const end = h.next + Number(h.arg);
		if (h.major === 3) {
			try {
				utf8.decode(bytes.subarray(h.next, end));
			} catch {
				refuse("CBOR: text is not UTF-8");
			}
		}
		return end;
	}
	if (h.major === 5) return walkMap(bytes, h, depth - 1);
	if (h.major === 7) {
		walkSimple(h);
		return h.next;
	}
	let next = h.next;
	for (let n = h.major === 6 ? 1n : h.arg; n > 0n; n--)
		next = walk(bytes, next, depth - 1);
	return next;
}

// Length of the first item of a sequence.
export function itemLength(bytes, at = 0, depth = 8) {
	return walk(bytes, at, depth) - at;
}

// One item and nothing behind it. Maps become Map; COSE tags become Tagged.
export function decodeStrict(bytes, depth = 8) {
	if (itemLength(bytes, 0, depth) !== bytes.length)
		refuse("bytes behind the CBOR item");
	try {
		return decode(bytes, {
			useMaps: true,
			strict: true,
			allowIndefinite: false,
			allowUndefined: false,
			rejectDuplicateMapKeys: true,
			tags: Tagged.preserve(16, 17, 18),
		});
	} catch (e) {
		refuse(`CBOR: ${e.message}`);
	}
}

function encodeHead(major, n) {
	if (n < 24) return Buffer.from([(major << 5) | n]);
	if (n < 256) return Buffer.from([(major << 5) | 24, n]);
	const b = Buffer.alloc(n < 65536 ? 3 : 5);
	b[0] = (major << 5) | (n < 65536 ? 25 : 26);
	if (n < 65536) b.writeUInt16BE(n, 1);
	else b.writeUInt32BE(n, 1);
	return b;
}

export const bstr = (bytes) =>
	Buffer.concat([encodeHead(2, bytes.length), bytes]);
export const tstr = (text) =>
	Buffer.concat([encodeHead(3, Buffer.byteLength(text)),
		       Buffer.from(text)]);
export const array = (items) =>
	Buffer.concat([encodeHead(4, items.length), ...items]);
