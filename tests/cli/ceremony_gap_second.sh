#!/bin/sh
# Years behind its first ceremony an offline root signs the first CA of another
# authority: by a later plan there, and a first one here.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/gap.sh"
S=$T/acme-second

# A CA of its own name, and devices below it.
jq '.template = "issuing-2-ca" | .certificate.subject[1].CN = "Issuing CA 2"' \
	"$templates/issuing-ca.json" >"$templates/issuing-2-ca.json"
jq '.template = "tls-client-2" | .certificate.issuer = "issuing-2"' \
	"$templates/tls-client.json" >"$templates/tls-client-2.json"
second_plan=$T/second-online.json
sed 's/issuing-online/second-online/; s/issuing-1/issuing-2/g
	s/"issuing-ca"/"issuing-2-ca"/; s/"tls-client"/"tls-client-2"/' \
	"$issuing_plan" >"$second_plan"
bind_plan "$second_plan" "$templates"
cat >"$T/root-second.json" <<END
{"plan": "root-second", "version": 1, "steps": [
  {"step": "sign-csr", "ca": "issuing-2", "issuer": "root",
   "template": "issuing-2-ca", "from": "acme-second"}
]}
END
bind_plan "$T/root-second.json" "$templates"

case_start "a root, and the first authority below it"
rehearse_both
mkdir "$T/media"
new_side issuing
new_side root
new_side second
side_ends 10 media.file run issuing
side_ends 0 '' run root
side_ends 0 '' resume issuing
root=$T/media/acme-root/root.pem
cp "$root" "$T/root.pem"
mv "$T/media" "$T/media-1"
mkdir "$T/media"

case_start "the second one and the root's later plan, rehearsed"
root_plan=$T/root-second.json
rm -rf "$T/rehearsed"
mkdir "$T/rehearsed"
run "$PROVCTL" ceremony rehearse "$second_plan" --home "$T/rehearsal-second" \
	--name acme-second --templates "$templates" --media "$T/rehearsed"
expect_equal "$rc" 10 "exit of rehearse second ($(cat "$T/err"))"
expect_exit 0 "$PROVCTL" ceremony rehearse "$root_plan" \
	--home "$T/rehearsal-root" --templates "$templates" \
	--media "$T/rehearsed"
expect_exit 0 "$PROVCTL" ceremony resume "$second_plan" \
	--home "$T/rehearsal-second" --templates "$templates" \
	--media "$T/rehearsed"

case_start "asked for, signed, imported"
side_ends 10 media.file run second
later_ends 0 '' run root
side_ends 0 '' resume second
same_bytes "$T/root.pem" "$T/media/acme-root/root.pem"
new=$T/media/acme-root/issuing-2.pem
openssl verify -CAfile "$T/root.pem" "$new" >"$T/out" 2>&1 ||
	fail "OpenSSL: $(cat "$T/out")"
expect_exit 0 "$PROVCTL" ceremony verify --unattended --plan "$root_plan" \
	"$R/ceremonies/root-second-1/transcript.jsonl"
expect_exit 0 "$PROVCTL" ceremony verify --unattended --plan "$second_plan" \
	"$S/ceremonies/second-online-1/transcript.jsonl"

case_start "each has its books, and the second one issues"
for side in root issuing second; do
	for what in "audit verify" "audit reconcile" status; do
		# shellcheck disable=SC2086  # words
		expect_exit 0 env SOFTHSM2_CONF="$T/$side.conf" "$PROVCTL" -C "$T/acme-$side" $what
	done
done
on root "$PROVCTL" -C "$R" --json status >"$T/status.json"
expect_equal "$(jq -c '[.cas[] | [.name, .generation, .elsewhere]]' \
	"$T/status.json")" \
	'[["root",1,false],["issuing-1",1,true],["issuing-2",1,true]]' \
	"CAs of the root"
H=$S
SOFTHSM2_CONF=$T/second.conf
export SOFTHSM2_CONF
new_device tls-client client-00000001
issue tls-client-2 client-00000001 -o "$T/1.pvb"
expect_equal "$rc" 0 "exit of issue ($(cat "$T/err"))"
json_field certificate "$T/out" >"$T/1.pem"
openssl verify -purpose sslclient -CAfile "$T/root.pem" -untrusted "$new" \
	"$T/1.pem" >"$T/out" 2>&1 || fail "OpenSSL: $(cat "$T/out")"

case_start "a CA's name is that of one authority"
# What the first one has is not given to the second.
sed 's/root-second/root-third/; s/issuing-2"/issuing-1"/; s/issuing-2-ca/issuing-ca/' \
	"$T/root-second.json" >"$T/root-third.json"
root_plan=$T/root-third.json
bind_plan "$root_plan" "$templates"
expect_error 4 ca.other ceremony rehearse "$root_plan" \
	--home "$T/rehearsal-root" --templates "$templates" \
	--media "$T/rehearsed"

tests_end
