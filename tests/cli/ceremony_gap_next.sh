#!/bin/sh
# Some years behind the first ceremonies: the issuing authority has a key of its
# next generation certified by the offline root, over another medium, and moves
# to it. Devices verify before and after.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/gap.sh"

# device N UNTRUSTED...: issued now; OpenSSL takes it by the root and these.
device() {
	number=0000000$1
	shift
	new_device tls-client "client-$number"
	issue tls-client "client-$number" -o "$T/$number.pvb"
	expect_equal "$rc" 0 "exit of issue $number ($(cat "$T/err"))"
	json_field certificate "$T/out" >"$T/$number.pem"
	cat "$@" >"$T/untrusted"
	# shellcheck disable=SC2086  # two words, or none
	openssl verify $when -purpose sslclient -CAfile "$root" \
		-untrusted "$T/untrusted" "$T/$number.pem" >"$T/out" 2>&1 ||
		fail "OpenSSL: $(cat "$T/out")"
}

when= # -attime SECONDS: behind our own clock

# books SIDE: what the log says is what is there.
books() {
	for what in "audit verify" "audit reconcile" status; do
		# shellcheck disable=SC2086  # words
		expect_exit 0 env SOFTHSM2_CONF="$T/$1.conf" "$PROVCTL" -C "$T/acme-$1" $what
	done
}

# as_given SIDE: the medium as that side left it.
as_given() {
	rm -rf "$T/media/acme-$1"
	cp -R "$T/kept-$1" "$T/media/acme-$1"
}

case_start "the first ceremonies"
first_ceremonies
device 1 "$old"

case_start "both next ones, explained and rehearsed"
next_plans
expect_exit 0 "$PROVCTL" ceremony explain "$issuing_plan"
expect_text "Make a request for the certificate of CA \"issuing-1\""
expect_exit 0 "$PROVCTL" ceremony explain "$root_plan" --html -o "$T/root.html"
rehearse_next
# One that would have it end on another day.
end=$(date -u -d '+300 days' +%Y-%m-%dT00:00:00Z)
sed "s/\"version\": 1/\"version\": 9/; s/\"from\": \"acme-issuing\"/&, \"not_after\": \"$end\"/" \
	"$root_plan" >"$T/root-end.json"
sed 's/"version": 1/"version": 9/' "$issuing_plan" >"$T/issuing-9.json"
root_plan=$T/root-end.json
issuing_plan=$T/issuing-9.json
rehearse_next
next_plans

case_start "the request for the next key"
mkdir "$T/media"
later_ends 10 media.file run issuing
csr=$T/media/acme-issuing/issuing-1.csr
openssl req -in "$csr" -noout -verify >"$T/out" 2>&1 ||
	fail "OpenSSL: $(cat "$T/out")"
openssl req -in "$csr" -noout -pubkey >"$T/new.pub"
openssl x509 -in "$old" -noout -pubkey >"$T/old.pub"
cmp -s "$T/new.pub" "$T/old.pub" && fail "it is the old key"
expect_equal "$(openssl req -in "$csr" -noout -subject)" \
	"$(openssl x509 -in "$old" -noout -subject)" "subject"
cp -R "$T/media/acme-issuing" "$T/kept-issuing"
device 2 "$old"

case_start "requests that are not for it"
cp "$T/media-1/acme-issuing/issuing-1.csr" "$csr"
resum acme-issuing
later_ends 4 key.used run root
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	-keyout "$T/other.key" -subj "/O=acme-root/CN=Root CA" -out "$csr" \
	>/dev/null 2>&1 || fail "openssl req"
resum acme-issuing
later_ends 4 csr.requests resume root
[ ! -e "$T/media/acme-root" ] || fail "something was given"
as_given issuing

case_start "the root signs it, once; its newer list takes the older one's place"
mkdir "$T/media/acme-root"
cp "$T/media-1/acme-root/root.crl" "$T/media/acme-root"
resum acme-root
root_plan=$T/root-end.json
printf 'yes\nyes\nyes\nyes\nstop\n' >"$T/few"
later_ends 130 ceremony.stopped run root "$T/few"
next_plans
later_ends 0 '' resume root
(cd "$T/media/acme-root" && sha256sum -c --quiet SHA256SUMS) ||
	fail "SHA256SUMS of the root"
