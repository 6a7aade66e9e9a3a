#!/bin/sh
# A token with both of the log's keys, Ed25519 and P-256: a checkpoint has a
# line of each, either is enough, a wrong one is refused though the other is
# true; OpenSSL and an npm package verify them.
. "$(dirname "$0")/../lib.sh"

plan=$templates/plans/softhsm-demo.json
sed '/"purpose": "log"/{
s/"Ed25519 or P-256"/"Ed25519"/
a\    {"step": "generate-key", "purpose": "log-ecdsa", "kind": "P-256"},
}' "$plan" >"$plan.both"
mv "$plan.both" "$plan"
new_authority
for purpose in log log-ecdsa; do
	p export key --purpose "$purpose" >"$T/$purpose.pem"
	p export key --purpose "$purpose" --vkey >"$T/$purpose.vkey"
done
new_device tls-client client-00000001
issue tls-client client-00000001
json_field certificate "$T/out" >"$T/1.pem"
p export proof --device client-00000001 >"$T/1.tlog-proof"
p -q export log --out "$T/log" >"$T/out"

lines() {
	grep -c '^— acme ' "$1"
}

# line VKEY FILE: the signature's line of that key.
line() {
	cut -d + -f 2 "$1" >"$T/id"
	grep '^— acme ' "$2" | while read -r dash name sig; do
		[ "$(printf '%s' "$sig" | base64 -d | head -c 4 |
			od -An -tx1 | tr -d ' \n')" != "$(cat "$T/id")" ] ||
			printf '%s %s %s\n' "$dash" "$name" "$sig"
	done
}

# changed VKEY FROM TO: one bit of that key's signature is another.
changed() {
	line "$1" "$2" >"$T/line"
	sed 's/.* //' "$T/line" | base64 -d >"$T/raw"
	printf '%s' "$(tail -c 1 "$T/raw" | od -An -tu1)" >"$T/last"
	head -c -1 "$T/raw" >"$T/cut"
	# shellcheck disable=SC2059  # an octal byte
	printf "\\$(printf %03o $(($(cat "$T/last") ^ 1)))" >>"$T/cut"
	awk -v was="$(cat "$T/line")" \
		-v now="— acme $(base64 -w 0 "$T/cut")" \
		'{ print $0 == was ? now : $0 }' "$2" >"$3"
	if cmp -s "$2" "$3"; then
		fail "nothing was changed"
	fi
}

case_start "two lines, each true by somebody else's verification"
for file in "$H/checkpoint" "$T/log/checkpoint"; do
	expect_equal "$(lines "$file")" 2 "lines in $file"
	awk '/^$/ { exit } { print }' "$file" >"$T/body"
	line "$T/log.vkey" "$file" | sed 's/.* //' | base64 -d |
		tail -c +5 >"$T/sig"
	openssl pkeyutl -verify -pubin -inkey "$T/log.pem" -rawin \
		-in "$T/body" -sigfile "$T/sig" >"$T/out" 2>&1 ||
		fail "Ed25519: $(cat "$T/out")"
	line "$T/log-ecdsa.vkey" "$file" | sed 's/.* //' | base64 -d |
		tail -c +5 >"$T/sig"
	openssl dgst -sha256 -verify "$T/log-ecdsa.pem" \
		-signature "$T/sig" "$T/body" >"$T/out" 2>&1 ||
		fail "ECDSA: $(cat "$T/out")"
done

case_start "either key is enough for who reads the folder"
for key in log log-ecdsa; do
	expect_exit 0 "$PROVCTL" audit verify --log "$T/log" \
		--key "$(cat "$T/$key.vkey")"
done
expect_exit 0 "$PROVCTL" -C "$H" audit verify --log "$T/log"
verify_audit

case_start "one wrong line is refused, though the other is true"
for key in log log-ecdsa; do
	cp "$H/checkpoint" "$T/good"
	changed "$T/$key.vkey" "$T/good" "$H/checkpoint"
	expect_error 5 note.signature -C "$H" status
	cp "$T/good" "$H/checkpoint"
	cp -R "$T/log" "$T/bad"
	changed "$T/$key.vkey" "$T/log/checkpoint" "$T/bad/checkpoint"
	expect_error 5 note.signature audit verify --log "$T/bad" \
		--key "$(cat "$T/log.vkey")" --key "$(cat "$T/log-ecdsa.vkey")"
	rm -rf "$T/bad"
done

case_start "a line that is gone leaves the other; both gone, nothing"
cp -R "$T/log" "$T/bad"
line "$T/log.vkey" "$T/log/checkpoint" >"$T/line"
grep -v -F -x -f "$T/line" "$T/log/checkpoint" >"$T/bad/checkpoint"
expect_exit 0 "$PROVCTL" audit verify --log "$T/bad" \
	--key "$(cat "$T/log-ecdsa.vkey")"
expect_error 5 log.checkpoint audit verify --log "$T/bad" \
	--key "$(cat "$T/log.vkey")"

case_start "a key of another purpose signed it: not the log's"
p export key --purpose bundle >"$T/bundle.pem"
p export key --purpose bundle --vkey >"$T/bundle.vkey"
expect_error 5 log.checkpoint audit verify --log "$T/log" \
	--key "$(cat "$T/bundle.vkey")"

# logged PROOF KEY: by @sigstore/verify; rc, $T/out, $T/err.
logged() {
	run node "$srcdir/tests/interop/verify_checkpoint.mjs" "$1" "$2"
}
not_logged() {
	logged "$1" "$2"
	[ "$rc" -ne 0 ] || fail "verified: $3"
	expect_text "TLOG_INCLUSION_PROOF_ERROR"
	expect_text "$4"
}

case_start "an npm package verifies the ECDSA line and the proof under it"
if ! command -v node >/dev/null; then
	skip_case "no node"
elif [ ! -d "$srcdir/tests/interop/node_modules/@sigstore/verify" ]; then
	skip_case "run npm ci in tests/interop"
else
	logged "$T/1.tlog-proof" "$T/log-ecdsa.pem"
	expect_equal "$rc" 0 "exit of @sigstore/verify"
	sed '1,/^$/d' "$T/1.tlog-proof" >"$T/note"
	expect_text "of $(sed -n 2p "$T/note") in acme"
	signature="invalid checkpoint signature"
	changed "$T/log-ecdsa.vkey" "$T/1.tlog-proof" "$T/bad.tlog-proof"
	not_logged "$T/bad.tlog-proof" "$T/log-ecdsa.pem" "a flipped bit" \
		"$signature"
	sed 's/^acme$/acmf/' "$T/1.tlog-proof" >"$T/bad.tlog-proof"
	not_logged "$T/bad.tlog-proof" "$T/log-ecdsa.pem" "another origin" \
		"$signature"
	not_logged "$T/1.tlog-proof" "$T/bundle.pem" "another key" \
		"no signatures found"
	sed 's/^index .*/index 3/' "$T/1.tlog-proof" >"$T/bad.tlog-proof"
	not_logged "$T/bad.tlog-proof" "$T/log-ecdsa.pem" "another entry" hash
fi

tests_end
