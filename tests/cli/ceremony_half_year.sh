#!/bin/sh
# An offline root sleeps from one list to the next: half a year later its plan
# is rehearsed and run, and a clock that is further ahead is still denied.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/tokens.sh"
day=86400

H=$T/acme
R=$T/rehearsal
cp "$srcdir/templates/root-ca-offline.json" "$templates/root-ca-offline.json"
cp "$srcdir/templates/plans/root-crl.json" "$T/crl.json"

# first PLAN TEMPLATE [STEPS]
first() {
	cat >"$T/$1.json" <<-END
	{"plan": "$1", "version": 1, "steps": [
	  {"step": "init-token"},
	  {"step": "generate-key", "purpose": "root", "kind": "P-256"},
	  {"step": "generate-key", "purpose": "log", "kind": "P-256"},
	  ${3:-}
	  {"step": "self-signed", "ca": "root", "template": "$2"}]}
	END
	bind_plan "$T/$1.json" "$templates"
}

rehearse() { # PLAN OPTION...
	file=$1
	shift
	(unset SOFTHSM2_CONF
	"$PROVCTL" ceremony rehearse "$T/$file.json" --templates "$templates" \
		"$@") >"$T/out" 2>"$T/err"
	rc=$?
}

days() { # HOME
	jq .clock_max_step_days "$1/provctl.json"
}

clock_set() {
	printf '%-32d' "$1" | dd of="$T/offset" conv=notrunc 2>/dev/null
}

case_start "a CA whose lists are good for days: the log is never still for long"
first awake root-ca
rehearse awake --home "$T/awake" --name acme
expect_equal "$rc" 0 "exit of the rehearsal ($(tail -n 3 "$T/err"))"
expect_equal "$(days "$T/awake")" 30 "days of an authority that is awake"

case_start "one of two CAs is enough to be awake"
first both root-ca-offline '{"step": "generate-key", "purpose": "issuing-1",
	"kind": "P-256"}, {"step": "make-csr", "ca": "issuing-1",
	"template": "issuing-ca"},'
mkdir "$T/medium"
rehearse both --home "$T/both" --name acme --media "$T/medium"
expect_equal "$rc" 0 "exit of the rehearsal ($(tail -n 3 "$T/err"))"
expect_equal "$(days "$T/both")" 30 "days of an authority of two CAs"

case_start "an offline root: as long as its lists are good, and a month"
first offline root-ca-offline
rehearse offline --home "$R" --name acme
expect_equal "$rc" 0 "exit of the rehearsal ($(tail -n 3 "$T/err"))"
expect_equal "$(days "$R")" 213 "days of the rehearsal"
use_tokens "$T/tokens"
bind_tokens "$softhsm" acme
expect_exit 0 "$PROVCTL" ceremony run "$T/offline.json" --home "$H" \
	--name acme --binding "$T/binding.json" --rehearsal "$R" \
	--templates "$templates" --answers "$T/yes"
expect_equal "$(days "$H")" 213 "days of the authority"

clock_set 0
CLOCK_FILE=$T/offset
LD_PRELOAD=$builddir/tests/cli/clock.so
ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0
export CLOCK_FILE LD_PRELOAD ASAN_OPTIONS

case_start "half a year later: rehearsed and run"
clock_set $((170 * day))
rehearse crl --home "$R"
expect_equal "$rc" 0 "exit of the rehearsal ($(tail -n 3 "$T/err"))"
expect_exit 0 "$PROVCTL" -C "$H" ceremony run "$T/crl.json" \
	--rehearsal "$R" --templates "$templates" --answers "$T/yes"
expect_exit 0 "$PROVCTL" ceremony verify --unattended --plan "$T/crl.json" \
	"$H/ceremonies/root-crl-1/transcript.jsonl"
verify_audit

case_start "further ahead than a list and a month: denied"
clock_set $(((170 + 220) * day))
expect_error 4 clock.step -C "$H" export chain
expect_text "provctl clock accept"

tests_end
