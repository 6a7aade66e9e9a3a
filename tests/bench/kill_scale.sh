#!/bin/sh
# make check-kill-scale: SIGKILL at 100 seeded moments in batches of 20,000
# devices: writer, signer, parent and reader in turn. After each kill log and
# store agree, what was given out keeps its bytes and each certificate that was
# has a row; the same command resumes the batch, and a batch that is complete
# is held against the store file by file before the next begins, with new
# devices in the same authority. After two batches that authority is counted
# and a new one begins: an audit takes longer with every device. Prints the
# counts; ends with 1 when one of them is wrong.
#
# KILLS (100), DEVICES in a batch (20000), SEED of the moments (1), KEEP=1
# keeps the folder of a run that failed.
. "$srcdir/tests/bench/lib.sh"
set +e
kills=${KILLS:-100}
devices=${DEVICES:-20000}
seed=${SEED:-1}
template=azure-dps
lives=2 # batches in one authority
out=$work/out     # of the batch
given=$work/given # the bytes of what was there after an earlier kill
failures=0
parent=

end() {
	[ -z "$parent" ] || kill -9 "$parent" 2>/dev/null
	if [ "${KEEP:-0}" = 1 ] && [ "$failures" -gt 0 ]; then
		echo "# kept $work"
	else
		rm -rf "$work"
	fi
}
trap end EXIT

fail() {
	echo "not ok - $*"
	failures=$((failures + 1))
}

# A number from 0 to $1 - 1, the same for the same SEED, $2 and $3.
chosen() {
	printf '%d' "$((0x$(printf '%s %s %s' "$seed" "$2" "$3" | sha256sum |
		cut -c 1-12) % $1))"
}

now_ms() {
	echo $(($(date +%s%N) / 1000000))
}

