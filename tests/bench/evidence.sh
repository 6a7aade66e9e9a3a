# Figures of verifying evidence; sourced. Each format beside bare ECDSA P-256
# verifications of OpenSSL, the key loaded once; a DICE chain of two certificates
# below the anchor is three signatures. A round is one loop of each, the bare one
# last in odd rounds and first in even ones; there are three at most. Rates are
# of CPU seconds, so that what others take of the machine drops no round; a note
# says how much it was.
evidence_n=${BENCH_EVIDENCE:-20000}
evidence_rounds=$((ROUNDS < 3 ? ROUNDS : 3))
evidence_formats="psa tpm2 dice"

# evidence_loop WHAT: $work/loop.WHAT, "RATE FOREIGN CPU_S".
evidence_loop() {
	"$BENCH_DIR/measure" -i 0 -o "$work/evidence.out" \
		"$BENCH_DIR/evidence" "$1" "$evidence_n" >"$work/m.json" ||
		die "$(cat "$work/evidence.out")"
	printf '%s %s %s\n' "$(field per_cpu_s "$work/evidence.out")" \
		"$(field foreign "$work/m.json")" \
		"$(field cpu_s "$work/m.json")" >"$work/loop.$1"
}

evidence_round() {
	case $(($1 % 2)) in
	0) loops="bare $evidence_formats" ;;
	*) loops="$evidence_formats bare" ;;
	esac
	for loop in $loops; do
		evidence_loop "$loop"
	done
	for format in $evidence_formats; do
		read -r ours foreign_a cpu_a <"$work/loop.$format"
		read -r theirs foreign_b cpu_b <"$work/loop.bare"
		foreign=$(printf '%s\n%s\n' "$foreign_a" "$foreign_b" |
			sort -n | tail -n 1)
		printf '%s %s %s %s %s\n' "$ours" "$theirs" "$foreign" \
			"$cpu_a" "$cpu_b" \
			>>"$work/figures/verify_${format}_ratio.rounds"
	done
}

figure_evidence() {
	round=0
	while [ "$round" -lt "$evidence_rounds" ]; do
		round=$((round + 1))
		evidence_round "$round"
	done
	for format in $evidence_formats; do
		name=verify_${format}_ratio
		echo "$name" >>"$work/figures/names"
		cp "$work/figures/$name.rounds" "$work/figures/$name.kept"
		ratio_line "$name" -
		busiest=$(sort -k 3,3n "$work/figures/$name.kept" |
			tail -n 1 | awk '{ printf "%.0f", 100 * $3 }')
		[ "$busiest" -le 5 ] || note "$name" \
			"up to $busiest % foreign CPU in a round"
	done
}