cmp -s "$T/media-1/acme-root/root.crl" "$T/media/acme-root/root.crl" &&
	fail "the older list is there"
same_bytes "$R/publish/crl/root/0.crl" "$T/media/acme-root/root.crl"
new=$T/media/acme-root/issuing-1.pem
openssl verify -CAfile "$root" "$new" >"$T/out" 2>&1 ||
	fail "OpenSSL: $(cat "$T/out")"
openssl x509 -in "$new" -noout -pubkey >"$T/signed.pub"
same_bytes "$T/new.pub" "$T/signed.pub"
same_bytes "$root" "$T/media/acme-root/root.pem"
later_ends 0 '' resume root
grep -q "nothing done" "$T/out" || fail "something was done twice"
cp -R "$T/media/acme-root" "$T/kept-root"
expect_exit 0 "$PROVCTL" ceremony verify --unattended "$root_log/transcript.jsonl" \
	--plan "$root_plan"
books root
on root "$PROVCTL" -C "$R" --json status >"$T/status.json"
expect_equal "$(jq -c '[.cas[] | [.name, .generation, .elsewhere]]' \
	"$T/status.json")" \
	'[["root",1,false],["issuing-1",1,true],["issuing-1",2,true]]' \
	"CAs of the root"

case_start "another plan had it end on another day: that one was not made"
root_plan=$T/root-end.json
later_ends 9 ceremony.generation resume root
next_plans
same_bytes "$new" "$T/kept-root/issuing-1.pem"

case_start "what the medium may bring instead"
given=$T/media/acme-root
cp "$old" "$given/issuing-1.pem"
resum acme-root
later_ends 4 import.renewal resume issuing
as_given root
cp "$root" "$given/issuing-1.pem"
resum acme-root
later_ends 4 import.key resume issuing
as_given root
device 3 "$old"

case_start "an older list than was taken meanwhile: the newer one holds"
expect_exit 0 env SOFTHSM2_CONF="$T/issuing.conf" "$PROVCTL" -C "$I" \
	rotate crl --list "$given/root.crl"
cp "$T/media-1/acme-root/root.crl" "$given/root.crl"
flip "$given/root.crl" $(($(wc -c <"$given/root.crl") - 2))
resum acme-root
later resume issuing
case $rc in
3 | 4) ;;
*) fail "exit $rc with a list of another signature" ;;
esac
cp "$T/media-1/acme-root/root.crl" "$given/root.crl"
resum acme-root
# In a copy of that home the newer one names the certificate.
cp -R "$I" "$T/acme-second"
cp -R "$T/issuing.tokens" "$T/second.tokens"
conf_tokens "$T/second.tokens" "$T/second.conf"
cp -R "$R" "$T/acme-revoker"
second_plan=$issuing_plan
expect_exit 0 env SOFTHSM2_CONF="$T/root.conf" "$PROVCTL" -C "$T/acme-revoker" \
	revoke --ca issuing-1 --generation 2 --reason keyCompromise
expect_exit 0 env SOFTHSM2_CONF="$T/root.conf" "$PROVCTL" -C "$T/acme-revoker" \
	rotate crl
expect_exit 0 env SOFTHSM2_CONF="$T/second.conf" "$PROVCTL" -C "$T/acme-second" \
	rotate crl --list "$T/acme-revoker/publish/crl/root/0.crl"
later_ends 4 ca.revoked resume second

case_start "it comes back, with that older list, and issues"
later_ends 0 '' resume issuing
same_bytes "$I/lists/root.crl" "$T/kept-root/root.crl"
expect_equal "$(jq -c 'select(.event == "older-list") | .facts |
	[.ca, .from, (.number | tonumber) < (.kept | tonumber)]' \
	"$issuing_log/transcript.jsonl" | sort -u)" '["root","acme-root",true]' \
	"what the transcript says of it"
expect_exit 0 "$PROVCTL" ceremony verify --unattended "$issuing_log/transcript.jsonl" \
	--plan "$issuing_plan"
for name in issuing-1.pem issuing-1-1-by-2.pem issuing-1-2-by-1.pem root.pem; do
	[ -f "$issuing_log/$name" ] || fail "no $name"