# children PID: "PID NAME" of each.
children() {
	for stat in /proc/[0-9]*/stat; do
		read -r stat_line <"$stat" || continue
		stat_rest=${stat_line##*) }
		stat_rest=${stat_rest#? }
		[ "${stat_rest%% *}" = "$1" ] || continue
		stat_name=${stat_line#*(}
		echo "${stat_line%% *} ${stat_name%%)*}"
	done 2>/dev/null
}

# issue_start OUTPUT [OPTION]...: the batch in the background, as $parent.
issue_start() {
	issue_output=$1
	shift
	"$PROVCTL" -C "$A" -q issue --template "$template" --jobs 2 \
		--from "$work/in.jsonl" "$@" >"$issue_output" 2>"$work/err" \
		</dev/null &
	parent=$!
}

issue_wait() {
	wait "$parent" 2>/dev/null
	rc=$?
	parent=
}

next_batch() {
	batch=$((batch + 1))
	rm -rf "$out" "$given"
	mkdir -p "$given/certs" "$given/bundles"
	"$BENCH_DIR/gen_requests" "$devices" "$(printf 'kill-%03d' "$batch")" \
		>"$work/in.jsonl"
}

files_out() {
	find "$out/certs" -name '*.pem' 2>/dev/null | wc -l
}

# SoftHSM writes its object files without care for kills (README.md).
token_whole() {
	"$PROVCTL" -C "$A" --json status >"$work/status" 2>&1 && return
	rm -rf "$A/softhsm/tokens"
	cp -a "$work/pristine/softhsm/tokens" "$A/softhsm/tokens"
	restored=$((restored + 1))
	"$PROVCTL" -C "$A" --json status >"$work/status" 2>&1 ||
		fail "no token: $(cat "$work/status")"
}

audited() {
	"$PROVCTL" -C "$A" --json audit verify >"$work/audit" \
		2>"$work/audit.err" </dev/null ||
		fail "audit verify: $(cat "$work/audit" "$work/audit.err")"
	"$PROVCTL" -C "$A" export inventory --csv >"$work/inventory" \
		2>"$work/audit.err" ||
		fail "export inventory: $(cat "$work/audit.err")"
}

# What is out now keeps its bytes from here on.
keep_given() {
	for part in certs bundles; do
		[ -d "$out/$part" ] || continue
		diff -rq "$given/$part" "$out/$part" 2>/dev/null |
			grep -v "^Only in $out" >"$work/changed" &&
			fail "given out with other bytes: $(head -n 3 "$work/changed")"
		# Not what is only staged: those names start with a dot.
		(cd "$out/$part" && find . -name '[!.]*' -type f -print0 |
			xargs -0 -r cp -n -t "$given/$part") ||
			fail "cannot keep what was given out"
	done
}

# Each certificate that is out has a row of the store, by its digest.
certificates_known() {
	[ -d "$out/certs" ] || return
	"$BENCH_DIR/certsums" "$out/certs" | sort >"$work/sums"
	cut -d , -f 7 "$work/inventory" | sort >"$work/known"
	unknown=$((unknown + $(comm -23 "$work/sums" "$work/known" | wc -l)))
}

# ---- a batch without a kill, so that moments fall inside ----

measure_batch() {
	started=$(now_ms)
	issue_start /dev/null --out "$out"
	issue_wait
	[ "$rc" -eq 0 ] || die "a batch without a kill: $(cat "$work/err")"
	whole_ms=$(($(now_ms) - started))
	started=$(now_ms)
	issue_start /dev/null --out "$out"
	issue_wait
	again_ms=$(($(now_ms) - started))
	echo "# $devices devices: $whole_ms ms, run again $again_ms ms;" \
		"seed $seed"
	restore
}

# ---- one kill ----

victim_pid() {
	if [ "$1" = provctl ]; then
		echo "$parent"
		return
	fi
	children "$parent" | awk -v name="$1" -v nth="$2" '$2 == name {
		pid[++n] = $1
	} END { if (n) print pid[nth % n + 1] }'
}

# Until none of those that the parent had is left: the store is theirs.
await_children() {
	cut -d ' ' -f 1 "$work/children" | while read -r child; do
		tries=0
		while [ -d "/proc/$child" ] && [ "$tries" -lt 500 ]; do
			sleep 0.01
			tries=$((tries + 1))
		done
	done
}

# Up to a fifth of a batch's time after what is answered from the store at
# once; half of that after each moment in a row that came too late.
choose_delay() {
	delay_span=$((whole_ms / 5 + again_ms * $(files_out) / devices))
	delay_span=$(((delay_span >> (late < 12 ? late : 12)) + 1))
	delay=$((20 + $(chosen "$delay_span" "$round" "$1")))
}

# The victim may not have started yet; one that has ended does not come back.
find_victim() {
	looks=0
	pid=$(victim_pid "$1" "$round")
	while [ -z "$pid" ] && [ "$looks" -lt 20 ]; do
		sleep 0.01
		looks=$((looks + 1))
		pid=$(victim_pid "$1" "$round")
	done
}

# run_and_kill VICTIM: killed (yes, no), rc.
run_and_kill() {
	choose_delay "$1"
	issue_start /dev/null --out "$out"
	sleep "$(printf '%d.%03d' $((delay / 1000)) $((delay % 1000)))"
	find_victim "$1"
	children "$parent" >"$work/children"
	killed=no
	if [ -n "$pid" ] && kill -9 "$pid" 2>/dev/null; then
		killed=yes
	fi
	issue_wait
	await_children
}

after_kill() {
	token_whole
	audited
	open=$(field open_intents "$work/audit")
	keep_given
	certificates_known
	[ "$killed" = yes ] && [ "$rc" -ne 0 ] || return
	number=$((number + 1))
	eval "hits_$1=\$((hits_$1 + 1))"
	[ "${open:-0}" -eq 0 ] || between=$((between + 1))
	echo "# kill $number: $1 after $delay ms of batch $batch, exit $rc," \
		"${open:-?} open intents, $(files_out) certificates out"
}

# ---- a complete batch against the store ----

batch_complete() {
	token_whole
	audited
	keep_given
	certificates_known
	[ "$(field open_intents "$work/audit")" = 0 ] ||
		fail "batch $batch is complete, with open intents"
	issue_start "$work/stored.jsonl"
	issue_wait
	[ "$rc" -eq 0 ] || fail "batch $batch again: $(cat "$work/err")"
	"$BENCH_DIR/agree" "$work/stored.jsonl" "$out" >"$work/agree" ||
		fail "batch $batch: files and store differ: $(cat "$work/agree")"
	[ "$(field devices "$work/agree")" = "$devices" ] ||
		fail "batch $batch: $(cat "$work/agree")"
	differences=$((differences + $(field differences "$work/agree")))
	completed=$((completed + 1))
	lived=$((lived + 1))
	echo "# batch $batch is complete: $(cat "$work/agree")"
}

finish_batch() {
	issue_start /dev/null --out "$out"
	issue_wait
	[ "$rc" -eq 0 ] || fail "batch $batch does not end: $(cat "$work/err")"
	batch_complete
}

# ---- an authority with all its batches ----

repeated() {
	cut -d , -f "$1" "$work/rows" | sort | uniq -d | wc -l
}

life_ends() {
	tail -n +2 "$work/inventory" >"$work/rows"
	rows=$(wc -l <"$work/rows")
	[ "$rows" -eq $((lived * devices)) ] ||
		fail "$rows rows for $lived batches"
	all_rows=$((all_rows + rows))
	same_serials=$((same_serials + $(repeated 6)))
	same_certs=$((same_certs + $(repeated 7)))
	open_intents=$((open_intents + $(field open_intents "$work/audit")))
	lived=0
	restore
}

# ---- all of it ----

new_authority
restored=0 between=0 missed=0 number=0 round=0 completed=0 lived=0
unknown=0 differences=0 batch=0 all_rows=0 late=0
same_serials=0 same_certs=0 open_intents=0
hits_reader=0 hits_signer=0 hits_writer=0 hits_provctl=0
next_batch
measure_batch
rm -rf "$out"
while [ "$number" -lt "$kills" ] && [ "$round" -lt $((kills * 4)) ]; do
	round=$((round + 1))
	case $((number % 4)) in
	0) victim=writer ;;
	1) victim=signer ;;
	2) victim=provctl ;;
	3) victim=reader ;;
	esac
	before=$number
	run_and_kill "$victim"
	if [ "$rc" -eq 0 ]; then
		missed=$((missed + 1))
		late=$((late + 1))
		batch_complete
		[ "$lived" -lt "$lives" ] || life_ends
		next_batch
		continue
	fi
	after_kill "$victim"
	late=0
	[ "$number" -gt "$before" ] || missed=$((missed + 1))
done
finish_batch
life_ends

echo "# kills: $number of $kills; writer $hits_writer, signer $hits_signer," \
	"parent $hits_provctl, reader $hits_reader"
echo "# between intent and result: $between; moments missed: $missed;" \
	"token restored: $restored"
echo "# batches: $completed of $devices devices; rows: $all_rows"
echo "# duplicate serials: $same_serials; equal certificates: $same_certs;" \
	"certificates without a row: $unknown; open intents: $open_intents;" \
	"files that differ from the store: $differences"
[ "$number" -eq "$kills" ] || fail "only $number of $kills kills"
for count in "$same_serials" "$same_certs" "$unknown" "$open_intents" \
	"$differences"; do
	[ "$count" -eq 0 ] || fail "a count above is not 0"
done
[ "$failures" -eq 0 ] || exit 1
echo "ok - $number kills in $completed batches of $devices devices"
