#!/bin/sh
# SIGKILL in a batch at seeded, printed moments: reader, signer, writer and
# parent in turn. After each: log and store agree; the same command again
# resumes. At the end each device has one certificate and one bundle, the same
# bytes wherever they had been given out before, and no serial is used twice.
#
# KILLS  how many moments (6; make check-kill takes 30)
# SEED   of the moments (1); DEVICES in a batch (500)
. "$(dirname "$0")/../lib.sh"
kills=${KILLS:-6}
devices=${DEVICES:-500}
seed=${SEED:-1}

# A number from 0 to $1 - 1, the same for the same SEED and $2.
chosen() {
	printf '%d' "$((0x$(printf '%s %s %s' "$seed" "$2" "$3" | sha256sum |
		cut -c 1-12) % $1))"
}

batch() {
	"$PROVCTL" -C "$H" -q issue --template azure-dps --jobs 2 \
		--from "$T/in.jsonl" --out "$1" >"$T/out" 2>"$T/err" </dev/null
}

# What was given out (OUT folder $1) is kept by its first bytes in $T/given.
keep_given() {
	for part in certs bundles; do
		[ -d "$1/$part" ] || continue
		mkdir -p "$T/given/$part"
		diff -rq "$T/given/$part" "$1/$part" 2>/dev/null |
			grep '^Files' >"$T/changed" &&
			fail "given out with other bytes: $(head -n 3 "$T/changed")"
		cp -n "$1/$part"/* "$T/given/$part/" 2>/dev/null
	done
	return 0
}

# SoftHSM writes its object files without care for kills.
token_whole() {
	p --json status >"$T/status" 2>&1 && return
	rm -rf "$H/softhsm/tokens"
	cp -a "$T/tokens" "$H/softhsm/tokens"
	restored=$((restored + 1))
	p --json status >"$T/status" 2>&1 || fail "no token: $(cat "$T/status")"
}

new_authority
: >"$T/many"
i=0
while [ "$i" -lt "$devices" ]; do
	id=$(printf 'dev-%05d' "$i")
	printf '{"dir":"%s/dev/%s","device":"%s"}\n' "$T" "$id" "$id"
	i=$((i + 1))
done >"$T/many"
mkdir -p "$T/dev"
"$PROVDEV" keygen-many "$T/many" || exit 1
for id in $(jq -r .device "$T/many"); do
	printf '{"device":"%s","csr_file":"dev/%s/csr.pem"}\n' "$id" "$id"
done >"$T/in.jsonl"
cp -a "$H" "$T/empty"
cp -a "$H/softhsm/tokens" "$T/tokens"

# How long it takes here, so that moments fall inside.
start=$(date +%s%N)
batch "$T/timed" || {
	echo "not ok - $script: a batch without a kill: $(cat "$T/err")"
	exit 1
}
whole_ms=$((($(date +%s%N) - start) / 1000000))
rm -rf "$H" "$T/timed"
cp -a "$T/empty" "$H"
echo "# $devices devices take $whole_ms ms here; seed $seed"

restored=0
between=0
missed=0
hits_reader=0 hits_signer=0 hits_writer=0 hits_provctl=0
number=0
round=0
case_start "$kills kills in batches of $devices: reader, signer, writer, parent"
while [ "$number" -lt "$kills" ] && [ "$round" -lt $((kills * 24)) ]; do
	round=$((round + 1))
	# With few devices left to be issued, a new life starts.
	if [ "$round" -gt 1 ] &&
		[ "$(wc -l <"$T/left")" -lt $((devices / 2)) ]; then
		rm -rf "$H" "$T/o" "$T/given"
		cp -a "$T/empty" "$H"
	fi
	case $((round % 4)) in
	0) victim=writer ;;
	1) victim=signer ;;
	2) victim=provctl ;;
	3) victim=reader ;;
	esac
	# The reader is done long before the others.
	delay=$((20 + $(chosen "$whole_ms" "$round" "$victim")))
	[ "$victim" != reader ] || delay=$((1 + $(chosen 30 "$round" reader)))
	batch "$T/o" &
	shell=$!
	echo "$shell" >>"$T/pids"
	parent=
	tries=0
	while [ -z "$parent" ] && [ "$tries" -lt 200 ]; do
		parent=$(child_of "$shell" provctl)
		tries=$((tries + 1))
	done
	sleep "$(printf '%d.%03d' $((delay / 1000)) $((delay % 1000)))"
	pid=$parent
	[ "$victim" = provctl ] || pid=$(child_of "$parent" "$victim")
	killed=no
	if [ -n "$pid" ] && kill -9 "$pid" 2>/dev/null; then
		killed=yes
	fi
	wait "$shell" 2>/dev/null
	rc=$?
	# Children die with their parent; the store is theirs until then.
	tries=0
	while [ -n "$parent" ] && [ "$tries" -lt 100 ] &&
		[ -n "$(child_of "$parent" writer)$(child_of 1 writer)" ]; do
		sleep 0.02
		tries=$((tries + 1))
	done
	token_whole
	verify_audit
	open=$(audit_number open_intents)
	keep_given "$T/o"
	p export inventory 2>/dev/null | jq -r 'select(.state == "issued")
		| .device' | sort >"$T/done"
	jq -r .device "$T/in.jsonl" | sort | comm -23 - "$T/done" >"$T/left"
	if [ "$killed" = no ] || [ "$rc" -eq 0 ]; then
		missed=$((missed + 1))
		[ -s "$T/left" ] || : >"$T/left"
		continue
	fi
	number=$((number + 1))
	eval "hits_$victim=\$((hits_$victim + 1))"
	[ "$open" -eq 0 ] || between=$((between + 1))
	echo "# kill $number: $victim after $delay ms, exit $rc," \
		"$open open intents, $(wc -l <"$T/left") devices left"
done
expect_equal "$number" "$kills" "kills"
echo "# writer $hits_writer, signer $hits_signer, parent $hits_provctl," \
	"reader $hits_reader; $between between intent and result;" \
	"$missed moments missed, token restored $restored times"
if [ "$kills" -ge 30 ]; then
	for hits in "$hits_writer" "$hits_signer" "$hits_provctl" \
		"$hits_reader"; do
		[ "$hits" -ge 2 ] || fail "one process was hit $hits times"
	done
	[ "$between" -ge 5 ] || fail "only $between between intent and result"
fi

case_start "run again: one certificate a device, the bytes given out before"
batch "$T/o"
rc=$?
expect_equal "$rc" 0 "exit ($(cat "$T/err"))"
keep_given "$T/o"
verify_audit
expect_equal "$(audit_number open_intents)" 0 "open intents"
expect_equal "$(audit_number certificates)" "$devices" certificates
expect_equal "$(audit_number devices)" "$devices" devices
expect_equal "$(find "$T/o/certs" -name '*.pem' | wc -l)" "$devices" files
jq -r .serial "$T/inventory" | sort >"$T/serials"
expect_equal "$(sort -u "$T/serials" | wc -l)" "$devices" "different serials"
expect_equal "$(uniq -d "$T/serials" | wc -l)" 0 "duplicate serials"
expect_equal "$(jq -r .certificate_sha256 "$T/inventory" | sort -u | wc -l)" \
	"$devices" "different certificates"
for id in dev-00000 dev-00123 dev-00499; do
	[ -f "$T/o/certs/$id.pem" ] || continue
	verify_audit "$T/o/certs/$id.pem"
done

case_start "bundles made after a kill open like any other"
p export key --purpose bundle >"$T/bundle.pem"
for i in 0 7 99 250 499; do
	id=$(printf 'dev-%05d' "$i")
	[ -d "$T/dev/$id" ] || continue
	echo batch >"$T/dev/$id/form"
	run "$PROVDEV" open "$T/dev/$id" \
		"$T/o/bundles/$id.operational.pvb" --bundle-key "$T/bundle.pem"
	expect_equal "$rc" 0 "provdev open $id"
done
sh "$srcdir/tests/demo/receipt.sh" "$T/dev/dev-00000" >"$T/out" 2>"$T/err" ||
	fail receipt

tests_end
