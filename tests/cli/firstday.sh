#!/bin/sh
# What someone meets on the first day: wrong places, wrong files, wrong words.
# Each says what is wrong, with which object, and what to do next.
. "$(dirname "$0")/../lib.sh"

new_authority
cp "$H/provctl.json" "$T/provctl.json"

case_start "a PIN's descriptor that nobody handed in is refused, not waited for"
cp "$H/softhsm/pin" "$T/pin"
for fd in 3 4 5 6 7 8 9 20; do
	sed -i "s|\"pin_source\": .*|\"pin_source\": \"fd:$fd\",|" \
		"$H/provctl.json"
	printf '{"device":"S00000000%02d"}\n' "$fd" >"$T/in.jsonl"
	RUN_S=20 expect_exit 3 "$PROVCTL" -C "$H" issue --template \
		symmetric-sensor --device "S00000000$fd"
	expect_text "no descriptor $fd was handed in"
	expect_text "$fd<FILE"
	RUN_S=20 timeout 20 "$PROVCTL" -C "$H" issue --template \
		symmetric-sensor --from - <"$T/in.jsonl" >"$T/out" 2>"$T/err"
	expect_equal "$?" 3 "exit of fd:$fd and requests on standard input"
done
sed -i 's|"pin_source": .*|"pin_source": "fd:3",|' "$H/provctl.json"
"$PROVCTL" -C "$H" issue --template symmetric-sensor --device S0000000001 \
	3<"$T/pin" >"$T/out" 2>"$T/err" </dev/null
expect_equal "$?" 0 "exit with 3<FILE"
cp "$T/provctl.json" "$H/provctl.json"

tests_end
