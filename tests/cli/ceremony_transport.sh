#!/bin/sh
# The key of an issuing authority is made where the root is, and goes to the
# issuing authority's token: never in clear, and to that token alone.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/gap.sh"
. "$srcdir/tests/transport.sh"
. "$srcdir/tests/transcript.sh"

# value FILE KEY: of a line of a transport file.
value() {
	sed -n "s/^$2 //p" "$1"
}

# as_given SIDE: the medium as that side left it; given SIDE: so it is now.
as_given() {
	rm -rf "$T/media/acme-$1"
	cp -R "$T/given-$1" "$T/media/acme-$1"
}

given() {
	rm -rf "$T/given-$1"
	cp -R "$T/media/acme-$1" "$T/given-$1"
}

# has SIDE EXPRESSION: of a line of that side's transcript.
has() {
	eval "has_log=\$${1}_log"
	jq -es "any(.[]; $2)" "$has_log/transcript.jsonl" >/dev/null ||
		fail "no line of $1: $2"
}

case_start "both plans, explained"
expect_exit 0 "$PROVCTL" ceremony explain "$issuing_plan"
expect_text "Generate a key in the token to which another authority can send"
expect_text "Take key \"issuing-1\" that \"acme-root\" put on the medium"
expect_exit 0 "$PROVCTL" ceremony explain "$root_plan" --html -o "$T/root.html"
grep -q "Wrap key &quot;issuing-1&quot; in the token" "$T/root.html" ||
	fail "the root's script does not say what is sent"

case_start "both rehearsed, with a medium of their own"
rehearse_transport

case_start "the transport key is given"
mkdir "$T/media"
new_side issuing
new_side root
side_ends 10 media.file run issuing
to=$T/media/acme-issuing/transport.key
given issuing
expect_equal "$(head -n 1 "$to")" provctl/transport-key/v1 "first line"
expect_equal "$(value "$to" algorithm)" ECDH-P256-AES256CBC-A256KWP "algorithm"
has issuing '.event == "transport-key"'
has issuing '.event == "key" and .facts.kind == "transport" and
	(.facts.attributes | contains("CKA_DERIVE=1") and
		contains("CKA_UNWRAP=0") and contains("CKA_EXTRACTABLE=0"))'

case_start "a transport key that is not what was given"
flip "$to" 60
side_ends 5 media.sums run root
as_given issuing
size=$(wc -c <"$to")
for at in 5 40 90 $((size / 2)) $((size - 80)) $((size - 20)); do
	flip "$to" "$at"
	resum acme-issuing
	side resume root
	[ "$rc" -eq 5 ] || fail "byte $at: exit $rc"
	as_given issuing
done
cp "$T/rehearsed/acme-issuing/transport.key" "$to"
sed -i 's/^authority .*/authority acme-other/' "$to"
resum acme-issuing
side_ends 5 '' resume root
[ ! -e "$T/media/acme-root" ] || fail "something was given"
as_given issuing

case_start "the key is sent"
side_ends 10 media.file resume root
sent=$T/media/acme-root/issuing-1.transport
same_bytes "$sent" "$root_log/issuing-1.transport"
expect_equal "$(value "$sent" to)" acme-issuing "to"
sum=$(value "$to" spki | xxd -r -p | sha256sum | cut -d ' ' -f 1)
expect_equal "$(value "$sent" to-spki-sha256)" "$sum" "recipient"
has root ".event == \"sent\" and .facts.to_sha256 == \"$sum\" and
	.facts.to == \"acme-issuing\""
has root ".event == \"recipient\" and .facts.spki_sha256 == \"$sum\""
groups=$(echo "$sum" | sed 's/..../& /g; s/ $//')
has root ".event == \"ask\" and (.facts.text | contains(\"$groups\"))"
(cd "$T/media/acme-root" && sha256sum -c SHA256SUMS) >"$T/out" 2>&1 ||
	fail "sha256sum: $(cat "$T/out")"
given root
side_ends 10 media.file resume root
same_bytes "$sent" "$T/given-root/issuing-1.transport"

case_start "a sent key that is not what was given"
flip "$sent" 60
side_ends 5 media.sums resume issuing
as_given root
size=$(wc -c <"$sent")
for at in 5 40 90 $((size / 2)) $((size - 200)) $((size - 20)); do
	flip "$sent" "$at"
	resum acme-root
	side resume issuing
	[ "$rc" -eq 5 ] || fail "byte $at: exit $rc"
	as_given root
done

