#!/bin/sh
# What devices are made with - templates, CAs, certificates of escrow targets -
# counts as the log says it, not as a row or a file does at the moment: nothing
# is issued with what nobody adopted (policy.md, "Trusting the store").
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/people.sh"
SQL=$builddir/tests/cli/sql

sql() {
	"$SQL" "$H/store.db" "pragma foreign_keys=off" "$@" 2>"$T/err" ||
		fail "sql: $(cat "$T/err")"
}

hex_of() {
	xxd -p "$1" | tr -d '\n'
}

# fresh: H becomes a new copy of the authority that was prepared.
copies=0
fresh() {
	[ "$copies" -eq 0 ] || rm -rf "$H"
	copies=$((copies + 1))
	H=$origin
	copy_authority "$T/copy$copies"
}

# keypair NAME: a backend's certificate and key in $T.
keypair() {
	openssl req -x509 -newkey rsa:2048 -nodes -keyout "$T/$1.key" \
		-out "$T/$1.pem" -subj "/CN=backend" -days 2 2>/dev/null ||
		fail "no certificate"
}

new_authority
origin=$H
printf 'FLEET-SECRET-4711' >"$T/value"
chmod 600 "$T/value"
expect_exit 0 "$PROVCTL" -C "$H" secret add fleet-key --from "$T/value"

case_start "the log says which trust anchor a device got"
fresh
new_device tls-client client-0000cafe
issue tls-client client-0000cafe -o "$T/c.pvb"
expect_equal "$rc" 0 "exit of issue"
p export chain --ca root | openssl x509 -outform DER >"$T/root.der"
p --json audit show --device client-0000cafe --type bundle.seal >"$T/story"
grep -q "\"anchors\":\"$(sha256sum <"$T/root.der" | cut -d ' ' -f 1)\"" \
	"$T/story" || fail "not the root: $(cat "$T/story")"
verify_audit

case_start "an edited template gets nobody a stored secret, a name or a year"
fresh
jq -c '.components.service.secrets = {"k": {"stored": "fleet-key"}} |
	.certificate.validity.days = 10950 |
	.certificate.extensions.subjectAltName = [{"dns": "vpn.victim.example"}]' \
	"$templates/tls-client.json" >"$T/evil.json"
sql "UPDATE template SET bytes = x'$(hex_of "$T/evil.json")', sha256 =
	x'$(sha256sum <"$T/evil.json" | cut -d ' ' -f 1)' WHERE name = 'tls-client'"
new_device tls-client client-0000beef
issue tls-client client-0000beef -o "$T/e.pvb"
expect_equal "$rc" 5 "exit of issue"
[ ! -e "$T/e.pvb" ] || fail "a bundle of an edited template"
expect_error 5 store.governance -C "$H" status
expect_error 5 store.governance -C "$H" audit verify

case_start "a template that nobody adopted is none"
fresh
sql "INSERT INTO template (name, version, sha256, adopted_ms, actor, bytes,
	adopt_index) SELECT 'evil', 1,
	x'$(sha256sum <"$T/evil.json" | cut -d ' ' -f 1)', adopted_ms, actor,
	x'$(hex_of "$T/evil.json")', adopt_index FROM template
	WHERE name = 'tls-client'"
expect_error 5 store.governance -C "$H" issue --template evil --device d-1
expect_error 5 store.governance -C "$H" status

case_start "the version in effect is the newest that was adopted"
H=$origin
copy_authority "$T/two"
jq '.version = 2 | .certificate.validity.days = 1' \
	"$templates/tls-client.json" >"$T/v2.json"
expect_exit 0 "$PROVCTL" -C "$H" policy adopt "$T/v2.json"
sql "DELETE FROM manifest WHERE template = (SELECT id FROM template WHERE
	name = 'tls-client' AND version = 2)" \
	"DELETE FROM template WHERE name = 'tls-client' AND version = 2"
issue tls-client client-0000beef -o "$T/e.pvb"
expect_equal "$rc" 5 "exit of issue"
expect_text store.governance

case_start "devices get the trust anchor that the authority made"
fresh
p export chain --ca issuing-1 >"$T/chain.pem"
cat >"$T/evil.cnf" <<-X
	[req]
	distinguished_name = dn
	[dn]
	[root]
	basicConstraints = critical,CA:TRUE
	keyUsage = critical,keyCertSign,cRLSign
	subjectKeyIdentifier = hash
	[below]
	basicConstraints = critical,CA:TRUE,pathlen:0
	keyUsage = critical,keyCertSign,cRLSign
	subjectKeyIdentifier = $(openssl x509 -in "$T/chain.pem" -noout \
		-ext subjectKeyIdentifier | tail -1 | tr -d ' ')
	authorityKeyIdentifier = keyid
