#!/bin/sh
# An offline root and an issuing authority, each with a token folder and a home
# of its own, and a medium that is carried twice: a request there, certificates
# and the root's list back.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/gap.sh"
. "$srcdir/tests/transcript.sh"

# events LOG EVENT: how many of them.
events() {
	jq -r .event "$1/transcript.jsonl" | grep -c -x "$2"
}

case_start "both plans, explained"
expect_exit 0 "$PROVCTL" ceremony explain "$issuing_plan"
expect_text "Make a request for the certificate of CA \"issuing-1\""
expect_exit 0 "$PROVCTL" ceremony explain "$root_plan" --html -o "$T/root.html"
grep -q "Take the request of &quot;acme-issuing&quot;" "$T/root.html" ||
	fail "the root's script does not name the request"

case_start "what the certificate will say stands on the script"
expect_exit 0 "$PROVCTL" ceremony explain "$root_plan" --templates "$templates"
for text in "subject: CN=Issuing CA 1,O=<the authority's name>" \
	"issuer: the subject of root" "not_after: 9999-12-31T23:59:59Z" \
	"basic_constraints: CA:TRUE, pathlen:0" \
	"key_usage: Digital Signature, Certificate Sign, CRL Sign"; do
	expect_text "      $text"
done
awk 'length > 80' "$T/out" >"$T/long"
[ ! -s "$T/long" ] || fail "wider than a terminal: $(cat "$T/long")"
expect_exit 0 "$PROVCTL" ceremony explain "$issuing_plan" --templates "$templates"
expect_text "      subject: CN=Issuing CA 1,O=acme-root"
mkdir "$T/edited"
for file in "$templates"/*.json; do
	sed 's/Issuing CA 1/Issuing CA 2/' "$file" >"$T/edited/${file##*/}"
done
expect_error 4 plan.template ceremony explain "$root_plan" \
	--templates "$T/edited"

case_start "both rehearsed, with a medium of their own"
rehearse_both
grep -q "that is the rehearsal: write its head" "$T/err" ||
	fail "nobody said what the rehearsal's head is for"
grep -q "lock the token away" "$T/err" && fail "a throw-away token is locked away"

case_start "no medium"
new_side issuing
# shellcheck disable=SC2046
run env SOFTHSM2_CONF="$T/issuing.conf" "$PROVCTL" ceremony run "$issuing_plan" \
	--home "$I" --templates "$templates" --binding "$T/issuing.binding" \
	--rehearsal "$T/rehearsal-issuing" --answers "$T/yes"
expect_equal "$rc" 2 "exit without a medium"
grep -q media.none "$T/err" || fail "no word of the medium"
[ ! -e "$I" ] || fail "something was made"
side_ends 10 '' run issuing
[ ! -e "$I" ] || fail "something was made"

case_start "the request is made"
mkdir "$T/media"
side_ends 10 media.file run issuing
cp "$T/media/acme-issuing/issuing-1.csr" "$T/first.csr"
same_bytes "$T/first.csr" "$issuing_log/issuing-1.csr"
openssl req -in "$T/first.csr" -noout -verify >"$T/out" 2>&1 ||
	fail "OpenSSL: $(cat "$T/out")"
openssl req -in "$T/first.csr" -noout -text >"$T/text"
grep -q "O = acme-root, CN = Issuing CA 1" "$T/text" || fail "subject"
grep -q "CA:TRUE, pathlen:0" "$T/text" || fail "basicConstraints"
(cd "$T/media/acme-issuing" && sha256sum -c SHA256SUMS) >"$T/out" 2>&1 ||
	fail "sha256sum: $(cat "$T/out")"

case_start "the medium is read before the token is opened"
printf 87654321 >"$T/pin"
side_ends 10 media.file resume issuing
mkdir "$T/media/acme-root"
echo none >"$T/media/acme-root/root.pem"
resum acme-root
side_ends 3 '' resume issuing
rm -r "$T/media/acme-root"
printf 12345678 >"$T/pin"
expect_equal "$(events "$issuing_log" wrong-pin)" 0 "tries of the PIN"