case_start "one that was sent to another key"
cp "$T/rehearsed/acme-root/issuing-1.transport" "$sent"
resum acme-root
side_ends 5 transport.other resume issuing
as_given root

case_start "one that somebody planted, with a signature of their own"
openssl ecparam -name prime256v1 -genkey -noout -out "$T/else.key"
else=$(openssl pkey -in "$T/else.key" -pubout -outform DER | xxd -p | tr -d '\n')
SOFTHSM2_CONF=$T/issuing.conf
export SOFTHSM2_CONF
before=$(objects acme-issuing)
wrapped=$(value "$sent" wrapped)
flipped=$(echo "$wrapped" | sed 's/^\(.\{40\}\)./\1/')$(echo "$wrapped" |
	cut -c 41 | tr 0-9a-f 1-9a-f0)
while IFS='|' read -r want rule change; do
	planted "$sent" "$change"
	resum acme-root
	side_ends "$want" "$rule" resume issuing
	expect_equal "$(objects acme-issuing)" "$before" "objects: $change"
	as_given root
done <<END
5|transport.other|s/^from .*/from acme-other/
5|transport.other|s/^purpose .*/purpose issuing-2/
5|transport.other|s/^to .*/to acme-other/
5|transport.other|s/^to-spki-sha256 .*/to-spki-sha256 $(printf %064d 7)/
5|hsm.wrapped|s/^spki .*/spki $else/
5|hsm.wrapped|s/^id .*/id 00112233445566778899aabbccddeeff/
5|hsm.wrapped|s/^ephemeral .*/ephemeral $else/
5|hsm.wrapped|s/^wrapped .*/wrapped $flipped/
END
has issuing '.event == "signer" and (.facts.log_key | startswith("acme-root+"))'

case_start "the key's value is on no medium, in no home and no token's file"
value=$(on root "$builddir/tests/cli/keyvalue" "$softhsm" acme-root 12345678 \
	acme-root/issuing-1/1) || fail "its value is not known"
expect_equal "${#value}" 64 "hex digits of the value"
echo "issuing-1 $value" >"$T/needles"
# It is found where it is, so that finding nothing says something.
echo "$value" >"$T/planted"
"$builddir/tests/cli/scan" "$T/needles" "$T/planted" >/dev/null &&
	fail "a planted value is not found"
rm "$T/planted"
nowhere() {
	"$builddir/tests/cli/scan" "$T/needles" "$T/media" "$R" "$I" \
		"$T/root.tokens" "$T/issuing.tokens" >"$T/out" ||
		fail "$1: $(cat "$T/out")"
}
nowhere "sent"

case_start "its label, or its CKA_ID, is on the token"
id=$(value "$sent" id)
label=acme-issuing/issuing-1/1
mine() {
	token 12345678 --generate-privkey ecc --curve secp256r1 --label "$1" \
		--id "$2" pkcs11:token=acme-issuing >/dev/null ||
		fail "p11tool"
	side_ends 9 "$3" resume issuing
	token 12345678 --delete "pkcs11:token=acme-issuing;object=$1" \
		>/dev/null
}
mine "$label" 00112233445566778899aabbccddeeff hsm.label-taken
mine mine "$id" hsm.key-there
expect_equal "$(objects acme-issuing)" "$before" "objects on the token"

case_start "the key is taken, and signs the request"
side_ends 10 media.file resume issuing
expect_equal "$(objects acme-issuing)" "$before" \
	"objects: one pair came, one went"
has issuing '.event == "key" and .facts.purpose == "issuing-1" and
	.facts.origin == "brought" and
	(.facts.attributes | contains("CKA_EXTRACTABLE=0") and
		contains("CKA_LOCAL=0") and contains("CKA_SENSITIVE=1"))'
has issuing '.event == "key-taken" and .facts.from == "acme-root"'
jq -es '([.[] | select(.event == "recipient") | .facts.spki_sha256] | last) ==
	([.[] | select(.event == "key-taken") | .facts.spki_sha256] | unique | first)' \
	"$issuing_log/transcript.jsonl" >/dev/null ||
	fail "the key that was taken is not the one that people compared"
has issuing '.event == "transport-destroyed"'
openssl req -in "$T/media/acme-issuing/issuing-1.csr" -noout -verify \
	-pubkey >"$T/csr.pub" 2>"$T/out" || fail "OpenSSL: $(cat "$T/out")"
token 12345678 --export-pubkey \
	"pkcs11:token=acme-issuing;object=$label;type=private" >"$T/there.pub"
