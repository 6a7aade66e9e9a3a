# A ceremony that is killed at place after place, and gone on with; sourced
# behind tests/lib.sh and tests/tokens.sh. KILL_STEP=1 kills at every place
# (make check-kill-ceremony), else at each step-th.
#
# The script sets step, and defines
#   anew            all is as it is before the command
#   go NAME=VALUE   the command, with those words in its environment; sets rc
#   go_on           until it is done; sets rc
#   done_well WHAT  fails the case when something is not as it has to be
#
# kill_whole is the exit status of a command that nothing killed.
kill_whole=0
kill_count=0 # what the last row came to; orphans: of all
orphans=0

# kill_words WAY N: how a process comes to its end: before the Nth sync or
# rename, or before or behind the Nth call to a token through tests/fault/shim.so
kill_words() {
	case $1 in
	durable) echo "DIE_AT=$2 LD_PRELOAD=$builddir/tests/cli/die.so" ;;
	before) echo "FAULT_DIE=$2 FAULT_DIE_BEHIND=0" ;;
	behind) echo "FAULT_DIE=$2 FAULT_DIE_BEHIND=1" ;;
	esac
}

# kill_meant WAY: it was killed, and did not fail in a way of its own. 1: the
# process that works died; 7: the one that makes a token did.
kill_meant() {
	[ "$rc" -eq 1 ] || { [ "$rc" -eq 7 ] && [ "$1" != durable ]; } ||
		fail "$1, kill $kill_at: exit $rc is none of a kill"
}

# kill_at_each WAY LEAST: until the command comes to its end, and that is not
# before it was killed so many times. The row of the calls' far side, behind
# that of their near side, goes as far, and by other calls: a process that is
# done by then is not missed.
kill_at_each() {
	kill_count=0
	kill_at=1
	[ "$1" != behind ] || kill_at=$((1 + ${KILL_STEP:-$step} / 2))
	while [ "$case_failed" -eq 0 ]; do
		anew
		# shellcheck disable=SC2046 # no path here has a space
		go $(kill_words "$1" "$kill_at")
		if [ "$rc" -ne "$kill_whole" ]; then
			kill_count=$((kill_count + 1))
			kill_meant "$1"
			go_on
		elif [ "$1" != behind ] || [ "$kill_at" -ge "$kill_calls" ]; then
			break
		fi
		done_well "$1, kill $kill_at"
		kill_at=$((kill_at + ${KILL_STEP:-$step}))
	done
	kill_calls=$kill_at
	echo "# $1: $kill_count kills, $orphans keys so far that nobody recorded"
	[ "$kill_count" -ge "$2" ] || fail "$1: only $kill_count kills"
}

# past_orphans TRANSCRIPT PIN COMMAND...: the command, which sets rc and $T/err,
# until there is no key that nobody recorded. Such a key is named, stands in the
# transcript, and stays until people delete it. orphan_token: acme, or another.
past_orphans() {
	orphan_lines=$1
	orphan_pin=$2
	shift 2
	orphan_tries=0
	while [ "$orphan_tries" -lt 3 ]; do
		orphan_tries=$((orphan_tries + 1))
		"$@"
		[ "$rc" -eq 9 ] && grep -q hsm.label-taken "$T/err" || return
		orphan=$(sed -n 's/.*label \([^ ]*\) is taken.*/\1/p' "$T/err")
		jq -es --arg name "$orphan" 'any(.[];
			.event == "orphan" and .facts.label == $name and
			(.facts.id | test("^[0-9a-f]+$")) and
			(.facts.next | test("delete it")))' \
			"$orphan_lines" >/dev/null ||
			fail "no word of $orphan in the transcript"
		orphans=$((orphans + 1))
		token "$orphan_pin" --delete \
			"pkcs11:token=${orphan_token:-acme};object=$orphan" \
			>/dev/null
	done
}