case_start "people stop at the root, and it goes on with the same request"
new_side root
printf 'yes\nyes\nyes\nyes\nyes\nyes\nyes\nyes\nyes\nyes\nyes\nstop\n' \
	>"$T/stop"
side_ends 130 '' run root "$T/stop"
[ ! -e "$T/media/acme-root" ] || fail "something was given"
side_ends 0 '' resume root
head=$(tail -n 1 "$root_log/transcript.jsonl" | sha256sum | cut -c 1-32 |
	sed 's/..../& /g; s/ $//')
grep -q -F "$head" "$T/err" || fail "the head was not shown"
grep -q -F "lines: $(wc -l <"$root_log/transcript.jsonl")" "$T/err" ||
	fail "the number of lines was not shown"
for file in issuing-1.pem root.pem root.crl; do
	[ -f "$T/media/acme-root/$file" ] || fail "no $file"
done
(cd "$T/media/acme-root" && sha256sum -c SHA256SUMS) >"$T/out" 2>&1 ||
	fail "sha256sum: $(cat "$T/out")"
same_bytes "$T/media/acme-root/issuing-1.pem" "$root_log/issuing-1.pem"
side_ends 0 '' resume root
grep -q "nothing done" "$T/out" || fail "something was done twice"

case_start "the certificate comes back, and people see what it says"
side_ends 0 '' resume issuing
cp "$T/err" "$T/screen"
for of in root,Root issuing-1,Issuing; do
	sed -n "/certificate of: ${of%,*}\$/,/as it was read aloud/p" "$T/screen" \
		>"$T/brought"
	for text in "subject: CN=${of#*,} CA" "issuer: CN=Root CA,O=acme-root" \
		not_before: not_after: "key_usage:" "spki_sha256 .* "; do
		grep -q "    $text" "$T/brought" ||
			fail "no $text of ${of%,*} before people said yes"
	done
done
expect_equal "$(jq -r 'select(.event == "sign").facts.csr // empty' \
	"$issuing_log/transcript.jsonl")" issuing-1 "signatures of requests"
same_bytes "$T/first.csr" "$T/media/acme-issuing/issuing-1.csr"
for file in root issuing-1; do
	same_bytes "$issuing_log/$file.pem" "$T/media/acme-root/$file.pem"
done
sum=$(openssl x509 -in "$issuing_log/root.pem" -outform DER | sha256sum |
	cut -d ' ' -f 1)
jq -es --arg sum "$sum" 'any(.[]; .event == "root" and .facts.sha256 == $sum)' \
	"$issuing_log/transcript.jsonl" >/dev/null || fail "no root in the transcript"
groups=$(echo "$sum" | sed 's/..../& /g; s/ $//')
jq -es --arg sum "$groups" 'any(.[]; .event == "ask" and
	(.facts.text | contains($sum)))' "$issuing_log/transcript.jsonl" \
	>/dev/null || fail "nobody was asked about the root"

case_start "both transcripts, offline"
for side in root issuing; do
	log=$T/acme-$side/ceremonies/$(basename "$(plan_of $side)" .json)-1
	rm -rf "$T/carried"
	cp -R "$log" "$T/carried"
	vkey=$(on $side "$PROVCTL" -C "$T/acme-$side" export key --purpose log \
		--vkey)
	expect_exit 0 "$PROVCTL" ceremony verify --unattended "$T/carried/transcript.jsonl" \
		--plan "$(plan_of $side)" --log-vkey "$vkey"
	expect_text "mode run"
	cp "$T/out" "$T/by-file"
	expect_exit 0 "$PROVCTL" ceremony verify --unattended "$T/carried" \
		--plan "$(plan_of $side)" --log-vkey "$vkey"
	same_bytes "$T/out" "$T/by-file"
	expect_exit 0 "$PROVCTL" ceremony show "$T/carried"
	expect_text "head  "
done
flip "$T/carried/issuing-1.csr" 100
expect_error 5 ceremony.file ceremony verify "$T/carried/transcript.jsonl"