done
same_bytes "$issuing_log/issuing-1.pem" "$new"
same_bytes "$issuing_log/root.pem" "$root"
books issuing
device 4 "$new"
expect_exit 0 "$PROVCTL" -C "$I" export chain --device client-00000004
cat "$new" >"$T/chain"
head -c "$(wc -c <"$T/chain")" "$T/out" >"$T/head"
same_bytes "$T/chain" "$T/head"
# Who knows the old one alone comes to the new one by the certificate between.
device 5 "$issuing_log/issuing-1-2-by-1.pem" "$old"
later_ends 0 '' resume issuing
grep -q "nothing done" "$T/out" || fail "something was done twice"

case_start "lists of both generations, and the root's newest"
for generation in 1 2; do
	[ "$generation" = 1 ] && by=$old || by=$new
	n=0
	for list in $(find "$I/publish/crl" -path '*issuing-1*' -name '*.crl'); do
		openssl crl -inform DER -in "$list" -noout -CAfile "$by" \
			>"$T/out" 2>&1
		grep -q "verify OK" "$T/out" && n=$((n + 1))
	done
	expect_equal "$n" 16 "lists of generation $generation"
done
same_bytes "$T/kept-root/root.crl" "$I/publish/crl/root/0.crl"
openssl x509 -in "$new" -outform DER >"$T/new.cer"
same_bytes "$T/new.cer" "$I/publish/ca/issuing-1-2.cer"
expect_exit 0 "$PROVCTL" -C "$I" revoke --device client-00000001 \
	--reason keyCompromise
expect_exit 0 "$PROVCTL" -C "$I" revoke --device client-00000004 \
	--reason keyCompromise
books issuing

case_start "rows that say something else than was imported or signed"
sql=$builddir/tests/cli/sql
while IFS='|' read -r side set restore; do
	home=$T/acme-$side
	"$sql" "$home/store.db" "update ca set $set where name = 'issuing-1' \
		and generation = 2" || fail "cannot set $set"
	expect_exit 5 env SOFTHSM2_CONF="$T/$side.conf" "$PROVCTL" -C "$home" \
		audit verify
	"$sql" "$home/store.db" "update ca set $restore where \
		name = 'issuing-1' and generation = 2" || fail "cannot set $restore"
done <<END
issuing|label = 'acme-issuing/issuing-1/1'|label = 'acme-issuing/issuing-1/2'
issuing|active_ms = 4102444800000|active_ms = 0
root|label = 'acme-root/root/1'|label = null
END
books issuing
books root

case_start "the key of the next but one comes at a time, and can be moved"
mv "$T/media" "$T/media-2"
new=$T/media-2/acme-root/issuing-1.pem
mkdir "$T/media"
at=$(date -u -d '+2 days' +%Y-%m-%dT%H:%M:%SZ)
sed "s/\"version\": 1/\"version\": 2/; s/\"from\": \"acme-root\"/&, \"active\": \"$at\"/" \
	"$issuing_plan" >"$T/issuing-at.json"
sed 's/"version": 1/"version": 2/' "$root_plan" >"$T/root-at.json"
issuing_plan=$T/issuing-at.json
root_plan=$T/root-at.json
rehearse_next
later_ends 10 media.file run issuing
later_ends 0 '' run root
later_ends 0 '' resume issuing
third=$T/media/acme-root/issuing-1.pem
device 6 "$new"
books issuing
expect_exit 0 "$PROVCTL" -C "$I" rotate ca issuing-1 \
	--at "$(date -u -d '+3 days' +%Y-%m-%dT%H:%M:%SZ)"
books issuing
expect_exit 0 "$PROVCTL" -C "$I" rotate ca issuing-1 --withdraw
device 7 "$new"
books issuing
openssl verify -CAfile "$root" "$third" >"$T/out" 2>&1 ||
	fail "OpenSSL: $(cat "$T/out")"

case_start "the root revokes one of them, and the other goes on"
expect_error 3 revoke.generation -C "$R" revoke --ca issuing-1 \
	--reason keyCompromise
SOFTHSM2_CONF=$T/root.conf
expect_exit 0 "$PROVCTL" -C "$R" revoke --ca issuing-1 --generation 1 \
	--reason superseded
