// verify_proof.mjs PROOF VKEY CERT: was this certificate (PEM) logged? Nothing
// but the three files and Node itself; it shares nothing with lib/log.
import { createHash, createPublicKey, verify, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
if (process.argv.length !== 5) {
	console.error("usage: node verify_proof.mjs PROOF VKEY CERT (three files)");
	process.exit(2);
}
const [proof, vkey, cert] = process.argv.slice(2).map((f) => readFileSync(f, "utf8"));
const [b64, bytes] = ["base64", "latin1"].map((as) => (s) => Buffer.from(s, as));
const sha256 = (...parts) => createHash("sha256").update(Buffer.concat(parts)).digest();
const must = (ok, what) => { if (!ok) throw new Error(what); return ok; };
const [, extra, index, path, text, origin, size, root, sigs] = must(
	/^c2sp\.org\/tlog-proof@v1\nextra (\S+)\nindex (\d+)\n((?:\S+\n)*)\n((\S+)\n(\d+)\n(\S+)\n)\n([^]+)$/.exec(proof), "form");
const [, name, id, key] = must(/^([^+]+)\+(\w{8})\+(\S+)\n?$/.exec(vkey), "key: VKEY is no verifier key line");
const sig = sigs.split("\n").filter((l) => l.startsWith(`— ${name} `)).map((l) => b64(l.split(" ")[2])).find((s) => s.toString("hex").startsWith(id));
const jwk = { kty: "OKP", crv: "Ed25519", x: b64(key).subarray(1).toString("base64url") }; // behind the type, 1
must(name === origin && b64(key)[0] === 1 && sig && verify(null, Buffer.from(text), createPublicKey({ key: jwk, format: "jwk" }), sig.subarray(4)), "signature");
let [hash, n, last] = [sha256(bytes("\x00"), b64(extra)), BigInt(index), must(BigInt(size), "empty") - 1n];
for (const p of must(n <= last, "index") && path.split("\n").slice(0, -1).map(b64)) { // RFC 9162 2.1.3.2
	const right = must(last > 0n, "length") && (n & 1n || n === last);
	hash = sha256(bytes("\x01"), ...(right ? [p, hash] : [hash, p]));
	for (; right && n && !(n & 1n); last >>= 1n) n >>= 1n;
	[n, last] = [n >> 1n, last >> 1n];
}
must(last === 0n && hash.equals(b64(root)), "root");
const fact = Buffer.concat([bytes("dcert\x58\x20"), sha256(new X509Certificate(cert).raw)]); // the entry's hash of it
must(b64(extra).includes(fact) && b64(extra).indexOf(bytes("\xa5\x01jcert.issue")) === 0, "certificate");
console.log(`logged: entry ${index} of ${size} in ${origin}`);