case_start "what is asked for, and what comes back, is held against each other"
fact_of_root() {
	jq -r --arg key "$1" 'select(.event == "certificate" and
		.facts.ca == "root").facts[$key]' \
		"$issuing_log/transcript.jsonl" | tail -n 1
}
asked='.event == "sign" and .facts.csr'
changed_lines "$issuing_log" --plan "$(plan_of issuing)" <<END
5|ceremony.shown|if $asked then .facts.subject = "CN=Other CA" else . end
5|ceremony.shown|if $asked then .facts.tbs_sha256 = .prev else . end
5|ceremony.order|if $asked then .facts.spki_sha256 = .prev else . end
5|ceremony.order|if $asked then .facts.template = "root-ca" else . end
5|ceremony.shown|if .event == "csr" then .facts.spki_sha256 = .prev else . end
5|ceremony.order|if .event == "root" then .facts.sha256 = .prev else . end
5|ceremony.order|if .event == "root" then .facts.planned = .facts.sha256 else . end
5|ceremony.file|if .event == "certificate" and .facts.ca == "issuing-1" then .facts.file = "root.pem" | .facts.file_sha256 = "$(fact_of_root file_sha256)" | .facts.sha256 = "$(fact_of_root sha256)" else . end
5|ceremony.order|select(.event != "template")
END
changed_lines "$root_log" --plan "$(plan_of root)" <<'END'
5|ceremony.shown|if .event == "sign" and .facts.ca == "issuing-1" then .facts.spki_sha256 = .prev else . end
5|ceremony.order|if .event == "sign" and .facts.ca == "issuing-1" then .facts.signer_spki_sha256 = .prev else . end
5|ceremony.shown|if .event == "sign" and .facts.ca == "issuing-1" then .facts.serial = "01" else . end
END

case_start "what people signed, in words"
shown() {
	jq -r --arg ca "$1" --arg key "$2" 'select(.event == "sign" and
		.facts.ca == $ca and .facts.tbs_sha256).facts[$key] // empty' \
		"$root_log/transcript.jsonl" | tail -n 1
}
expect_equal "$(shown issuing-1 subject)" "CN=Issuing CA 1,O=acme-root" subject
expect_equal "$(shown issuing-1 issuer)" "CN=Root CA,O=acme-root" issuer
expect_equal "$(shown issuing-1 basic_constraints)" "CA:TRUE, pathlen:0" \
	basicConstraints
expect_equal "$(shown issuing-1 key_usage)" \
	"Digital Signature, Certificate Sign, CRL Sign" keyUsage
expect_equal "$(date -u -d "$(shown issuing-1 not_after)" +%s)" "$(date -u -d \
	"$(openssl x509 -in "$root_log/issuing-1.pem" -noout -enddate |
		sed 's/.*=//')" +%s)" "the certificate's end"
expect_equal "$(jq -r 'select(.event == "sign" and .facts.csr).facts.subject' \
	"$issuing_log/transcript.jsonl")" "CN=Issuing CA 1,O=acme-root" \
	"subject of the request"

case_start "the root's list was shown, and asked for"
expect_equal "$(jq -rs 'map(select(.step == 0) | .event +
	(if .facts.file then " " + .facts.file else "" end)) |
	.[-6:] | join(",")' "$root_log/transcript.jsonl")" \
	"sign,ask,answer,crl root.crl,given root.crl,end" "the end"
same_bytes "$root_log/root.crl" "$T/media/acme-root/root.crl"
expect_equal "$(openssl crl -in "$root_log/root.crl" -inform DER -noout \
	-nextupdate | sed 's/.*=//' | xargs -I{} date -u -d {} +%Y-%m-%dT%H:%M:%SZ)" \
	"$(shown root next_update)" "its next update"
days=$((($(date -d "$(shown root next_update)" +%s) - $(date +%s)) / 86400))
[ "$days" -ge 180 ] || fail "the next ceremony is due in $days days"
rm -rf "$T/other"
cp -R "$root_log" "$T/other"
flip "$T/other/root.crl" 100
expect_error 5 ceremony.file ceremony verify --unattended \
	"$T/other/transcript.jsonl"

