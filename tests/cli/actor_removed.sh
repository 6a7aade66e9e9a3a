#!/bin/sh
# A run goes on for long: who loses a role meanwhile, or the key, is denied from
# then on, and what was begun before is finished.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/people.sh"

new_authority
for name in alice bob dave; do
	officer_key "$name"
done
two="alice:security-officer bob:security-officer"
sensor=$templates/symmetric-sensor.json
version=0

# change NAME:ROLE...: the next roster, of alice, bob and these.
change() {
	version=$((version + 1))
	# shellcheck disable=SC2086  # words
	make_roster "$T/roster.json" "$version" '"roster": 1' $two "$@"
	if [ "$version" -eq 1 ]; then
		set --
	else
		expect_exit 11 "$PROVCTL" -C "$H" officer roster \
			"$T/roster.json" --request "$T/q$version.json"
		approve alice "$T/q$version.json"
		set -- --approval "$T/notes/alice.note"
	fi
	expect_exit 0 "$PROVCTL" -C "$H" officer roster "$T/roster.json" "$@"
}

# stream [OPTION]...: a run that waits for lines, as officer $who or nobody.
stream() {
	rm -f "$T/in" "$T/stream"
	mkfifo "$T/in"
	# shellcheck disable=SC2086  # words
	"$PROVCTL" -C "$H" ${who:+--as $who --key "$T/keys/$who.key"} issue \
		--template symmetric-sensor --stream "$@" <"$T/in" \
		>"$T/stream" 2>"$T/stream.err" &
	pid=$!
	echo "$pid" >>"$T/pids"
	exec 9>"$T/in"
	lines=0
}

# ask DEVICE: the next line; $T/answer is what comes back.
ask() {
	lines=$((lines + 1))
	echo "{\"device\":\"$1\"}" >&9
	ask_i=0
	until [ "$(wc -l <"$T/stream")" -ge "$lines" ]; do
		ask_i=$((ask_i + 1))
		if [ "$ask_i" -gt 300 ]; then
			fail "no answer for $1: $(cat "$T/stream.err")"
			return
		fi
		sleep 0.1
	done
	tail -n 1 "$T/stream" >"$T/answer"
}

# answered STATUS RULE
answered() {
	expect_equal "$(jq -r '.status + " " + (.error.rule // "-")' \
		"$T/answer")" "$1 $2" answer
}

# ended CODE
ended() {
	exec 9>&-
	wait "$pid"
	expect_equal "$?" "$1" "exit of the run"
}

case_start "the first roster ends what anybody might do"
who=
stream
ask S0000000101
answered issued -
change dave:operator
ask S0000000102
answered denied actor.role
ask S0000000101
answered denied actor.role
ended 4
verify_audit

case_start "an operator goes on through a change that leaves them in"
who=dave
stream
ask S0000000103
answered issued -
change dave:operator
ask S0000000104
answered issued -
change dave:technician
ask S0000000105
answered denied actor.role
change dave:operator
ask S0000000105
answered issued -
change
ask S0000000106
answered denied actor.unknown
ended 4
expect_equal "$(p --json audit show --type request.deny |
	jq -r '.facts.rule' | tr '\n' ' ')" \
	"actor.role actor.role actor.role actor.unknown " "what the log says"
verify_audit

case_start "a key that was taken out is nobody's"
change dave:operator
stream
ask S0000000107
answered issued -
rm "$T/keys/dave.key" "$T/keys/dave.vkey"
officer_key dave
change dave:operator
ask S0000000108
answered denied actor.unknown
ended 4

case_start "within an order who stays in the roster goes on, and is bound"
digest=$(sha256sum <"$sensor" | cut -d ' ' -f 1)
jq -n --arg digest "$digest" '{order: "o-1", template: "symmetric-sensor",
	version: 1, template_sha256: $digest, quantity: 9}' >"$T/o-1.json"
expect_exit 11 "$PROVCTL" -C "$H" order open "$T/o-1.json" --request "$T/o.json"
approve alice "$T/o.json"
expect_exit 0 "$PROVCTL" -C "$H" order open "$T/o-1.json" \
	--approval "$T/notes/alice.note"
stream --order o-1
ask S0000000109
answered issued -
ask S0000000101
answered existing -
change dave:auditor
ask S0000000110
answered issued -
ask S0000000101
answered denied actor.role
change
ask S0000000111
answered denied actor.unknown
ended 4
verify_audit

tests_end
