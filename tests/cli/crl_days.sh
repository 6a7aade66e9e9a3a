#!/bin/sh
# Ten days of clock: made hour by hour, numbers of lists rise strictly, also with
# a clock that goes back in between. Then nobody makes any: status warns a day
# before any nextUpdate, of lists, of OCSP answers and of the certificate that
# signs these, and what has ended is never given out silently.
. "$(dirname "$0")/../lib.sh"
hour=3600
day=86400

clock_set() {
	printf '%-32d' "$1" | dd of="$T/offset" conv=notrunc 2>/dev/null
}

# Lists of 48 hours, due a day before; one CA below the root, with a responder.
jq '.crl = {shards: 2, lifetime_hours: 48, overlap_hours: 24}' \
	"$srcdir/templates/issuing-ca.json" >"$templates/issuing-ca.json"
jq '.steps |= (map(select((.purpose // .ca // .template // "") |
		startswith("matter") | not)) |
	.[0:3] + [{step: "generate-key", purpose: "ocsp", kind: "P-256"}] +
	.[3:])' "$srcdir/templates/plans/softhsm-demo.json" \
	>"$templates/plans/softhsm-demo.json"
new_authority
clock_set 0
CLOCK_FILE=$T/offset
LD_PRELOAD=$builddir/tests/cli/clock.so
ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0
export CLOCK_FILE LD_PRELOAD ASAN_OPTIONS
jq '.template = "asks" | .class = "0d4f3a52-8e19-4c6b-9d27-51b8e0c7f311" |
	.certificate.extensions.authorityInfoAccess =
	{ocsp: "http://ocsp.example.com"}' "$srcdir/templates/tls-client.json" \
	>"$T/asks.json"
expect_exit 0 "$PROVCTL" -C "$H" policy adopt "$T/asks.json"
for i in 1 2; do
	new_device asks client-0000000$i
	issue asks client-0000000$i
	expect_equal "$rc" 0 "exit of issue ($(cat "$T/err"))"
done
jq '.template = "brief" | .class = "0d4f3a52-8e19-4c6b-9d27-51b8e0c7f312" |
	.certificate.validity = {days: 5}' "$T/asks.json" >"$T/brief.json"
expect_exit 0 "$PROVCTL" -C "$H" policy adopt "$T/brief.json"
new_device brief client-00000003
issue brief client-00000003
expect_equal "$rc" 0 "exit of issue ($(cat "$T/err"))"

# number: of the list that is published.
number() {
	LD_PRELOAD='' openssl crl -inform DER -noout -crlnumber \
		-in "$H/publish/crl/issuing-1/1.crl" >"$T/number" 2>&1
	echo $((0x$(sed 's/.*0x//' "$T/number")))
}

# next_update KIND: of status, in seconds since the epoch.
next_update() {
	p --json status | jq -r ".crls[]? | select(.ca == \"issuing-1\" and
		.kind == \"$1\") | .next_update | fromdate"
}