case_start "each side's books"
for side in root issuing; do
	for what in "audit verify" "audit reconcile" status; do
		# shellcheck disable=SC2086  # words
		expect_exit 0 env SOFTHSM2_CONF="$T/$side.conf" "$PROVCTL" -C "$T/acme-$side" $what
	done
	on $side "$PROVCTL" -C "$T/acme-$side" --json status >"$T/status.json"
	expect_equal "$(jq '.cas | length' "$T/status.json")" 2 "CAs of $side"
	expect_equal "$(jq '[.cas[] | select(.elsewhere)] | length' \
		"$T/status.json")" 1 "CAs of $side whose key is elsewhere"
done

case_start "devices are issued below the root"
H=$I
SOFTHSM2_CONF=$T/issuing.conf
export SOFTHSM2_CONF
for n in 1 2 3; do
	new_device tls-client "client-0000000$n"
	issue tls-client "client-0000000$n" -o "$T/$n.pvb"
	expect_equal "$rc" 0 "exit of issue $n ($(cat "$T/err"))"
	json_field certificate "$T/out" >"$T/$n.pem"
	openssl verify -purpose sslclient -CAfile "$T/media/acme-root/root.pem" \
		-untrusted "$T/media/acme-root/issuing-1.pem" "$T/$n.pem" \
		>"$T/out" 2>&1 || fail "OpenSSL: $(cat "$T/out")"
done
expect_exit 0 "$PROVCTL" -C "$H" export chain --device client-00000001
cat "$T/media/acme-root/issuing-1.pem" "$T/media/acme-root/root.pem" >"$T/chain"
same_bytes "$T/chain" "$T/out"
p audit verify >"$T/out" 2>&1 || fail "audit: $(cat "$T/out")"

case_start "serial numbers of two authorities are not mixed up"
for n in 1 2 3; do
	expect_exit 0 "$PROVCTL" -C "$H" revoke --device "client-0000000$n" \
		--reason keyCompromise
done
new_device tls-client client-00000004
issue tls-client client-00000004 -o "$T/4.pvb"
expect_equal "$rc" 0 "exit of issue 4 ($(cat "$T/err"))"
expect_exit 0 "$PROVCTL" -C "$H" status
expect_exit 0 "$PROVCTL" -C "$H" audit verify
for n in 1 2 3; do
	openssl x509 -in "$T/$n.pem" -noout -serial | cut -c 8-15
done >"$T/ours"
for ca in root issuing-1; do
	openssl x509 -in "$T/media/acme-root/$ca.pem" -noout -serial |
		cut -c 8-15
done >"$T/theirs"
expect_equal "$(grep -c -x -F -f "$T/ours" "$T/theirs")" 2 \
	"CAs with the number of a device"

case_start "the root's list is published beside our own"
same_bytes "$T/media/acme-root/root.crl" "$I/publish/crl/root/0.crl"
openssl x509 -in "$T/media/acme-root/root.pem" -outform DER >"$T/root.cer"
same_bytes "$T/root.cer" "$I/publish/ca/root-1.cer"
flip "$I/publish/crl/root/0.crl" 60
expect_exit 0 "$PROVCTL" -C "$I" rotate crl
same_bytes "$T/media/acme-root/root.crl" "$I/publish/crl/root/0.crl"
cp "$I/lists/root.crl" "$T/kept"
flip "$I/lists/root.crl" 60
run "$PROVCTL" -C "$I" rotate crl
case $rc in
3 | 4) ;;
*) fail "a changed list: exit $rc" ;;
esac
cp "$T/kept" "$I/lists/root.crl"
expect_exit 0 "$PROVCTL" -C "$I" rotate crl

case_start "rows that say something else than was imported or signed"
sql=$builddir/tests/cli/sql
edited() {
	expect_exit 5 "$PROVCTL" -C "$1" audit verify
	[ "$1" = "$R" ] || {
		issue tls-client client-00000004 -o "$T/none.pvb"
		expect_equal "$rc" 5 "exit of issue"
	}
}
while IFS='|' read -r home ca set restore; do
	"$sql" "$home/store.db" "update ca set $set where name = '$ca'" ||
		fail "cannot set $set"
	edited "$home"
	"$sql" "$home/store.db" "update ca set $restore where name = '$ca'" ||
		fail "cannot set $restore"
