#!/bin/sh
# A retry gives the same answer: one device, batches, CSV and co-process; what
# was interrupted or refused in part is resumed by running it again.
. "$(dirname "$0")/../lib.sh"

new_authority
p export key --purpose bundle >"$T/bundle.pem"

case_start "the same request twice: same bytes, exit 0"
new_device tls-client client-00000001
issue tls-client client-00000001 -o "$T/1.pvb"
expect_equal "$rc" 0 exit
cp "$T/out" "$T/first"
issue tls-client client-00000001 -o "$T/2.pvb"
expect_equal "$rc" 0 "exit of the second"
same_bytes "$T/1.pvb" "$T/2.pvb"
for field in certificate serial device request; do
	expect_equal "$(json_field "$field" "$T/out")" \
		"$(json_field "$field" "$T/first")" "$field"
done
expect_equal "$(json_field status "$T/out")" existing status
expect_equal "$(certificates)" 1 certificates

case_start "the same with a CSR made anew from the same key"
cp "$T/dev/client-00000001/csr.pem" "$T/old.csr"
"$PROVDEV" csr "$T/dev/client-00000001" || fail "provdev csr"
cmp -s "$T/old.csr" "$T/dev/client-00000001/csr.pem" &&
	fail "the CSR is not a new one"
issue tls-client client-00000001 -o "$T/3.pvb"
expect_equal "$rc" 0 exit
same_bytes "$T/1.pvb" "$T/3.pvb"
expect_equal "$(json_field certificate "$T/out")" \
	"$(json_field certificate "$T/first")" certificate

case_start "the same under another request id"
request_line client-00000001 '{request: "another-id"}' >"$T/in.jsonl"
expect_exit 0 "$PROVCTL" -C "$H" issue --template tls-client \
	--from "$T/in.jsonl"
expect_equal "$(jq -r .status "$T/out")" existing status
expect_equal "$(jq -r .bundle "$T/out")" "$(base64 -w 0 "$T/1.pvb")" bundle

case_start "the same after a newer template was adopted"
sed 's|"version": 1,|"version": 2,|; s|"days": 365|"days": 30|' \
	"$srcdir/templates/tls-client.json" >"$T/tls-client.json"
expect_exit 0 "$PROVCTL" -C "$H" policy adopt "$T/tls-client.json"
issue tls-client client-00000001 -o "$T/4.pvb"
expect_equal "$rc" 0 exit
same_bytes "$T/1.pvb" "$T/4.pvb"
new_device tls-client client-00000002
issue tls-client client-00000002
json_field certificate "$T/out" >"$T/2.pem"
openssl x509 -in "$T/2.pem" -noout -checkend $((60 * 86400)) >"$T/none" &&
	fail "a new device does not get the newer template"

case_start "the same id with another body is a conflict, by name"
new_device matter-dac MT-FFF1-8000-00000001
issue matter-dac MT-FFF1-8000-00000001 --set discriminator=1
expect_equal "$rc" 0 exit
issue matter-dac MT-FFF1-8000-00000001 --set discriminator=2
expect_equal "$rc" 9 exit
expect_text MT-FFF1-8000-00000001
issue matter-dac MT-FFF1-8000-00000001 --set discriminator=1
expect_equal "$rc" 0 "exit for the first body again"

case_start "another key is denied and the way out named"
rm -rf "$T/dev/client-00000002"
new_device tls-client client-00000002
issue tls-client client-00000002
expect_equal "$rc" 4 exit
expect_text "--replace"

case_start "a reason to replace that there is none of is refused"
request_line client-00000001 '{replace: "because"}' >"$T/in.jsonl"
expect_exit 3 "$PROVCTL" -C "$H" issue --template tls-client \
	--from "$T/in.jsonl"

# ---- batches ----

many() {
	i=0
	while [ "$i" -lt "$2" ]; do
		printf '{"device":"S%s%08X"}\n' "$1" "$i"
		i=$((i + 1))
	done
}

case_start "results stand in request order, whatever the number of jobs"
many 01 300 >"$T/in.jsonl"
expect_exit 0 "$PROVCTL" -C "$H" issue --template symmetric-sensor --jobs 4 \
	--from "$T/in.jsonl"
jq -r .device "$T/in.jsonl" >"$T/asked"
jq -r .device "$T/out" >"$T/answered"
same_bytes "$T/asked" "$T/answered"
expect_equal "$(jq -r .status "$T/out" | sort | uniq -c | tr -s ' ')" \
	" 300 issued" statuses

case_start "a batch run again changes nothing, in memory or on disk"
expect_exit 0 "$PROVCTL" -C "$H" issue --template symmetric-sensor \
	--from "$T/in.jsonl" --out "$T/o"
(cd "$T/o" && find . -type f -exec sha256sum {} + | sort) >"$T/sums"
expect_exit 0 "$PROVCTL" -C "$H" issue --template symmetric-sensor \
	--from "$T/in.jsonl" --out "$T/o"
