#!/bin/sh
# Who may do what under a roster: every verb, done by every role and by nobody
# in particular, with the code that each gets.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/people.sh"

roles="nobody officer operator auditor technician"
new_authority
for name in officer operator auditor technician second; do
	officer_key "$name"
done
new_device symmetric-sensor S0000000001
issue symmetric-sensor S0000000001 -o "$T/1.pvb"
expect_equal "$rc" 0 "exit of issue without a roster"
open_order o-1 "$templates/symmetric-sensor.json" 5
make_order "$T/o-2.json" o-2 "$templates/symmetric-sensor.json" 5
open_order end-1 "$templates/symmetric-sensor.json" 5
open_order end-2 "$templates/symmetric-sensor.json" 1
issue symmetric-sensor S0000000022 --order end-2
expect_equal "$rc" 0 "exit of the one device of end-2"
adopt_changed symmetric-sensor watched -e 's|"without_order": true|&, \
	"stations": ["line-*"], "on_anomaly": "quarantine"|'
issue watched S0000000002 --station shed
expect_equal "$(json_field status "$T/out")" quarantined status
printf x >"$T/value"
expect_exit 0 "$PROVCTL" -C "$H" secret add old-key --from "$T/value"
make_roster "$T/r1.json" 1 '"roster": 1' officer:security-officer \
	second:security-officer operator:operator auditor:auditor \
	technician:technician
expect_exit 0 "$PROVCTL" -C "$H" officer roster "$T/r1.json"
jq '.version = 2' "$T/r1.json" >"$T/r2.json"
sed 's|"version": 1,|"version": 2,|' "$srcdir/templates/tls-client.json" \
	>"$T/t2.json"
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$T/prog.key" -out \
	"$T/prog.pem" -subj /CN=programmer -days 2 2>/dev/null

done_by=0
denied=0
# row CODES COMMAND...: CODES is one a role, with commas, in the order above.
row() {
	codes=$1
	shift
	for role in $roles; do
		want=${codes%%,*}
		codes=${codes#*,}
		rm -f "$T/o"
		rm -rf "$T/d"
		if [ "$role" = nobody ]; then
			run "$PROVCTL" -C "$H" "$@"
		else
			by "$role" "$@"
		fi
		[ "$rc" = "$want" ] || {
			fail "exit $rc, not $want, by $role: $*"
			show_output
		}
		done_by=$((done_by + 1))
		[ "$want" -ne 4 ] || {
			denied=$((denied + 1))
			expect_text actor.role
		}
	done
}

case_start "everybody reads"
row 0,0,0,0,0 status
row 0,0,0,0,0 audit verify
row 0,0,0,0,0 audit show
row 0,0,0,0,0 audit reconcile --no-out
row 0,0,0,0,0 policy list
row 0,0,0,0,0 policy show tls-client
row 0,0,0,0,0 policy lint "$srcdir/templates/tls-client.json"
row 0,0,0,0,0 officer review
row 0,0,0,0,0 officer show
row 0,0,0,0,0 secret list
row 0,0,0,0,0 audit anomalies
row 0,0,0,0,0 policy test "$srcdir/templates/examples/field-sensor.json" \
	"$srcdir/templates/examples/field-sensor.cases.json"
row 0,0,0,0,0 policy diff tls-client "$T/t2.json"
row 0,0,0,0,0 policy drift
row 0,0,0,0,0 order show
row 0,0,0,0,0 order show o-1
row 0,0,0,0,0 quarantine list --all
row 0,0,0,0,0 quarantine show 1

case_start "and gets what is public"
row 0,0,0,0,0 export chain -o "$T/o"
row 0,0,0,0,0 export key --purpose log --vkey -o "$T/o"
row 0,0,0,0,0 export inventory -o "$T/o"
row 0,0,0,0,0 export log --out "$T/d"
row 10,10,10,10,10 export proof --device S0000000001 -o "$T/o"

case_start "issue and bundles without an order are for those who work there"
row 4,4,0,4,4 issue --template symmetric-sensor --device S0000000001 -o "$T/o"
row 4,4,0,4,0 export bundle --device S0000000001 -o "$T/o"
row 4,4,0,4,0 export segment --device S0000000001 --out "$T/d"
row 4,4,0,4,0 attest event burn-in --station line-1 --device S0000000001 \
	-o "$T/o"

case_start "within an open order, for anybody"
row 0,0,0,0,0 issue --template symmetric-sensor --order o-1 \
	--device S0000000003 -o "$T/o"
row 0,0,0,0,0 export bundle --device S0000000003 -o "$T/o"
row 0,0,0,0,0 export segment --device S0000000003 --out "$T/d"
row 4,4,0,4,4 issue --template symmetric-sensor --stream

case_start "the end of an order is for those who answer for it"
row 4,0,0,4,4 order close end-2 -o "$T/o"
row 4,11,11,4,4 order close end-1 -o "$T/o"

case_start "secrets and witnesses"
row 4,0,4,4,4 export escrow --all --out "$T/d"
row 4,10,4,10,4 audit cosign --from "$T/no-such-file"
row 4,0,4,4,4 rotate kdf --prepare
row 4,0,4,4,4 rotate ocsp --prepare
row 4,3,4,4,4 rotate pin --new-pin-source "file:$H/softhsm/pin"

case_start "what a quorum decides, anybody may ask for"
row 11,11,11,11,11 officer roster "$T/r2.json"
row 11,11,11,11,11 rotate ca matter-pai
row 11,11,11,11,11 rotate bundle
row 11,11,11,11,11 rotate ocsp
row 11,11,11,11,11 policy adopt "$T/t2.json"
row 11,11,11,11,11 secret add fleet-key --from "$T/prog.key"
row 11,11,11,11,11 export kek --to "$T/prog.pem" --device S0000000001 -o "$T/o"
row 11,11,11,11,11 secret rotate old-key --from "$T/prog.key"
row 11,11,11,11,11 secret destroy old-key
row 11,11,11,11,11 order open "$T/o-2.json"
row 11,11,11,11,11 quarantine release 1
row 11,11,11,11,11 quarantine reject 1
row 0,0,0,0,0 clock accept --until 2100-01-01T00:00:00Z
expect_text "within bounds"

case_start "the log says who it was, and only whom a key proved"
for role in operator auditor; do
	p --json audit show >"$T/story"
	jq -e -s --arg who "$role" 'map(select(.actor == $who and
		.type == "export")) | length > 0' "$T/story" >/dev/null ||
		fail "nothing by $role"
done
run "$PROVCTL" -C "$H" --as officer --key "$T/keys/operator.key" export chain
expect_equal "$rc" 3 "exit with another's key"
"$PROVCTL" officer key new --name officer --file "$T/keys/fake.key" >"$T/fake"
run "$PROVCTL" -C "$H" --as officer --key "$T/keys/fake.key" export chain
expect_equal "$rc" 4 "exit with a key of one's own under that name"
expect_text actor.unknown
verify_audit

case_start "a key that has to be in a token is refused as a file"
jq '.version = 2 | .officers[2].keys[0].kind = "token"' "$T/r1.json" \
	>"$T/r2.json"
expect_exit 11 "$PROVCTL" -C "$H" officer roster "$T/r2.json" \
	--request "$T/q.json"
approve second "$T/q.json"
expect_exit 0 "$PROVCTL" -C "$H" officer roster "$T/r2.json" \
	--approval "$T/notes/second.note"
by operator export chain
expect_equal "$rc" 4 "exit with a file"
expect_text actor.kind

echo "# $done_by runs by $(echo "$roles" | wc -w) roles, $denied denied"
tests_end
