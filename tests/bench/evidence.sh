# Figures of verifying evidence; sourced. Each format beside bare ECDSA P-256
# verifications of OpenSSL, the key loaded once; a DICE chain of two certificates
# below the anchor is three signatures. Rates are of CPU seconds.
evidence_n=${BENCH_EVIDENCE:-20000}

# evidence_rate WHAT: into $value.
evidence_rate() {
	"$BENCH_DIR/measure" -i 0 -o "$work/evidence.out" \
		"$BENCH_DIR/evidence" "$1" "$evidence_n" >"$work/m.json" ||
		die "$(cat "$work/evidence.out")"
	value=$(field per_cpu_s "$work/evidence.out")
}

ours_verify_psa_ratio() {
	evidence_rate psa
}

theirs_verify_psa_ratio() {
	evidence_rate bare
}

ours_verify_tpm2_ratio() {
	evidence_rate tpm2
}

theirs_verify_tpm2_ratio() {
	evidence_rate bare
}

ours_verify_dice_ratio() {
	evidence_rate dice
}

theirs_verify_dice_ratio() {
	evidence_rate bare
}

figure_evidence() {
	ratio_figure verify_psa_ratio -
	ratio_figure verify_tpm2_ratio -
	ratio_figure verify_dice_ratio -
}