(cd "$T/o" && find . -type f -exec sha256sum {} + | sort) >"$T/sums2"
same_bytes "$T/sums" "$T/sums2"
expect_equal "$(jq -r .status "$T/o/results.jsonl" | sort -u)" existing status
expect_equal "$(find "$T/o/bundles" -type f | wc -l)" 300 bundles

case_start "what is missing in the output folder is put there again"
rm "$T/o/bundles/S0100000005.operational.pvb" "$T/o/results.jsonl"
expect_exit 0 "$PROVCTL" -C "$H" issue --template symmetric-sensor \
	--from "$T/in.jsonl" --out "$T/o"
(cd "$T/o" && find . -type f -exec sha256sum {} + | sort) >"$T/sums2"
same_bytes "$T/sums" "$T/sums2"

case_start "one device twice in a batch is issued once"
many 02 3 >"$T/in.jsonl"
many 02 3 >>"$T/in.jsonl"
expect_exit 0 "$PROVCTL" -C "$H" issue --template symmetric-sensor \
	--from "$T/in.jsonl"
expect_equal "$(jq -r '.device + " " + (.bundle | @text)' "$T/out" |
	sort -u | wc -l)" 3 "different answers"
expect_equal "$(wc -l <"$T/out")" 6 lines

case_start "refused lines leave the rest finished, exit by the worst"
{
	many 03 2
	echo '{"device":"not one of ours"}'
	echo 'not json'
	echo '{"device":"X1"}'
	printf '{"device":"S0300000000","role":"x"}\n'
	many 04 2
} >"$T/in.jsonl"
run "$PROVCTL" -C "$H" issue --template symmetric-sensor --from "$T/in.jsonl"
expect_equal "$rc" 9 exit
expect_equal "$(wc -l <"$T/out")" 8 lines
expect_equal "$(jq -r 'select(.device // "" | test("^S0[34]")) | .status' "$T/out" |
	tr '\n' ' ')" "issued issued denied issued issued " statuses
expect_equal "$(jq -r 'select(.error) | .error.code' "$T/out" | sort |
	tr '\n' ' ')" "3 3 4 9 " codes
expect_text "4 of 8 requests were not issued; the worst: "
for id in S0300000000 S0400000001; do
	p export bundle --device "$id" -o "$T/$id.pvb" || fail "export $id"
done

case_start "SIGINT and SIGTERM: finished devices stay, the rest resumes"
many 05 3000 >"$T/in.jsonl"
for signal in INT TERM; do
	"$PROVCTL" -C "$H" issue --template symmetric-sensor --jobs 1 \
		--from "$T/in.jsonl" --out "$T/s" >"$T/out" 2>"$T/err" \
		</dev/null &
	pid=$!
	echo "$pid" >>"$T/pids"
	sleep 0.3
	kill -s "$signal" "$pid"
	wait "$pid"
	rc=$?
	case $rc in
	130) expect_text "interrupted: finishing what is under way" ;;
	0) ;;
	*)
		fail "exit $rc after SIG$signal"
		show_output
		;;
	esac
	verify_audit
done
expect_exit 0 "$PROVCTL" -C "$H" issue --template symmetric-sensor \
	--from "$T/in.jsonl" --out "$T/s"
expect_equal "$(wc -l <"$T/s/results.jsonl")" 3000 results
expect_equal "$(jq -r .serial "$T/s/results.jsonl" | sort -u | wc -l)" 3000 \
	"different serials"
verify_audit
expect_equal "$(audit_number open_intents)" 0 "open intents"

case_start "SIGINT when everything is answered already: not interrupted"
finished() {
	p --json status | jq '.devices - .open_intents'
}
many 08 120 >"$T/in.jsonl"
want=$(($(finished) + 120))
mkfifo "$T/slow"
exec 4<>"$T/slow"
"$PROVCTL" -C "$H" -q issue --template symmetric-sensor \
	--from "$T/in.jsonl" >"$T/slow" 2>"$T/err" </dev/null &
pid=$!
echo "$pid" >>"$T/pids"
tries=0
until [ "$(finished)" = "$want" ] || [ "$tries" -ge 100 ]; do
	sleep 0.05
	tries=$((tries + 1))
done
# Committed comes before answered: it waits for its output once it stands still.
still=0
last=
tries=0
while [ "$still" -lt 10 ] && [ "$tries" -lt 300 ]; do
	now=$(sed 's/.*) //' "/proc/$pid/stat" | cut -d ' ' -f 1,12,13)
	still=$((still + 1))
	[ "$now" = "$last" ] || still=0
	last=$now
	sleep 0.1
	tries=$((tries + 1))
done
kill -s INT "$pid" || fail "it does not wait for its output"
timeout 20 head -n 120 <&4 >"$T/out"
wait "$pid"
expect_equal "$?" 0 "exit after a late SIGINT"
exec 4<&-
expect_equal "$(jq -r .status "$T/out" | sort -u)" issued statuses

case_start "standard output that goes away: not 0, resumable"
many 06 500 >"$T/in.jsonl"
timeout 60 "$PROVCTL" -C "$H" issue --template symmetric-sensor \
	--from "$T/in.jsonl" >/dev/full 2>"$T/err" </dev/null
