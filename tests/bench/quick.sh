#!/bin/sh
# make bench-quick: the rate, CPU and memory of the main job for 10,000 devices
# with 1 and 2 jobs, beside bare C_Sign loops on the same token in the same
# run. One JSON line a figure; no figure here is a pass or fail.
# Environment: PROVCTL, BENCH_DIR (programs), srcdir, SOFTHSM_MODULE,
# BENCH_DEVICES (10000).
. "$srcdir/tests/bench/lib.sh"
n=${BENCH_DEVICES:-10000}

machine
new_authority
for jobs in 1 2; do
	restore
	bare csign "$SOFTHSM_MODULE" "$A/softhsm/pin" "$label" "$jobs" 3
	loop=$(field per_s "$work/bare.json")
	from=$(requests bench "$n")
	restore
	# Results on standard output: an --out folder is two files a device, and
	# what the file system does with those is another figure.
	"$BENCH_DIR/measure" -o "$work/results.jsonl" "$PROVCTL" -q -C "$A" \
		issue --template azure-dps --from "$from" --jobs "$jobs" >"$work/m.json" ||
		die "issue ended badly: $(cat "$work/m.json")"
	verified
	awk -v n="$n" -v j="$jobs" -v w="$(field wall_s "$work/m.json")" \
		-v c="$(field cpu_s "$work/m.json")" \
		-v p="$(field peak_pss_kib "$work/m.json")" -v b="$loop" 'BEGIN {
		printf "{\"figure\":\"issue_quick\",\"jobs\":%d,\"devices\":%d,", j, n
		printf "\"devices_per_s\":%.0f,\"cpu_us_per_device\":%.0f,", n / w, c * 1e6 / n
		printf "\"peak_pss_mib\":%.1f,\"bare_c_sign_per_s\":%.0f,", p / 1024, b
		printf "\"ratio_to_bare\":%.3f}\n", n / w / b
	}'
done
