// verify_proof.mjs PROOF VKEY CERT: was this certificate (PEM) logged? Nothing
// but the three files and Node itself; it shares nothing with lib/log.
import { createHash, createPublicKey, verify, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";

const [proof, vkey, cert] = process.argv.slice(2).map((f) => readFileSync(f));
const sha256 = (...parts) => createHash("sha256").update(Buffer.concat(parts)).digest();
const must = (ok, what) => { if (!ok) throw new Error(what); };
const b64 = (s) => Buffer.from(s, "base64");

const [, head, text, sigs] = /^(.*?)\n\n(.*?\n)\n(.*)$/s.exec(proof);
const [magic, extra, index, ...path] = head.split("\n");
must(magic === "c2sp.org/tlog-proof@v1", "form");
const [origin, size, root] = text.split("\n");
const [, name, id, key] = /^([^+]+)\+([0-9a-f]{8})\+(\S+)\n$/.exec(vkey);
must(name === origin && b64(key)[0] === 1, "another log");
const spki = Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), b64(key).subarray(1)]);
const signed = sigs.split("\n").map((l) => l.split(" ")).filter(([, n]) => n === name)
	.map(([, , s]) => b64(s)).find((s) => s.subarray(0, 4).toString("hex") === id);
must(signed && verify(null, Buffer.from(text), createPublicKey({ key: spki, format: "der", type: "spki" }),
	signed.subarray(4)), "signature");
const entry = b64(/^extra (\S+)$/.exec(extra)[1]);
let hash = sha256(Buffer.of(0), entry);
let [n, last] = [BigInt(/^index (\d+)$/.exec(index)[1]), BigInt(size) - 1n];
must(n <= last, "index");
for (const p of path.map(b64)) { // RFC 9162 2.1.3.2
	must(last > 0n, "length");
	if (n & 1n || n === last) {
		hash = sha256(Buffer.of(1), p, hash);
		while (!(n & 1n) && n) { n >>= 1n; last >>= 1n; }
	} else hash = sha256(Buffer.of(1), hash, p);
	n >>= 1n; last >>= 1n;
}
must(last === 0n && hash.equals(b64(root)), "root");
const fact = Buffer.concat([Buffer.from("dcert"), Buffer.of(0x58, 32), sha256(new X509Certificate(cert).raw)]);
must(entry.subarray(0, 13).equals(Buffer.from("\xa5\x01jcert.issue", "latin1")) && entry.includes(fact), "certificate");
console.log(`logged: entry ${/\d+/.exec(index)} of ${size} in ${origin}`);
