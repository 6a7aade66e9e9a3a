#!/bin/sh
# Secrets leave sealed or not at all: PIN, random and derived secrets, device
# keys made here and KEKs are looked for in output, arguments, environment,
# store, log, out/ and in the whole memory of reader and writer while a run is
# paused. The same scan finds planted ones.
. "$(dirname "$0")/../lib.sh"
scan=$builddir/tests/cli/scan
needles=$T/needles

hex_of() {
	od -An -v -tx1 "$1" | tr -d ' \n'
}

needle() {
	printf '%s %s\n' "$1" "$2" >>"$needles"
}

# Children of a process, as "pid name".
children_of() {
	for stat in /proc/[0-9]*/stat; do
		line=$(cat "$stat" 2>/dev/null) || continue
		rest=${line##*) }
		rest=${rest#? }
		[ "${rest%% *}" = "$1" ] || continue
		name=${line#*(}
		echo "${line%% *} ${name%)*}"
	done
}

# wait_lines FILE N: until the file has N lines, 20 s at most.
wait_lines() {
	tries=0
	while [ "$(wc -l <"$1")" -lt "$2" ] && [ "$tries" -lt 200 ]; do
		sleep 0.1
		tries=$((tries + 1))
	done
	[ "$(wc -l <"$1")" -ge "$2" ] || {
		fail "$(wc -l <"$1") of $2 lines"
		cat "$T/stream.err" >&2
	}
}

# stream TEMPLATE: starts a co-process; requests go to descriptor 3.
stream() {
	rm -f "$T/requests"
	mkfifo "$T/requests"
	: >"$T/stream.$1"
	"$PROVCTL" -C "$H" -v issue --template "$1" --stream --jobs 1 \
		<"$T/requests" >"$T/stream.$1" 2>"$T/stream.err" &
	parent=$!
	echo "$parent" >>"$T/pids"
	exec 3>"$T/requests"
}

# learn ID: the device's bundle is opened, its secrets become needles.
learn() {
	jq -r --arg id "$1" 'select(.device == $id) | .bundle' "$2" |
		base64 -d >"$T/$1.pvb"
	run "$PROVDEV" open "$T/dev/$1" "$T/$1.pvb" --bundle-key "$T/bundle.pem"
	expect_equal "$rc" 0 "provdev open $1"
	for secret in "$T/dev/$1"/active/*/secrets/*.bin; do
		[ -f "$secret" ] || continue
		needle "$1/$(basename "$secret" .bin)" "$(hex_of "$secret")"
	done
	if [ -f "$T/dev/$1/active/identity/key.pem" ]; then
		# the 32 bytes of the private number
		number=$(openssl pkey -in "$T/dev/$1/active/identity/key.pem" \
			-noout -text 2>/dev/null |
			sed -n '/^priv:/,/^pub:/{/^ /p}' | tr -d ' :\n')
		while [ ${#number} -gt 64 ]; do number=${number#00}; done
		needle "$1/host-key" "$number"
	fi
}

nothing_in() {
	"$scan" "$needles" "$@" >"$T/hits" 2>"$T/scan.err"
	status=$?
	if [ "$status" -ne 0 ]; then
		fail "scan ends with $status"
		sed 's/^/#   /' "$T/hits" "$T/scan.err" | head -n 20
	fi
}

# The paused run: reader and writer in whole, all of them by argv and environ.
look_at_processes() {
	children_of "$parent" >"$T/children"
	reader=$(sed -n 's/ reader$//p' "$T/children")
	writer=$(sed -n 's/ writer$//p' "$T/children")
	if [ -z "$reader" ] || [ -z "$writer" ]; then
		fail "no reader or writer: $(tr '\n' ' ' <"$T/children")"
		return
	fi
	for pid in "$parent" $(cut -d ' ' -f 1 "$T/children"); do
		cat "/proc/$pid/cmdline" "/proc/$pid/environ" >>"$T/argv" \
			2>/dev/null
	done
	nothing_in "$T/argv"
	if [ "$(id -u)" -ne 0 ]; then
		skip_case "memory of processes asks for root"
		return
	fi
	if grep -q __asan_init "$PROVCTL"; then
		skip_case "AddressSanitizer maps 20 TiB of shadow memory"
		return
	fi
	nothing_in --pid "$reader" "$writer"
	sed 's/^/# /' "$T/scan.err"
}

new_authority
p export key --purpose bundle >"$T/bundle.pem"
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$T/programmer.key" \
	-out "$T/programmer.pem" -subj /CN=programmer -days 2 2>/dev/null
needle pin "$(hex_of "$H/softhsm/pin")"
needle so-pin "$(hex_of "$H/softhsm/so-pin")"

# KEKs, as the chip programmer learns them.
for i in 1 2 3 4 5; do
	echo "S000000000$i"
	echo "thing-00000000000$i"
done >"$T/ids"
p export kek --to "$T/programmer.pem" --from "$T/ids" -o "$T/kek.cms"
openssl cms -decrypt -inform DER -in "$T/kek.cms" -recip "$T/programmer.pem" \
	-inkey "$T/programmer.key" -out "$T/kek"
while read -r id; do
	case $id in
	S*) new_device symmetric-sensor "$id" ;;
	*) new_device aws-iot "$id" ;;
	esac
	"$PROVDEV" program "$T/dev/$id" --from "$T/kek"
	for key in kek auth receipt; do
		needle "$id/$key" "$(cat "$T/dev/$id/$key.hex")"
	done
done <"$T/ids"

case_start "random and derived secrets, while a run is paused"
stream symmetric-sensor
for i in 1 2 3 4 5; do
	printf '{"device":"S000000000%d"}\n' "$i" >&3
done
wait_lines "$T/stream.symmetric-sensor" 5
for i in 1 2 3 4 5; do
	learn "S000000000$i" "$T/stream.symmetric-sensor"
done
expect_equal "$(grep -c drbg_seed "$needles")" 5 "random secrets"
expect_equal "$(grep -c app_key "$needles")" 5 "derived secrets"
look_at_processes
exec 3>&-
wait "$parent" || fail "the run ends with $?"

case_start "device keys made here, while a run is paused"
stream aws-iot
for i in 1 2 3 4 5; do
	printf '{"device":"thing-00000000000%d","fields":{"lot":"LOT%d"}}\n' \
		"$i" "$i" >&3
done
wait_lines "$T/stream.aws-iot" 5
for i in 1 2 3 4 5; do
	learn "thing-00000000000$i" "$T/stream.aws-iot"
done
expect_equal "$(grep -c host-key "$needles")" 5 "host keys"
look_at_processes
exec 3>&-
wait "$parent" || fail "the run ends with $?"

case_start "output, store, log, out/ and token folder"
jq -c -R '{device: .}' "$T/ids" | grep '"S' >"$T/ids.jsonl"
for verb in "audit verify" "audit show" status "export inventory" "policy list" \
	"issue --template symmetric-sensor --from $T/ids.jsonl --out $T/again"; do
	# shellcheck disable=SC2086  # words
	"$PROVCTL" -C "$H" -v $verb >>"$T/said" 2>&1
	# shellcheck disable=SC2086
	"$PROVCTL" -C "$H" --json $verb >>"$T/said" 2>&1
done
p export bundle --device S0000000001 -o "$T/exported.pvb"
cp -a "$H" "$T/home"
rm "$T/home/softhsm/pin" "$T/home/softhsm/so-pin"
nothing_in "$T/home" "$T/said" "$T/again" "$T/exported.pvb" "$T/kek.cms" \
	"$T/stream.symmetric-sensor" "$T/stream.aws-iot" "$T/stream.err" \
	"$T/argv"
sed 's/^/# /' "$T/scan.err"
verify_audit

case_start "the same scan finds planted ones"
mkdir -p "$T/planted"
"$scan" "$needles" "$T/home" >/dev/null 2>&1 || fail "hits before planting"
while read -r name hex; do
	perl -e 'print "x" x 5000, pack("H*", $ARGV[0]), "x" x 100' "$hex" \
		>"$T/planted/raw"
	"$scan" "$needles" "$T/planted" >"$T/hits" 2>/dev/null
	grep -q "raw: $name (raw)" "$T/hits" || fail "$name raw is not found"
done <"$needles"
hex=$(sed -n 's/^S0000000001\/drbg_seed //p' "$needles")
perl -e 'print "x", pack("H*", $ARGV[0])' "$hex" | base64 -w 0 \
	>"$T/planted/raw"
"$scan" "$needles" "$T/planted" >"$T/hits" 2>/dev/null
grep -q "drbg_seed (base64)" "$T/hits" || fail "base64 is not found"
cp "$T/home/store.db" "$T/planted/raw"
perl -e 'print pack("H*", $ARGV[0])' "$hex" |
	dd of="$T/planted/raw" bs=1 seek=20000 conv=notrunc 2>/dev/null
"$scan" "$needles" "$T/planted" >"$T/hits" 2>/dev/null
grep -q "drbg_seed (raw)" "$T/hits" || fail "not found inside the store"
if [ "$(id -u)" -eq 0 ] && ! grep -q __asan_init "$PROVCTL"; then
	# shellcheck disable=SC2016  # perl's own
	perl -e '$s = pack("H*", $ARGV[0]); open(my $f, ">", $ARGV[1]);
		close $f; sleep 30; print length $s' "$hex" "$T/up" \
		>/dev/null &
	echo $! >>"$T/pids"
	tries=0
	while [ ! -e "$T/up" ] && [ "$tries" -lt 100 ]; do
		sleep 0.05
		tries=$((tries + 1))
	done
	"$scan" "$needles" --pid $! >"$T/hits" 2>/dev/null
	grep -q "drbg_seed (raw)" "$T/hits" ||
		fail "not found in a process"
	kill $!
fi

tests_end