value "$sent" spki | xxd -r -p | openssl pkey -pubin -inform DER >"$T/sent.pub"
same_bytes "$T/csr.pub" "$T/sent.pub"
same_bytes "$T/csr.pub" "$T/there.pub"
SOFTHSM2_CONF=$T/root.conf
token 12345678 --export-pubkey \
	"pkcs11:token=acme-root;object=acme-root/issuing-1/1;type=private" \
	>"$T/here.pub"
same_bytes "$T/csr.pub" "$T/here.pub"
given issuing

case_start "a request for another key than was sent"
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	-keyout "$T/other.key" -subj "/O=acme-root/CN=Issuing CA 1" \
	-out "$T/media/acme-issuing/issuing-1.csr" >/dev/null 2>&1 ||
	fail "openssl req"
resum acme-issuing
side_ends 4 csr.key resume root
as_given issuing

case_start "the certificate comes back"
side_ends 0 '' resume root
side_ends 0 '' resume issuing
for side in root issuing; do
	side_ends 0 '' resume $side
	grep -q "nothing done" "$T/out" || fail "$side: something was done"
done
openssl verify -CAfile "$T/media/acme-root/root.pem" \
	"$T/media/acme-root/issuing-1.pem" >"$T/out" 2>&1 ||
	fail "OpenSSL: $(cat "$T/out")"
# The root is offline: its list lasts until the next ceremony.
next=$(openssl crl -in "$T/media/acme-root/root.crl" -inform DER -noout \
	-nextupdate | sed 's/.*=//')
days=$((($(date -d "$next" +%s) - $(date +%s)) / 86400))
[ "$days" -ge 180 ] || fail "the next ceremony is due in $days days"
openssl x509 -in "$T/media/acme-root/issuing-1.pem" -noout -pubkey \
	>"$T/cert.pub"
same_bytes "$T/csr.pub" "$T/cert.pub"

case_start "both transcripts, offline"
for side in root issuing; do
	log=$T/acme-$side/ceremonies/$(basename "$(plan_of $side)" .json)-1
	rm -rf "$T/carried"
	cp -R "$log" "$T/carried"
	vkey=$(on $side "$PROVCTL" -C "$T/acme-$side" export key --purpose log \
		--vkey)
	expect_exit 0 "$PROVCTL" ceremony verify --unattended \
		"$T/carried/transcript.jsonl" --plan "$(plan_of $side)" \
		--log-vkey "$vkey"
	expect_text "mode run"
	if [ "$side" = root ]; then
		expect_text "key acme-root/issuing-1/1 sent to acme-issuing; it is here, too"
	else
		expect_text "key acme-issuing/issuing-1/1 taken from acme-root"
		expect_text "key acme-issuing/transport/1 destroyed"
		expect_equal "$("$PROVCTL" --json ceremony verify --unattended \
			"$T/carried/transcript.jsonl" | jq -c '[.moved[].event]')" \
			'["key-taken","transport-destroyed"]' "what became of keys"
	fi
	file=transport.key
	[ "$side" = issuing ] || file=issuing-1.transport
	# The file is as this log key signed it, and the other side says so.
	other=root
	[ "$side" = root ] && other=issuing
	has $other ".event == \"signer\" and .facts.log_key == \"$vkey\""
	expect_equal "$(value "$T/carried/$file" log-key)" "$vkey" "log key"
	flip "$T/carried/$file" 100
	expect_error 5 ceremony.file ceremony verify --unattended \
		"$T/carried/transcript.jsonl"
done

case_start "what a transcript says of these files is what they say"
changed_lines "$issuing_log" <<'END'
5|ceremony.order|if .event == "transport-key" then .facts.spki_sha256 = .prev else . end
5|ceremony.file|if .event == "transport-key" then .facts.label = "acme-issuing/transport/2" else . end
5|ceremony.order|if .facts.authority then .facts.authority = "acme-other" else . end
5|ceremony.file|if .facts.log then .facts.log = "other.example/log" else . end
END
changed_lines "$root_log" <<'END'
5|ceremony.file|if .event == "sent" then .facts.label = "acme-root/issuing-1/2" else . end
5|ceremony.order|if .event == "sent" then .facts.spki_sha256 = .prev else . end
5|ceremony.file|if .event == "sent" then .facts.to = "acme-other" else . end
5|ceremony.file|if .event == "sent" then .facts.to_sha256 = .prev else . end
5|ceremony.file|if .event == "sent" then .facts.algorithm = "ECDH-P256-X963-SHA256-A256KWP" else . end
END

case_start "the key's value is nowhere once it was taken, either"
nowhere "taken"

