#!/bin/sh
# make bench-quick: the rate, CPU and memory of the main job for 10,000 devices
# with 1 and 2 jobs, beside bare C_Sign loops on the same token in the same
# run. One JSON line a figure; no figure here is a pass or fail.
# Environment: PROVCTL, BENCH_DIR (programs), srcdir, SOFTHSM_MODULE,
# BENCH_DEVICES (10000).
set -eu
n=${BENCH_DEVICES:-10000}
work=$(mktemp -d /tmp/provctl-bench.XXXXXX)
trap 'rm -rf "$work"' EXIT INT TERM

printf '{"machine":{"cpus":%s,"model":"%s","provctl":"%s","openssl":"%s"}}\n' \
	"$(nproc)" \
	"$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)" \
	"$("$PROVCTL" --version)" "$(openssl version)"
"$BENCH_DIR/gen_requests" "$n" bench > "$work/requests.jsonl"

new_authority() {
	rm -rf "$work/a"
	"$PROVCTL" -q init "$work/a" --softhsm --name bench \
		--templates "$srcdir/templates" > "$work/init.log" 2>&1 ||
		{ cat "$work/init.log" >&2; exit 1; }
}

bare() {
	SOFTHSM2_CONF="$work/a/softhsm/softhsm2.conf" "$BENCH_DIR/csign" \
		"$SOFTHSM_MODULE" "$work/a/softhsm/pin" bench/issuing-1/1 \
		"$1" 3 > "$work/bare.json"
	sed -n 's/.*"per_s":\([0-9.]*\).*/\1/p' "$work/bare.json"
}

for jobs in 1 2; do
	new_authority
	loop=$(bare "$jobs")
	"$BENCH_DIR/measure" "$PROVCTL" -q -C "$work/a" issue \
		--template azure-dps --from "$work/requests.jsonl" \
		--jobs "$jobs" --out "$work/a/run" > "$work/m.json" ||
		{ cat "$work/m.json" >&2; exit 1; }
	"$PROVCTL" -q -C "$work/a" audit verify > "$work/audit.log" ||
		{ cat "$work/audit.log" >&2; exit 1; }
	wall=$(sed -n 's/.*"wall_s":\([0-9.]*\).*/\1/p' "$work/m.json")
	cpu=$(sed -n 's/.*"cpu_s":\([0-9.]*\).*/\1/p' "$work/m.json")
	pss=$(sed -n 's/.*"peak_pss_kib":\([0-9]*\).*/\1/p' "$work/m.json")
	awk -v n="$n" -v j="$jobs" -v w="$wall" -v c="$cpu" -v p="$pss" \
		-v b="$loop" 'BEGIN {
		printf "{\"figure\":\"issue_quick\",\"jobs\":%d,\"devices\":%d,", j, n
		printf "\"devices_per_s\":%.0f,\"cpu_us_per_device\":%.0f,", n / w, c * 1e6 / n
		printf "\"peak_pss_mib\":%.1f,\"bare_c_sign_per_s\":%.0f,", p / 1024, b
		printf "\"ratio_to_bare\":%.3f}\n", n / w / b
	}'
done
