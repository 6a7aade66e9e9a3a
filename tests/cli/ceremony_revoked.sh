#!/bin/sh
# A CA that was revoked, or one above it was, signs no other CA in a ceremony,
# and no generation vouches for one that was: also where it was revoked while
# people were looking at what is to be signed.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/later.sh"
command -v expect >/dev/null || {
	echo "ok - ceremony_revoked: # SKIP no expect for a terminal"
	exit 77
}

cp "$srcdir/templates/issuing-ca.json" "$templates/issuing-ca.json"
# mid may have CAs below it: low, and sub, whose key is elsewhere.
jq '.template = "mid-ca" | .certificate.subject[1].CN = "Mid CA" |
	.certificate.extensions.basicConstraints.pathLen = 1' \
	"$srcdir/templates/issuing-ca.json" >"$templates/mid-ca.json"
for name in low sub; do
	jq --arg name "$name" '.template = $name + "-ca" |
		.certificate.issuer = "mid" |
		.certificate.subject[1].CN = $name + " CA"' \
		"$srcdir/templates/issuing-ca.json" >"$templates/$name-ca.json"
done
ca() {
	echo "{\"step\": \"issue-ca\", \"ca\": \"$1\", \"issuer\": \"$2\", \"template\": \"$3\"}"
}

# revoked CA GENERATION
revoked() {
	expect_exit 0 "$PROVCTL" -C "$H" revoke --ca "$1" --generation "$2" \
		--reason keyCompromise
}

certificates() {
	"$PROVCTL" -C "$H" --json audit show --type cert.issue | wc -l
}

plan first '{"step": "init-token"}' "$(key root P-256)" \
	"$(key issuing-1 P-256)" "$(key mid P-256)" "$(key bundle P-256)" \
	"$(key log P-256)" "$(key kdf AES-256)" "$(key store AES-256)" \
	'{"step": "self-signed", "ca": "root", "template": "root-ca"}' \
	"$(ca issuing-1 root issuing-ca)" "$(ca mid root mid-ca)" \
	'{"step": "adopt", "template": "tls-client"}'
begin_authority
plan roll "$(key issuing-1 P-256)" "$(ca issuing-1 root issuing-ca)"
both roll
plan cross '{"step": "cross-sign", "ca": "issuing-1"}'
rehearse cross
plan low "$(key low P-256)" "$(ca low mid low-ca)"
rehearse low
M=$T/medium
mkdir -p "$M/other"
openssl ecparam -name prime256v1 -genkey -noout -out "$T/sub.key"
openssl req -new -key "$T/sub.key" -subj "/O=acme/CN=sub CA" \
	-out "$M/other/sub.csr"
(cd "$M/other" && sha256sum sub.csr >SHA256SUMS)
plan sub '{"step": "sign-csr", "ca": "sub", "issuer": "mid", "template": "sub-ca", "from": "other"}'
expect_exit 0 "$PROVCTL" ceremony rehearse "$T/sub.json" --home "$R" \
	--templates "$templates" --media "$M"
rm -rf "$M/acme"

case_start "revoked while people look: it is not signed"
{
	printf '[yes/stop]\tyes\n[yes/stop]\tyes\n'
	printf 'as it was just shown? [yes/stop]\t!%s -C %s revoke --ca mid' \
		"$PROVCTL" "$H"
	printf ' --reason keyCompromise >%s 2>&1\n' "$T/revoked"
} >"$T/script"
before=$(certificates)
TERM=xterm timeout 60 expect "$srcdir/tests/cli/room.exp" "$T/script" \
	"$PROVCTL" -C "$H" ceremony run "$T/low.json" --rehearsal "$R" \
	--templates "$templates" >"$T/out" 2>"$T/err"
rc=$?
cp "$T/out" "$T/err"
grep -q '"status":"revoked"' "$T/revoked" || fail "$(cat "$T/revoked")"
expect_rc 4 "mid was revoked meanwhile"
rule_is ca.revoked
expect_equal "$(certificates)" "$before" certificates

case_start "gone on with: refused again"
ceremony resume low
expect_rc 4 "mid is revoked"
rule_is ca.revoked
expect_equal "$(certificates)" "$before" certificates

case_start "no request is signed under it"
ceremony run sub --media "$M"
expect_rc 4 "mid is revoked"
rule_is ca.revoked
[ -z "$(find "$M" -name '*.pem')" ] || fail "a certificate is on the medium"
expect_equal "$(certificates)" "$before" certificates

case_start "nobody vouches for a generation that was revoked"
revoked issuing-1 2
ceremony run cross
expect_rc 4 "the newest is revoked"
rule_is ca.revoked
[ -z "$(find "$H" -name '*-by-*')" ] || fail "a cross-certificate was made"
expect_equal "$(certificates)" "$before" certificates
expect_exit 0 "$PROVCTL" -C "$H" audit verify

case_start "a list is shown with what it revokes before people say yes"
serial_of() {
	openssl x509 -in "$(find "$H/ceremonies/$1-1" -name "$2*.pem" |
		head -n 1)" -noout -serial | sed 's/serial=//' | tr A-F a-f
}
# Recorded where the root's key is not at hand: the next list has it.
run env SOFTHSM2_CONF=/dev/null "$PROVCTL" -C "$H" revoke --ca issuing-1 \
	--generation 1 --reason superseded
[ "$rc" -ne 0 ] || fail "a list was signed without a token"
plan list '{"step": "sign-crl", "ca": "root"}'
rehearse list
ceremony run list
expect_rc 0 "a list by people"
sed '/Sign the revocation list root/,$d' "$T/err" >"$T/before"
for entry in "new: $(serial_of first issuing-1) 20.*Z superseded" \
	"as before: $(serial_of first mid) 20.*Z keyCompromise" \
	"as before: $(serial_of roll issuing-1) 20.*Z keyCompromise"; do
	grep -q "$entry\$" "$T/before" || fail "nobody was told: $entry"
done

tests_end