case_start "each side's books"
for side in root issuing; do
	for what in "audit verify" "audit reconcile" status; do
		# shellcheck disable=SC2086  # words
		expect_exit 0 env SOFTHSM2_CONF="$T/$side.conf" "$PROVCTL" \
			-C "$T/acme-$side" $what
	done
done
expect_exit 0 env SOFTHSM2_CONF="$T/root.conf" "$PROVCTL" -C "$R" status
grep "CA  *issuing-1 " "$T/out" | grep -q "its key was sent to another authority, is here, too" ||
	fail "status does not say that a key that may leave its token is here"
expect_exit 0 env SOFTHSM2_CONF="$T/root.conf" "$PROVCTL" -C "$R" --json status
expect_equal "$(jq -c '[.cas[] | [.name, .elsewhere, .sent]]' "$T/out")" \
	'[["root",false,false],["issuing-1",true,true]]' "whose key is where"
expect_exit 0 "$PROVCTL" -C "$R" audit show --type key.send
expect_text acme-issuing
expect_exit 0 "$PROVCTL" -C "$I" audit show --type key.take
expect_text acme-root

case_start "a device is issued below the root"
H=$I
SOFTHSM2_CONF=$T/issuing.conf
new_device tls-client client-00000001
issue tls-client client-00000001 -o "$T/1.pvb"
expect_equal "$rc" 0 "exit of issue ($(cat "$T/err"))"
json_field certificate "$T/out" >"$T/1.pem"
openssl verify -purpose sslclient -CAfile "$T/media/acme-root/root.pem" \
	-untrusted "$T/media/acme-root/issuing-1.pem" "$T/1.pem" \
	>"$T/out" 2>&1 || fail "OpenSSL: $(cat "$T/out")"
expect_exit 0 "$PROVCTL" -C "$I" audit verify

case_start "the file is of no use to another token"
cp -R "$T/media" "$T/old"
new_side issuing
rm -rf "$T/media/acme-issuing"
side_ends 5 transport.other run issuing

# send_later NAME HASH: the root sends the key once more, by a plan of that name that
# names the public key which it goes to.
send_later() {
	jq -n --arg name "$1" --arg hash "$2" '{plan: $name, version: 1, steps: [
		{step: "send-key", purpose: "issuing-1", to: "acme-issuing",
		 to_sha256: $hash}]}' >"$T/$1.json"
	rm -rf "$T/rehearsed/acme-root"
	expect_exit 0 "$PROVCTL" ceremony rehearse "$T/$1.json" \
		--home "$T/rehearsal-root" --templates "$templates" \
		--media "$T/rehearsed"
	run env SOFTHSM2_CONF="$T/root.conf" "$PROVCTL" -C "$R" ceremony run \
		"$T/$1.json" --rehearsal "$T/rehearsal-root" \
		--templates "$templates" --media "$T/media" --answers "$T/yes"
}

case_start "sent once more, by a later plan that names where to"
rm -rf "$T/media/acme-root"
sum=$(value "$to" spki | xxd -r -p | sha256sum | cut -d ' ' -f 1)
send_later send-again "$sum"
expect_equal "$rc" 0 "exit of the later plan ($(cat "$T/err"))"
expect_exit 0 "$PROVCTL" ceremony verify --unattended \
	"$R/ceremonies/send-again-1/transcript.jsonl" --plan "$T/send-again.json"
side_ends 10 media.file resume issuing
has issuing '.event == "transport-destroyed"'
cp "$to" "$T/to.kept"
planted "$to" "s/^spki .*/spki $else/"
resum acme-issuing
rm -rf "$T/media/acme-root"
send_later send-planted "$sum"
expect_equal "$rc" 4 "exit with a transport key that somebody planted"
grep -q transport.spki "$T/err" || fail "$(cat "$T/err")"
[ ! -e "$T/media/acme-root" ] || fail "something was given"
cp "$T/to.kept" "$to"
resum acme-issuing
send_later send-wrong "$(printf %064d 7)"
expect_equal "$rc" 4 "exit of the plan that names another key"
grep -q transport.spki "$T/err" || fail "$(cat "$T/err")"
expect_exit 0 env SOFTHSM2_CONF="$T/root.conf" "$PROVCTL" -C "$R" audit verify

case_start "a key that was not generated to leave its token"
sed 's/issuing-1/root/; s/send-again/send-root/' "$T/send-again.json" \
	>"$T/send-root.json"
expect_error 4 transport.key ceremony rehearse "$T/send-root.json" \
	--home "$T/rehearsal-root" --templates "$templates" --media "$T/rehearsed"

tests_end
