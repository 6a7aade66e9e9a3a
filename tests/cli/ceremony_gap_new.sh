#!/bin/sh
# Some years behind the first ceremonies: the issuing authority gets a second
# CA, of another name, whose first certificate the offline root signs over
# another medium. Devices are made below both. Later it gets its next key.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/gap.sh"

jq '.template = "tls-client-2" | .certificate.issuer = "issuing-2"' \
	"$templates/tls-client.json" >"$templates/tls-client-2.json"

# unfit SIDE CODE RULE STEPS: a plan that does not fit what is there.
unfit() {
	printf '{"plan": "unfit", "version": 1, "steps": [%s]}\n' "$4" \
		>"$T/unfit.json"
	bind_plan "$T/unfit.json" "$templates"
	expect_error "$2" "$3" ceremony rehearse "$T/unfit.json" --home \
		"$T/rehearsal-$1" --templates "$templates" --media "$T/rehearsed"
}

case_start "the first ceremonies"
first_ceremonies
device 1 tls-client "$old"

case_start "plans that do not fit what is there"
key='{"step": "generate-key", "purpose": "issuing-2", "kind": "P-256"}'
csr='{"step": "make-csr", "ca": "issuing-2", "template": "issuing-2-ca", "to": "acme-root"}'
unfit issuing 10 plan.unknown "$key, $csr"
unfit issuing 10 plan.unknown "$key, $csr,
	{\"step\": \"import-ca\", \"ca\": \"issuing-2\", \"issuer\": \"other\", \"from\": \"acme-root\"}"
unfit issuing 3 plan.issuer "$key, $csr,
	{\"step\": \"import-ca\", \"ca\": \"issuing-2\", \"issuer\": \"issuing-1\", \"from\": \"acme-root\"}"
unfit root 3 plan.issuer "$key, $csr,
	{\"step\": \"import-ca\", \"ca\": \"issuing-2\", \"issuer\": \"root\", \"from\": \"acme-root\"}"
unfit root 3 plan.issuer "$key, $csr,
	{\"step\": \"import-ca\", \"ca\": \"issuing-2\", \"issuer\": \"issuing-1\", \"from\": \"acme-root\"}"

case_start "both new plans, explained and rehearsed"
new_plans
expect_exit 0 "$PROVCTL" ceremony explain "$issuing_plan"
expect_text "Make a request for the certificate of CA \"issuing-2\""
rehearse_next

case_start "asked for; the authority issues meanwhile as before"
mkdir "$T/media"
later_ends 10 media.file run issuing
csr=$T/media/acme-issuing/issuing-2.csr
openssl req -in "$csr" -noout -verify >"$T/out" 2>&1 ||
	fail "OpenSSL: $(cat "$T/out")"
openssl req -in "$csr" -noout -pubkey >"$T/new.pub"
device 2 tls-client "$old"
expect_exit 0 "$PROVCTL" -C "$I" audit verify

case_start "the root signs it as the first of its name"
later_ends 0 '' run root
new=$T/media/acme-root/issuing-2.pem
openssl verify -CAfile "$root" "$new" >"$T/out" 2>&1 ||
	fail "OpenSSL: $(cat "$T/out")"
openssl x509 -in "$new" -noout -pubkey >"$T/signed.pub"
same_bytes "$T/new.pub" "$T/signed.pub"
books root
cp -R "$T/media/acme-root" "$T/kept-root"

case_start "what the medium may bring instead"
given=$T/media/acme-root
# as_given: the medium as the root left it.
as_given() {
	rm -rf "$given"
	cp -R "$T/kept-root" "$given"
}
cp "$old" "$given/issuing-2.pem"
resum acme-root
later_ends 4 import.key resume issuing
as_given
flip "$given/issuing-2.pem" 300
resum acme-root
later resume issuing
case $rc in
3 | 4) ;;
*) fail "a certificate with a bit flipped: $rc" ;;
esac
as_given
expect_exit 0 "$PROVCTL" -C "$I" --json status
jq -e '[.cas[].name] == ["root", "issuing-1"]' "$T/out" >/dev/null ||
	fail "a CA: $(jq -c '[.cas[].name]' "$T/out")"

case_start "it comes back, with an older list of the root, and issues beside the other"
expect_exit 0 "$PROVCTL" -C "$I" rotate crl --list "$T/kept-root/root.crl"
cp "$T/media-1/acme-root/root.crl" "$given/root.crl"
resum acme-root
later_ends 0 '' resume issuing
same_bytes "$I/lists/root.crl" "$T/kept-root/root.crl"
as_given
expect_exit 0 "$PROVCTL" ceremony verify --unattended \
	"$issuing_log/transcript.jsonl" --plan "$issuing_plan"
expect_exit 0 "$PROVCTL" ceremony verify --unattended \
	"$root_log/transcript.jsonl" --plan "$root_plan"
same_bytes "$issuing_log/issuing-2.pem" "$new"
same_bytes "$issuing_log/root.pem" "$root"
books issuing
expect_equal "$(jq -r '.keys["issuing-2"] | "\(.label) \(.generation)"' \
	"$I/provctl.json")" "acme-issuing/issuing-2/1 1" "provctl.json"
expect_exit 0 "$PROVCTL" -C "$I" policy adopt "$templates/tls-client-2.json"
device 3 tls-client-2 "$new"
device 4 tls-client "$old"
expect_exit 0 "$PROVCTL" -C "$I" export chain --ca issuing-2
head -c "$(wc -c <"$new")" "$T/out" >"$T/head"
same_bytes "$new" "$T/head"
openssl x509 -in "$new" -outform DER >"$T/new.cer"
find "$I/publish/ca" -name 'issuing-2*.cer' -exec cmp -s {} "$T/new.cer" \; \
	-print | grep -q . || fail "it is not published"
expect_exit 0 "$PROVCTL" -C "$I" revoke --device client-00000003 \
	--reason keyCompromise
n=0
for list in $(find "$I/publish/crl" -path '*issuing-2*' -name '*.crl'); do
	openssl crl -inform DER -in "$list" -noout -CAfile "$new" >"$T/out" 2>&1
	grep -q "verify OK" "$T/out" && n=$((n + 1))
done
[ "$n" -gt 0 ] || fail "no list of it verifies"
books issuing
later_ends 0 '' resume issuing
grep -q "nothing done" "$T/out" || fail "something was done twice"

case_start "rows that say something else than was imported"
sql=$builddir/tests/cli/sql
while IFS='|' read -r set restore; do
	"$sql" "$I/store.db" "update ca set $set where name = 'issuing-2'" ||
		fail "cannot set $set"
	expect_exit 5 "$PROVCTL" -C "$I" audit verify
	"$sql" "$I/store.db" "update ca set $restore where name = 'issuing-2'" ||
		fail "cannot set $restore"
done <<'END'
label = 'acme-issuing/issuing-1/1'|label = 'acme-issuing/issuing-2/1'
label = null|label = 'acme-issuing/issuing-2/1'
parent = 'issuing-1'|parent = 'root'
active_ms = 4102444800000|active_ms = 0
END
# A key that no rotation put to use is nobody's.
key="where label = 'acme-issuing/issuing-2/1'"
index=$("$sql" "$I/store.db" "select rotate_index from own_key $key")
"$sql" "$I/store.db" "update own_key set rotate_index = null $key" ||
	fail "cannot take it back"
expect_error 5 '' -C "$I" export chain --ca issuing-2
"$sql" "$I/store.db" "update own_key set rotate_index = $index $key" ||
	fail "cannot put it back"
books issuing

case_start "its next key comes as that of any other"
mv "$T/media" "$T/media-2"
mkdir "$T/media"
next_plans
for side in issuing:issuing-next root:root-sign-next; do
	sed 's/"issuing-1"/"issuing-2"/; s/"issuing-ca"/"issuing-2-ca"/' \
		"$templates/plans/${side#*:}.json" >"$T/${side#*:}.json"
	bind_plan "$T/${side#*:}.json" "$templates"
done
issuing_plan=$T/issuing-next.json
root_plan=$T/root-sign-next.json
rehearse_next
later_ends 10 media.file run issuing
later_ends 0 '' run root
later_ends 0 '' resume issuing
device 5 tls-client-2 "$T/media/acme-root/issuing-2.pem"
device 6 tls-client "$old"
books issuing
books root

tests_end
