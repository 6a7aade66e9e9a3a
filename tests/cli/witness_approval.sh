#!/bin/sh
# With witnesses, approvals are taken once these have seen the log since the
# request was made, and not long ago: a machine that was set back as a whole
# takes no approval a second time, since no witness cosigns it any more.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/people.sh"

W=$T/w
mkdir "$W"

clock_set() { # seconds ahead
	printf '%-32d' "$1" | dd of="$T/offset" conv=notrunc 2>/dev/null
}

watch() { # EXIT [OPTION]: the witness looks at the exported log
	expect_exit "$1" "$PROVCTL" audit witness --log "$T/log" --state \
		"$W/state" --key "$W/key" --log-key "$(cat "$T/vkey")" ${2:-}
	cp "$T/out" "$W/line"
}

cosigned() { # [OPTION]: and the authority takes its line in
	expect_exit 0 "$PROVCTL" -C "$H" export log --out "$T/log"
	watch 0 "${1:-}"
	by alice audit cosign --from "$W/line"
	expect_equal "$rc" 0 "exit of audit cosign"
}

open_order() { # EXIT
	expect_exit "$1" "$PROVCTL" -C "$H" order open "$T/o.json" \
		--approval "$T/notes/alice.note" \
		--approval "$T/notes/bob.note"
}

ask() { # for an order of that name
	make_order "$T/o.json" "$1" "$templates/symmetric-sensor.json" 3
	run "$PROVCTL" -C "$H" order open "$T/o.json" --request "$T/$1.q"
	expect_equal "$rc" 11 "exit without approvals"
	approve alice "$T/$1.q"
	approve bob "$T/$1.q"
}

for name in alice bob carol; do
	officer_key "$name"
done
new_authority
p export key --purpose log --vkey >"$T/vkey"
expect_exit 0 "$PROVCTL" audit witness --new-key "$W/key" --name w.example
cp "$T/out" "$H/witnesses"
jq '.log.witnesses_required = 1' "$H/provctl.json" >"$T/conf"
cat "$T/conf" >"$H/provctl.json"
make_roster "$T/r.json" 1 '"roster": 2' alice:security-officer \
	bob:security-officer carol:security-officer
expect_exit 0 "$PROVCTL" -C "$H" officer roster "$T/r.json"
clock_set 0
CLOCK_FILE=$T/offset
LD_PRELOAD=$builddir/tests/cli/clock.so
ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0
export CLOCK_FILE LD_PRELOAD ASAN_OPTIONS

case_start "cosigned before the request was made: the approvals wait"
cosigned --first
cp -a "$H" "$T/unasked"
clock_set 10
ask o-1
open_order 11
expect_text "rule: log.witnesses"
expect_text "the log has grown since witnesses cosigned it"
expect_equal "$(p --json audit show --last 1 | jq -r .type)" approval.ask \
	"the newest entry"

case_start "a machine set back behind the request knows none of its approvals"
cp -a "$H" "$T/asked"
rm -rf "$H"
cp -a "$T/unasked" "$H"
clock_set 15
cosigned
open_order 4
expect_text "rule: approval.age"
rm -rf "$H" "$T/log" "$W/state"
cp -a "$T/asked" "$H"

case_start "cosigned since, but long ago: they wait, too"
clock_set 20
cosigned --first
clock_set 700
open_order 11
expect_text "more than 600 s ago"

case_start "cosigned just now, at the same size of the log: they are taken"
cp -a "$H" "$T/backup"
cosigned
open_order 0

case_start "the whole machine set back: taken by no command, cosigned by none"
expect_exit 0 "$PROVCTL" -C "$H" export log --out "$T/log"
watch 0
rm -rf "$H"
cp -a "$T/backup" "$H"
clock_set 710
open_order 11
expect_text "rule: log.witnesses"
rm -rf "$T/log"
expect_exit 0 "$PROVCTL" -C "$H" export log --out "$T/log"
watch 5
open_order 11
expect_exit 0 "$PROVCTL" -C "$H" audit verify

tests_end