[ "$?" -ne 0 ] || fail "exit 0 with a full standard output"
expect_exit 0 "$PROVCTL" -C "$H" issue --template symmetric-sensor \
	--from "$T/in.jsonl"
expect_equal "$(wc -l <"$T/out")" 500 lines

case_start "a group with more sealed bytes than one transaction takes"
pad=$(head -c 90000 /dev/zero | tr '\0' x)
jq --arg pad "$pad" '.template = "large" | .components.pad = {sealed: true,
	config: {pad: $pad}, max_size: 100000}' \
	"$srcdir/templates/symmetric-sensor.json" >"$T/large.json"
expect_exit 0 "$PROVCTL" -C "$H" policy adopt "$T/large.json"
many 09 130 >"$T/in.jsonl"
expect_exit 0 "$PROVCTL" -C "$H" issue --template large --jobs 1 \
	--from "$T/in.jsonl" --out "$T/large"
expect_equal "$(jq -r .status "$T/large/results.jsonl" | sort | uniq -c |
	tr -s ' ')" " 130 issued" statuses
verify_audit
expect_equal "$(audit_number open_intents)" 0 "open intents"

# ---- CSV and the co-process ----

case_start "CSV: quoting, fields, csr_file below the folder"
mkdir -p "$T/csv/sub"
new_device matter-dac MT-FFF1-8000-000000C1
dev=$T/dev/MT-FFF1-8000-000000C1
cp "$dev/csr.pem" "$T/csv/sub/c1.csr"
{
	printf 'device,field.discriminator,csr_file,seal_key,seal_key_sig\r\n'
	printf 'MT-FFF1-8000-000000C1,"3840",sub/c1.csr,"'
	cat "$dev/seal_pub.pem"
	printf '",%s\r\n' "$(cat "$dev/seal_sig.b64")"
} >"$T/csv/in.csv"
expect_exit 0 "$PROVCTL" -C "$H" issue --template matter-dac \
	--from "$T/csv/in.csv" --out "$T/csv/o"
run "$PROVDEV" open "$dev" \
	"$T/csv/o/bundles/MT-FFF1-8000-000000C1.operational.pvb" \
	--bundle-key "$T/bundle.pem"
expect_equal "$rc" 0 "provdev open"
"$PROVDEV" show "$dev" >"$T/shown"
expect_equal "$(jq -r .components.commissioning.config.discriminator \
	"$T/shown")" 3840 discriminator

case_start "CSV that is not one is refused"
for text in 'device\n"S0000000001\n' 'device,nonsense\nS0000000001,x\n' \
	'device\nS0000000001,more\n' 'device\nS"0000000001\n' \
	'request\nS0000000001\n' 'device\nS00000\00001\n'; do
	# shellcheck disable=SC2059  # the escapes are wanted
	printf "$text" >"$T/in.csv"
	expect_exit 3 "$PROVCTL" -C "$H" issue --template symmetric-sensor \
		--from "$T/in.csv"
done

case_start "a co-process answers each line as soon as it is durable"
mkfifo "$T/requests"
: >"$T/answers"
"$PROVCTL" -C "$H" issue --template symmetric-sensor --stream \
	<"$T/requests" >"$T/answers" 2>"$T/err" &
pid=$!
echo "$pid" >>"$T/pids"
exec 3>"$T/requests"
for i in 1 2 3 4; do
	printf '{"request":"co-%d","device":"S070000000%d"}\n' "$i" "$i" >&3
	tries=0
	while [ "$(wc -l <"$T/answers")" -lt "$i" ] && [ "$tries" -lt 200 ]; do
		sleep 0.05
		tries=$((tries + 1))
	done
	expect_equal "$(jq -r "select(.request == \"co-$i\") | .status" \
		"$T/answers")" issued "answer $i while standard input is open"
done
printf '{"request":"co-5","device":"S0700000001"}\nnonsense\n' >&3
exec 3>&-
wait "$pid"
expect_equal "$?" 3 "exit with one bad line"
expect_equal "$(jq -r 'select(.request == "co-5") | .status' "$T/answers")" \
	existing "an answer given before"
expect_equal "$(wc -l <"$T/answers")" 6 answers

case_start "usage: exit 2"
for words in issue "issue --template x" "issue --template x --device a --from b" \
	"issue --template x --from a --set b=c" "issue --nonsense" nonsense \
	"issue --template x --template y --device z" "audit" "audit nonsense" \
	"export" "export nonsense" "init" "-q -v status" \
	"issue --template x --device y --key other" "--nonsense"; do
	# shellcheck disable=SC2086  # words
	expect_error 2 '' $words
done
expect_error 10 '' -C "$H" issue --template no-such --device x
expect_error 10 '' -C "$H" issue --template tls-client --order o-1 --device x
expect_error 10 '' -C "$H" export bundle --device S99
for verb in '' init policy issue export audit status; do
	# shellcheck disable=SC2086  # none is no word
	expect_exit 0 "$PROVCTL" $verb --help
	grep -q '^example: ' "$T/out" || fail "no example in: $verb --help"
done

verify_audit
tests_end