expect_exit 0 "$PROVCTL" -C "$R" rotate crl
books root
SOFTHSM2_CONF=$T/issuing.conf
expect_exit 0 "$PROVCTL" -C "$I" rotate crl --list "$R/publish/crl/root/0.crl"
device 8 "$new"

case_start "plans that do not fit what is there"
# unfit SIDE CODE RULE STEPS
unfit() {
	printf '{"plan": "unfit", "version": 1, "steps": [%s]}\n' "$4" \
		>"$T/unfit.json"
	bind_plan "$T/unfit.json" "$templates"
	expect_error "$2" "$3" ceremony rehearse "$T/unfit.json" --home \
		"$T/rehearsal-$1" --templates "$templates" --media "$T/rehearsed"
}
key='{"step": "generate-key", "purpose": "root", "kind": "P-256"},'
unfit root 3 plan.issuer "$key"'{"step": "make-csr", "ca": "root", "template": "root-ca"}'
unfit root 10 plan.unknown '{"step": "sign-csr", "ca": "issuing-1", "issuer": "top", "template": "issuing-ca", "from": "acme-issuing"}'
unfit issuing 10 plan.unknown '{"step": "sign-csr", "ca": "issuing-1", "issuer": "root", "template": "issuing-ca", "from": "acme-issuing"}'
unfit root 3 plan.key_own '{"step": "sign-csr", "ca": "root", "issuer": "root", "template": "issuing-ca", "from": "acme-issuing"}'
key='{"step": "generate-key", "purpose": "issuing-1", "kind": "P-256"},'
unfit issuing 3 plan.issuer "$key"'{"step": "make-csr", "ca": "issuing-1", "template": "issuing-ca"},
	{"step": "import-ca", "ca": "issuing-1", "issuer": "other", "from": "acme-root"}'
unfit issuing 3 plan.key_missing '{"step": "make-csr", "ca": "issuing-1", "template": "issuing-ca"}'

case_start "issuing moves at its time"
mv "$T/media" "$T/media-3"
mkdir "$T/media"
day=86400
at=$(date -u -d '+1 day' +%Y-%m-%dT%H:%M:%SZ)
sed "s/\"version\": 1/\"version\": 3/; s/\"from\": \"acme-root\"/&, \"active\": \"$at\"/" \
	"$templates/plans/issuing-next.json" >"$issuing_plan"
sed 's/"version": 1/"version": 3/' "$templates/plans/root-sign-next.json" \
	>"$root_plan"
# Where it is rehearsed that generation waits yet.
expect_exit 0 "$PROVCTL" -C "$T/rehearsal-issuing" rotate ca issuing-1 \
	--withdraw
rehearse_next
later_ends 10 media.file run issuing
later_ends 0 '' run root
later_ends 0 '' resume issuing
fourth=$T/media/acme-root/issuing-1.pem
device 9 "$new"
when="-attime $(($(date +%s) + day + 120))"
printf '%-32d' "$((day + 60))" >"$T/offset"
CLOCK_FILE=$T/offset
LD_PRELOAD=$builddir/tests/cli/clock.so
ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0
export CLOCK_FILE LD_PRELOAD ASAN_OPTIONS
device a "$fourth"
expect_exit 0 "$PROVCTL" -C "$I" audit verify
expect_exit 0 "$PROVCTL" -C "$I" audit reconcile
when=
unset CLOCK_FILE LD_PRELOAD ASAN_OPTIONS

case_start "a plan makes no generation while another one waits, and moves none"
for n in 1 2; do
	cat >"$T/waits.json" <<END
{"plan": "waits", "version": $n, "steps": [
  {"step": "generate-key", "purpose": "root", "kind": "P-256"},
  {"step": "self-signed", "ca": "root", "template": "root-ca",
   "active": "$(date -u -d "+$((n + 1)) days" +%Y-%m-%dT%H:%M:%SZ)"}]}
END
	bind_plan "$T/waits.json" "$templates"
	run "$PROVCTL" ceremony rehearse "$T/waits.json" --home \
		"$T/rehearsal-root" --templates "$templates"
	[ "$n" = 1 ] && want=0 || want=9
	expect_equal "$rc" "$want" "exit of plan $n ($(cat "$T/err"))"
done
grep -q "rule: rotate.pending" "$T/err" || fail "$(cat "$T/err")"

tests_end