done <<END
$I|root|label = 'acme-issuing/bundle/1'|label = null
$I|root|parent = 'issuing-1'|parent = null
$I|root|shards = 2|shards = 1
$I|issuing-1|label = null|label = 'acme-issuing/issuing-1/1'
$R|issuing-1|label = 'acme-root/root/1'|label = null
END
expect_exit 0 "$PROVCTL" -C "$I" audit verify
expect_exit 0 env SOFTHSM2_CONF="$T/root.conf" "$PROVCTL" -C "$R" audit verify

case_start "a key elsewhere signs nothing here"
expect_error 4 ca.elsewhere -C "$I" rotate ca root
expect_error 4 ca.elsewhere -C "$I" rotate ca issuing-1
expect_error 4 revoke.parent -C "$I" revoke --ca issuing-1 \
	--reason keyCompromise
p audit verify >"$T/out" 2>&1 || fail "audit: $(cat "$T/out")"
SOFTHSM2_CONF=$T/root.conf
expect_error 4 ca.elsewhere -C "$R" rotate ca issuing-1

case_start "the root revokes the CA it signed"
serial=$(openssl x509 -in "$T/media/acme-root/issuing-1.pem" -noout -serial |
	sed 's/.*=//')
expect_exit 0 "$PROVCTL" -C "$R" revoke --ca issuing-1 --reason keyCompromise
expect_exit 0 "$PROVCTL" -C "$R" rotate crl
expect_exit 0 "$PROVCTL" -C "$R" export crl --ca root -o "$T/root.crl"
openssl crl -in "$T/root.crl" -noout -text \
	-CAfile "$T/media/acme-root/root.pem" >"$T/text" 2>&1
grep -q "Serial Number: $serial" "$T/text" || fail "the list does not name it"
expect_exit 0 "$PROVCTL" -C "$R" audit verify
expect_exit 0 "$PROVCTL" -C "$R" status
expect_text "its key is elsewhere"

case_start "the issuing side hears of it"
SOFTHSM2_CONF=$T/issuing.conf
new_device tls-client client-00000005
expect_error 4 list.foreign -C "$I" rotate crl --list \
	"$I/publish/crl/issuing-1/0.crl"
expect_error 3 '' -C "$I" rotate crl --list "$T/chain"
expect_exit 0 "$PROVCTL" -C "$I" rotate crl --list "$T/root.crl"
openssl crl -in "$T/root.crl" -outform DER -out "$T/root.der"
same_bytes "$T/root.der" "$I/publish/crl/root/0.crl"
expect_error 9 crl.backwards -C "$I" rotate crl \
	--list "$T/media/acme-root/root.crl"
same_bytes "$T/root.der" "$I/lists/root.crl"
issue tls-client client-00000005 -o "$T/5.pvb"
expect_equal "$rc" 4 "exit of issue 5"
grep -q ca.revoked "$T/err" || fail "$(cat "$T/err")"
expect_error 4 ca.revoked -C "$I" status

case_start "the list of before, or none, is no way back"
for name in older missing; do
	[ "$name" = older ] && cp "$T/kept" "$I/lists/root.crl"
	[ "$name" = missing ] && rm "$I/lists/root.crl"
	issue tls-client client-00000005 -o "$T/5.pvb"
	expect_equal "$rc" 5 "exit of issue: $name"
	grep -q "list.$name" "$T/err" || fail "$name: $(cat "$T/err")"
	expect_error 5 "list.$name" -C "$I" rotate crl
	expect_error 4 "list.$name" -C "$I" status
	same_bytes "$T/root.der" "$I/publish/crl/root/0.crl"
	expect_error 9 crl.backwards -C "$I" rotate crl \
		--list "$T/media/acme-root/root.crl"
done
expect_exit 0 "$PROVCTL" -C "$I" rotate crl --list "$T/root.crl"
same_bytes "$T/root.der" "$I/lists/root.crl"
expect_error 4 ca.revoked -C "$I" status
expect_exit 0 "$PROVCTL" -C "$I" export bundle --device client-00000004 \
	-o "$T/again.pvb"
expect_exit 0 "$PROVCTL" -C "$I" audit verify

tests_end