# answers FIELD: the times of that name in the published answers.
answers() {
	for f in "$H"/publish/ocsp/issuing-1/*.ors; do
		LD_PRELOAD='' openssl ocsp -respin "$f" -noverify -resp_text \
			2>/dev/null | grep -m 1 "$1" | sed 's/.*: //'
	done | sort -u
}

# answered NAMES: as many answers are published, and links to them.
answered() {
	expect_equal "$(find "$H/publish/ocsp" -name '*.ors' | wc -l)" "$1" \
		"answers $2"
	expect_equal "$(find "$H/publish/ocsp" -type l | wc -l)" "$1" "links $2"
}

case_start "hour by hour: every list has the next number"
first=$(number)
last=$first
i=0
while [ "$i" -le 240 ]; do
	clock_set $((i * hour))
	p -q rotate crl --all >"$T/out" 2>"$T/err" ||
		fail "hour $i: $(cat "$T/err")"
	n=$(number)
	[ "$n" -eq $((last + 1)) ] || fail "hour $i: number $n after $last"
	last=$n
	# Until the answer has ended that was made before the certificate did.
	[ "$i" -ne 166 ] || answered 3 "at hour $i"
	[ "$i" -ne 170 ] || answered 2 "at hour $i"
	if [ $((i % 24)) -eq 12 ]; then
		clock_set $(((i - 5) * hour))
		expect_error 4 clock.backwards -C "$H" rotate crl --all
		expect_equal "$(number)" "$last" "number at hour $i, set back"
		clock_set $((i * hour))
		expect_exit 0 "$PROVCTL" -C "$H" status
	fi
	i=$((i + 1))
done
expect_equal "$last" $((first + 241)) "lists in ten days"
answered 2 "after ten days"
verify_audit

case_start "by a timer twice a day: what is due, none near its end"
i=0
made=0
while [ "$i" -le 240 ]; do
	clock_set $(((240 + i) * hour))
	if [ $((i % 12)) -eq 0 ]; then
		p --json rotate crl >"$T/out" 2>"$T/err" ||
			fail "hour $i: $(cat "$T/err")"
		made=$((made + $(jq .lists "$T/out")))
	fi
	n=$(number)
	[ "$n" -ge "$last" ] || fail "hour $i: number $n after $last"
	last=$n
	run "$PROVCTL" -C "$H" export crl --ca issuing-1 --shard 1
	expect_equal "$rc" 0 "exit of export at hour $i"
	i=$((i + 6))
done
[ "$made" -ge 16 ] || fail "only $made lists in ten days"

case_start "answers end together, also when one is revoked near their end"
expect_exit 0 "$PROVCTL" -C "$H" rotate crl --all
at=$(($(next_update ocsp) - $(LD_PRELOAD='' date +%s) - 23 * hour))
clock_set "$at"
expect_exit 0 "$PROVCTL" -C "$H" revoke --device client-00000001 \
	--reason superseded
expect_equal "$(answers 'Next Update' | wc -l)" 1 "different ends"
expect_exit 0 "$PROVCTL" -C "$H" rotate crl --all
for f in "$H"/publish/ocsp/issuing-1/*.ors; do
	LD_PRELOAD='' openssl ocsp -respin "$f" -noverify -resp_text \
		2>/dev/null | sed -n '/BEGIN/,/END/p' >"$T/responder.pem"
	until=$(LD_PRELOAD='' openssl x509 -in "$T/responder.pem" -noout \
		-enddate | sed 's/.*=//')
	until=$(LD_PRELOAD='' date -d "$until" +%s)
	[ "$until" -ge "$(next_update ocsp)" ] ||
		fail "the responder's certificate ends before its answers"
done

case_start "no timer any more: 4 a day before the end, 5 after it"
for kind in crl ocsp; do
	next=$(next_update $kind)
	clock_set $((next - $(LD_PRELOAD='' date +%s) - 25 * hour))
	expect_exit 0 "$PROVCTL" -C "$H" status
	at=$((next - $(LD_PRELOAD='' date +%s) - 23 * hour))
	clock_set "$at"
	expect_error 4 status.crl -C "$H" status
	expect_equal "$(jq -s -c ".[0].crls[] | select(.ca == \"issuing-1\" and
		.kind == \"$kind\") | [.ending, .expired]" "$T/out")" \
		'[true,false]' "alarm about $kind"
done
expect_exit 0 "$PROVCTL" -C "$H" export crl --ca issuing-1 --shard 0
expect_exit 0 "$PROVCTL" -C "$H" export ocsp --device client-00000002
clock_set $((at + 24 * hour))
expect_error 5 crl.expired -C "$H" status
expect_error 5 crl.expired -C "$H" export crl --ca issuing-1 --shard 0
expect_error 5 ocsp.expired -C "$H" export ocsp --device client-00000002
[ -f "$H/publish/crl/issuing-1/0.crl" ] || fail "the list is not there"

case_start "run again: all is well, and the number is the next one"
before=$(number)
expect_exit 0 "$PROVCTL" -C "$H" rotate crl
expect_exit 0 "$PROVCTL" -C "$H" status
expect_equal "$(number)" $((before + 1)) number

case_start "a clock that went back makes no list"
clock_set $((at - 3 * day))
expect_error 4 clock.backwards -C "$H" rotate crl --all
clock_set $((at + 25 * hour))
expect_exit 0 "$PROVCTL" -C "$H" rotate crl --all
verify_audit

case_start "a CA that has ended has no list that could be late"
LD_PRELOAD=
H=$T/ends
jq '.certificate.validity = {days: 12}' "$templates/issuing-ca.json" \
	>"$T/issuing.json"
cp "$T/issuing.json" "$templates/issuing-ca.json"
new_authority "$T/ends"
LD_PRELOAD=$builddir/tests/cli/clock.so
clock_set 0
expect_exit 0 "$PROVCTL" -C "$H" rotate crl
clock_set $((10 * day))
expect_exit 0 "$PROVCTL" -C "$H" rotate ca issuing-1
clock_set $((13 * day))
expect_error 5 crl.expired -C "$H" status
expect_exit 0 "$PROVCTL" -C "$H" rotate crl
expect_exit 0 "$PROVCTL" -C "$H" status
expect_text "none any more: the CA has ended"
verify_audit

tests_end
