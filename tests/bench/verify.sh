# Figures of audit verify; sourced. A log of BENCH_VERIFY_ENTRIES entries and
# one of a tenth, made by issuing certificates: two entries each. Rates are of
# CPU seconds: one process a side, and neither waits for anything.
verify_n=${BENCH_VERIFY_ENTRIES:-1000000}

# log_of NAME ENTRIES: $work/NAME, exported, with $work/NAME.vkey; the authority
# stays as it is for verify_store.
log_of() {
	log_requests=$(requests "$1" $(($2 / 2)))
	restore
	quiet "$work/issue.log" "$BENCH_DIR/measure" -i 0 -o /dev/null \
		"$PROVCTL" -q -C "$A" issue --template bench-cert \
		--from "$log_requests" --jobs "$jobs_n"
	rm -f "$log_requests"
	quiet "$work/export.log" "$PROVCTL" -q -C "$A" export log \
		--out "$work/$1"
	"$PROVCTL" -q -C "$A" export key --purpose log --vkey \
		>"$work/$1.vkey"
	log_size=$(sed -n 2p "$work/$1/checkpoint")
}

# verify_log NAME SAMPLE_MS, verify_store SAMPLE_MS: under measure.
verify_log() {
	"$BENCH_DIR/measure" -i "$2" -o "$work/verify.out" "$PROVCTL" -q \
		audit verify --log "$work/$1" --key "$(cat "$work/$1.vkey")" \
		>"$work/m.json" || die "$(cat "$work/verify.out")"
}

verify_store() {
	"$BENCH_DIR/measure" -i "$1" -o "$work/verify.out" "$PROVCTL" -q \
		-C "$A" audit verify >"$work/m.json" ||
		die "$(cat "$work/verify.out")"
}

# Kibibytes of the largest moment of each, into pss_log and pss_store.
verify_memory() {
	verify_log "$1" 10
	pss_log=$(field peak_pss_kib "$work/m.json")
	verify_store 10
	pss_store=$(field peak_pss_kib "$work/m.json")
}

# Entries a CPU second of the whole process that ran last.
cpu_rate() {
	awk -v n="$log_size" -v s="$(field cpu_s "$work/m.json")" \
		'BEGIN { printf "%.1f", n / s }'
}

ours_verify_ratio() {
	verify_log verify-large 0
	value=$(cpu_rate)
}

ours_verify_store_ratio() {
	verify_store 0
	value=$(cpu_rate)
}

theirs_verify_ratio() {
	bare treesum "$work/verify-large" "$log_size"
	[ "$(jq -r .root "$work/bare.json")" = \
		"$(sed -n 3p "$work/verify-large/checkpoint")" ] ||
		die "the bare loop hashed another tree"
	value=$(field entries_per_cpu_s "$work/bare.json")
}

theirs_verify_store_ratio() {
	theirs_verify_ratio
}

mib() {
	awk -v k="$1" 'BEGIN { printf "%.3f", k / 1024 }'
}

# memory_line NAME LARGE_KIB SMALL_KIB: of one run each.
memory_line() {
	line "$1" "$(mib "$(($2 > $3 ? $2 : $3))")" - "$(mib "$2")" \
		"$(mib "$3")" 1
}

figure_verify() {
	log_of verify-small "$((verify_n / 10))"
	verify_memory verify-small
	small_log=$pss_log
	small_store=$pss_store
	rm -rf "$work/verify-small"
	log_of verify-large "$verify_n"
	verify_memory verify-large
	ratio_figure verify_ratio 0.5
	detail treesum "$work/bare.json"
	ratio_figure verify_store_ratio -
	memory_line verify_memory_mib "$pss_log" "$small_log"
	memory_line verify_store_memory_mib "$pss_store" "$small_store"
	rm -rf "$work/verify-large"
	restore
}
