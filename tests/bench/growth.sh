# Figures of long runs: does the rate fall, does memory grow; sourced. Sets up
# series for the plot in $work/plot: "SERIES rate|memory DEVICES VALUE".
: >"$work/plot"

# paced SERIES TEMPLATE COUNT SAMPLE_MS: one run in a restored authority, its
# results read by `pace' and not kept; leaves ticks, samples and m.json.
paced() {
	paced_from=$(requests "grow" "$3")
	restore
	"$BENCH_DIR/measure" -i "$4" -s "$work/samples" -x pace \
		"$BENCH_DIR/pace" "$(($3 / 100 + 1))" "$work/ticks" "$PROVCTL" -q \
		-C "$A" issue --template "$2" --from "$paced_from" \
		--jobs "$jobs_n" >"$work/m.json" ||
		die "a run of $3 devices ended badly"
	[ "$(tail -n 1 "$work/ticks" | cut -d ' ' -f 2)" -eq "$3" ] ||
		die "a run of $3 devices gave another number of results"
	windows "$3" >"$work/windows"
	plot_run "$1" "$3"
}

# windows COUNT: the rate of each 10,000 devices, of each tenth of a run of less
# than 100,000, of a run of less than 10,000 as a whole: "DEVICES RATE". The
# first begins after the first results: start and login are not in it.
windows() {
	awk -v n="$1" 'BEGIN {
		w = n >= 100000 ? 10000 : n >= 10000 ? n / 10 : n
		next_at = w
	}
	NR == 2 { t = $1; at = $2 }
	NR > 2 && ($2 >= next_at || $2 == n) && $2 > at && $1 > t {
		print $2, ($2 - at) / ($1 - t)
		t = $1; at = $2
		while (next_at <= $2)
			next_at += w
	}' "$work/ticks"
}

# A run replaces an earlier one of the same series.
plot_run() {
	awk -v s="$1" '$1 != s' "$work/plot" >"$work/plot.new"
	awk -v s="$1" '{ print s, "rate", $1, $2 }' "$work/windows" \
		>>"$work/plot.new"
	awk -v s="$1" -v every="$(($(wc -l <"$work/samples") / 150 + 1))" '
	NR == FNR { t[NR] = $1; n[NR] = $2; ticks = NR; i = 1; next }
	FNR % every == 0 && $2 > 0 {
		while (i < ticks && t[i + 1] < $1)
			i++
		at = n[i]
		if (i < ticks && t[i + 1] > t[i] && $1 > t[i])
			at += (n[i + 1] - n[i]) * ($1 - t[i]) / (t[i + 1] - t[i])
		if (at > 0)
			print s, "memory", at, $2 / 1024
	}' "$work/ticks" "$work/samples" >>"$work/plot.new"
	mv "$work/plot.new" "$work/plot"
	jq -c -R -n --arg series "$1" --arg n "$2" \
		--arg kib "$(field peak_pss_kib "$work/m.json")" \
		--arg rate "$(rate "$2")" '{name: "run", series: $series,
		devices: ($n | tonumber), per_s: ($rate | tonumber),
		peak_pss_kib: ($kib | tonumber), windows: [inputs | split(" ") |
		{devices: (.[0] | tonumber), per_s: (.[1] | tonumber)}]}' \
		<"$work/windows" >>"$work/details"
}

# ---- growth_ratio, peak_memory_mib: 10,000 and 100,000 with bundles ----

# Both sides of a round come from one pair of runs.
grow_pair() {
	[ "${grow_round:-}" != "$round" ] || return 0
	grow_round=$round
	paced "bundles-$grow_small" bench-4k "$grow_small" 50
	pss_small=$(field peak_pss_kib "$work/m.json")
	paced "bundles-$grow_n" bench-4k "$grow_n" 50
	cp "$work/m.json" "$work/grow.json"
	first=$(head -n 1 "$work/windows" | cut -d ' ' -f 2)
	last=$(tail -n 1 "$work/windows" | cut -d ' ' -f 2)
	rm -f "$work"/grow-*.jsonl
}

ours_growth_ratio() {
	grow_pair
	cp "$work/grow.json" "$work/m.json"
	value=$last
	more="$(field peak_pss_kib "$work/m.json") $pss_small $(rate "$grow_n")"
}

theirs_growth_ratio() {
	grow_pair
	cp "$work/grow.json" "$work/m.json"
	value=$first
}

# shellcheck disable=SC2016  # awk's columns
memory_lines() {
	kept=$work/figures/growth_ratio.kept
	n=$(wc -l <"$kept")
	large=$(median '$6 / 1024' "$kept")
	small=$(median '$7 / 1024' "$kept")
	line peak_memory_mib "$(printf '%s\n%s\n' "$large" "$small" | sort -n |
		tail -n 1)" 64 "$large" "$small" "$n"
	line peak_memory_growth "$(median '$6 / $7' "$kept")" 1.1 "$large" \
		"$small" "$n"
}

# ---- one run each: 1,000 with bundles, certificates to a million ----

single() {
	paced "$1-$3" "$2" "$3" "$4"
	rm -f "$work"/grow-*.jsonl
	line "rate_$1_$3" "$(rate "$3")" - "$(rate "$3")" - 1
}

figure_growth() {
	grow_n=${BENCH_GROWTH_BUNDLES:-100000}
	[ "$grow_n" -le "$grow_max" ] || grow_n=$grow_max
	grow_small=$((grow_n / 10))
	single bundles bench-4k "$((grow_n / 100))" 10
	ratio_figure growth_ratio 0.95
	memory_lines
	single certificates bench-cert "$grow_max" 500
	last=$(tail -n 1 "$work/windows" | cut -d ' ' -f 2)
	first=$(head -n 1 "$work/windows" | cut -d ' ' -f 2)
	line growth_ratio_certificates "$(awk -v a="$last" -v b="$first" \
		'BEGIN { print a / b }')" - "$last" "$first" 1
	verified
	restore
	awk -v title="$(jq -r '.machine | "\(.provctl), \(.cpus) CPUs, \(.model), SoftHSM \(.softhsm)"' \
		"$work/machine.json")" -f "$here/plot.awk" "$work/plot" \
		>"$BENCH_OUT/growth.svg"
}
