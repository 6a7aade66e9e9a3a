// verify_checkpoint.mjs PROOF KEY: a .tlog-proof's checkpoint and entry, held
// against the log's ECDSA P-256 key (PEM) by the code that npm's own clients
// verify Rekor's log with (@sigstore/verify). Of ours is the splitting of the
// file alone. Theirs: the note's and the checkpoint's form, the key by its id
// (first 4 bytes of SHA-256 of the SPKI, which is formats.md 6), the signature
// over the text, the root, and the entry's inclusion. That package refuses a
// line of a key that it does not know, where c2sp.org/signed-note says that it
// is ignored: such lines are left out before.
import { createHash, createPublicKey } from "node:crypto";
import { readFileSync } from "node:fs";
import { verifyTLogTimestamp } from "@sigstore/verify/dist/timestamp/index.js";

const [file, pem] = process.argv.slice(2).map((f) => readFileSync(f, "utf8"));
const publicKey = createPublicKey(pem);
const logID = createHash("sha256")
	.update(publicKey.export({ format: "der", type: "spki" })).digest();
const b64 = (s) => Buffer.from(s, "base64");

const [head, text, sigs] = file.split("\n\n");
const [magic, extra, index, ...path] = head.split("\n");
const [origin, size, root] = text.split("\n");
if (magic !== "c2sp.org/tlog-proof@v1") throw new Error("form");
const known = sigs.split("\n").filter((line) =>
	b64(line.split(" ")[2] ?? "").subarray(0, 4).equals(logID.subarray(0, 4)));

verifyTLogTimestamp({
	logId: { keyId: logID },
	integratedTime: "0",
	canonicalizedBody: b64(extra.replace("extra ", "")),
	inclusionProof: {
		logIndex: index.replace("index ", ""),
		treeSize: size,
		rootHash: b64(root),
		hashes: path.map(b64),
		checkpoint: { envelope: `${text}\n\n${known.map((l) => l + "\n").join("")}` },
	},
}, [{ logID, publicKey, validFor: { start: new Date(0), end: new Date() } }]);
console.log(`logged: entry ${index.replace("index ", "")} of ${size} in ${origin}`);