X
{
	openssl ecparam -name prime256v1 -genkey -noout -out "$T/evil.key"
	openssl x509 -in "$T/chain.pem" -pubkey -noout >"$T/issuing.pub"
	openssl req -x509 -new -key "$T/evil.key" -subj "/CN=evil root" \
		-days 3650 -config "$T/evil.cnf" -extensions root \
		-out "$T/evil.pem"
	openssl req -new -key "$T/evil.key" -subj "/CN=x" -config "$T/evil.cnf" \
		-out "$T/evil.csr"
	openssl x509 -req -in "$T/evil.csr" -force_pubkey "$T/issuing.pub" \
		-subj "$(openssl x509 -in "$T/chain.pem" -noout -subject \
			-nameopt compat | sed 's/^subject=//')" \
		-CA "$T/evil.pem" -CAkey "$T/evil.key" -days 3000 \
		-extfile "$T/evil.cnf" -extensions below -out "$T/below.pem"
} >"$T/openssl" 2>&1 || fail "openssl: $(cat "$T/openssl")"
openssl x509 -in "$T/evil.pem" -outform DER -out "$T/evil.der"
openssl x509 -in "$T/below.pem" -outform DER -out "$T/below.der"
sql "UPDATE ca SET cert = x'$(hex_of "$T/evil.der")' WHERE name = 'root'" \
	"UPDATE ca SET cert = x'$(hex_of "$T/below.der")'
	WHERE name = 'issuing-1'"
issue tls-client client-0000beef -o "$T/e.pvb"
expect_equal "$rc" 5 "exit of issue"
expect_text store.edited
[ ! -e "$T/e.pvb" ] || fail "a bundle with another anchor"
expect_error 5 store.edited -C "$H" export chain --ca issuing-1
expect_error 5 store.edited -C "$H" export chain
expect_error 5 audit.ca -C "$H" audit verify

case_start "a CA has the name, the shards and the entries that it was made with"
for edit in "name = 'x' || name" "shards = 9" "issue_index = issue_index - 1" \
	"intent_index = issue_index"; do
	fresh
	sql "UPDATE ca SET $edit WHERE name IN ('root', 'issuing-1')"
	issue tls-client client-0000beef -o "$T/e.pvb"
	[ "$rc" -eq 5 ] || [ "$rc" -eq 10 ] || fail "issued with $edit"
	expect_error 5 "" -C "$H" audit verify
done

case_start "approvals name the first root, whatever the rows say"
fresh
officer_key alice
make_roster "$T/r1.json" 1 '"roster": 1' alice:security-officer
expect_exit 0 "$PROVCTL" -C "$H" officer roster "$T/r1.json"
make_roster "$T/r2.json" 2 '"roster": 1' alice:security-officer
expect_exit 11 "$PROVCTL" -C "$H" officer roster "$T/r2.json" \
	--request "$T/before"
sql "UPDATE ca SET parent = 'matter-paa' WHERE name = 'root'" \
	"UPDATE ca SET id = 99 WHERE name = 'root'"
expect_exit 11 "$PROVCTL" -C "$H" officer roster "$T/r2.json" \
	--request "$T/after"
expect_equal "$(jq -r .root "$T/after")" "$(jq -r .root "$T/before")" root
sql "UPDATE ca SET cert = (SELECT cert FROM ca WHERE name = 'matter-paa')
	WHERE name = 'root'"
expect_error 5 store.edited -C "$H" officer roster "$T/r2.json" \
	--request "$T/other"

case_start "what is escrowed goes to the backend that was adopted with it"
fresh
keypair backend
keypair mine
mkdir -p "$H/certs"
cp "$T/backend.pem" "$H/certs/backend.pem"
adopt_changed symmetric-sensor escrowed \
	-e 's|{"random": {"bytes": 48}}|{"random": {"bytes": 48}, "escrow": "backend"}|' \
	-e 's|"seal": {|"escrow": {"backend": "certs/backend.pem"}, &|'
cp "$T/mine.pem" "$H/certs/backend.pem"
expect_exit 0 "$PROVCTL" -C "$H" issue --template escrowed \
	--device S00000000CC -o "$T/x.pvb"
p export escrow --device S00000000CC -o "$T/e.cms" || fail "no escrow"
openssl cms -decrypt -inform DER -in "$T/e.cms" -recip "$T/mine.pem" \
	-inkey "$T/mine.key" -out "$T/plain" 2>/dev/null &&
	fail "another backend reads it"
openssl cms -decrypt -inform DER -in "$T/e.cms" -recip "$T/backend.pem" \
	-inkey "$T/backend.key" -out "$T/plain" 2>/dev/null ||
	fail "the backend cannot read it"
rm -r "$H/certs"
expect_exit 0 "$PROVCTL" -C "$H" issue --template escrowed \
	--device S00000000CD -o "$T/y.pvb"
verify_audit

case_start "nor does another certificate in the template's row get it"
openssl x509 -in "$T/mine.pem" -outform DER -out "$T/mine.der"
sql "UPDATE template SET escrow = x'$(hex_of "$T/mine.der")'
	WHERE name = 'escrowed'"
expect_error 5 store.governance -C "$H" issue --template escrowed \
	--device S00000000CE

case_start "a template can say which certificate it means"
fresh
mkdir -p "$H/certs"
cp "$T/mine.pem" "$H/certs/backend.pem"
digest=$(openssl x509 -in "$T/backend.pem" -outform DER | sha256sum |
	cut -d ' ' -f 1)
# pinned VERSION: in $T/pinned.json.
pinned() {
	jq -c --arg digest "$digest" --argjson version "$1" '.template = "pinned" |
		.version = $version |
		.components |= map_values(if .secrets then .secrets |=
		map_values(if .random then .escrow = "backend" else . end)
		else . end) | .escrow = {backend: {certificate:
		"certs/backend.pem", sha256: $digest}}' \
		"$templates/symmetric-sensor.json" >"$T/pinned.json"
}
pinned 1
expect_error 3 escrow.digest -C "$H" policy adopt "$T/pinned.json"
cp "$T/backend.pem" "$H/certs/backend.pem"
expect_exit 0 "$PROVCTL" -C "$H" policy adopt "$T/pinned.json"
expect_exit 0 "$PROVCTL" -C "$H" issue --template pinned \
	--device S00000000CC -o "$T/p.pvb"

# trusting VERSION TRUST: a template whose attestation.trust is that.
trusting() {
	jq -c --argjson version "$1" --argjson trust "$2" '.template = "trusting" |
		.version = $version | .attestation = {formats: ["dice"],
		lifecycle: ["secured"], trust: $trust}' \
		"$templates/symmetric-sensor.json" >"$T/trusting.json"
}

case_start "what evidence goes back to is pinned with the template"
mkdir -p "$H/anchors"
trusting 1 '["anchors/root.pem"]'
expect_error 10 '' -C "$H" policy adopt "$T/trusting.json"
echo "no certificate" >"$H/anchors/root.pem"
expect_error 3 trust.certificate -C "$H" policy adopt "$T/trusting.json"
cp "$T/backend.pem" "$H/anchors/root.pem"
trusting 1 "[{\"certificate\": \"anchors/root.pem\", \"sha256\": \"$(
	printf x | sha256sum | cut -d ' ' -f 1)\"}]"
expect_error 3 escrow.digest -C "$H" policy adopt "$T/trusting.json"
trusting 1 "[{\"certificate\": \"anchors/root.pem\", \"sha256\": \"$digest\"}]"
expect_exit 0 "$PROVCTL" -C "$H" policy adopt "$T/trusting.json"
rm -r "$H/anchors"
expect_exit 0 "$PROVCTL" -C "$H" issue --template trusting \
	--device S00000000CF -o "$T/q.pvb"
verify_audit
was=$H
copy_authority "$T/trusted"
openssl x509 -in "$T/mine.pem" -outform DER -out "$T/mine.der"
sql "UPDATE template SET trust = x'$(hex_of "$T/mine.der")'
	WHERE name = 'trusting'"
expect_error 5 store.governance -C "$H" issue --template trusting \
	--device S00000000D0
H=$was

case_start "under a roster it has to: officers approve the certificate with it"
expect_exit 0 "$PROVCTL" -C "$H" officer roster "$T/r1.json"
pinned 2
jq -c '.escrow = {backend: "certs/backend.pem"}' "$T/pinned.json" \
	>"$T/unpinned.json"
expect_error 3 template.escrow_unpinned -C "$H" policy adopt "$T/unpinned.json" \
	--request "$T/adopt.json"
[ ! -e "$T/adopt.json" ] || fail "approvals are asked for all the same"
expect_exit 11 "$PROVCTL" -C "$H" policy adopt "$T/pinned.json" \
	--request "$T/adopt.json"
approve alice "$T/adopt.json"
cp "$T/mine.pem" "$H/certs/backend.pem"
expect_error 3 escrow.digest -C "$H" policy adopt "$T/pinned.json" \
	--approval "$T/notes/alice.note"
cp "$T/backend.pem" "$H/certs/backend.pem"
expect_exit 0 "$PROVCTL" -C "$H" policy adopt "$T/pinned.json" \
	--approval "$T/notes/alice.note"
trusting 2 '["certs/backend.pem"]'
expect_error 3 template.trust_unpinned -C "$H" policy adopt "$T/trusting.json" \
	--request "$T/trusting.request"
verify_audit
tests_end
