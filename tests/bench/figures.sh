# Figures of whole runs beside the floor, the peer and themselves; sourced.
jobs_n=2 # of the main job, by performance.md

# ---- floor_ratio: a full issue against its unavoidable cryptography ----

ours_floor_ratio() {
	run_issue bench-4k "$jobs_n" "$(requests bench "$devices")"
	verified
	value=$(rate "$devices")
}

theirs_floor_ratio() {
	restore
	bare floor "$SOFTHSM_MODULE" "$A/softhsm/pin" "$label" \
		"$work/chain.pem" "$(requests bench "$devices")" "$jobs_n"
	value=$(field per_s "$work/bare.json")
}

figure_floor() {
	ratio_figure floor_ratio 0.85
	restore
	for n in 1 "$jobs_n"; do
		bare csign "$SOFTHSM_MODULE" "$A/softhsm/pin" "$label" "$n" 2
		detail c_sign "$work/bare.json"
	done
	bare floor "$SOFTHSM_MODULE" "$A/softhsm/pin" "$label" \
		"$work/chain.pem" "$(requests bench "$devices")" "$jobs_n" steps
	detail floor_steps "$work/bare.json"
	bare shasum 2
	detail sha256 "$work/bare.json"
}

# ---- openssl_ca_ratio: certificates from CSRs against `openssl ca' ----

engine_path() {
	for engine in "${BENCH_ENGINE:-}" \
		"$(openssl version -e | sed 's/.*"\(.*\)"/\1/')/pkcs11.so"; do
		[ -f "$engine" ] || continue
		printf '%s\n' "$engine"
		return
	done
	return 1
}

# The extensions of templates/bench-cert.json. The PIN is of a throw-away token.
ca_config() {
	cat <<-END
		openssl_conf = main
		[main]
		engines = engines
		[engines]
		pkcs11 = p11
		[p11]
		engine_id = pkcs11
		MODULE_PATH = $SOFTHSM_MODULE
		PIN = $(cat "$A/softhsm/pin")
		init = 0
		[ca]
		default_ca = bench
		[bench]
		database = $work/ca/index.txt
		new_certs_dir = $work/ca/new
		certificate = $work/issuer.pem
		default_md = sha256
		default_days = 730
		rand_serial = yes
		policy = any
		unique_subject = no
		x509_extensions = device
		copy_extensions = none
		[any]
		commonName = supplied
		[device]
		basicConstraints = critical, CA:FALSE
		keyUsage = critical, digitalSignature, keyAgreement
		extendedKeyUsage = clientAuth
		subjectKeyIdentifier = hash
		authorityKeyIdentifier = keyid
	END
}

split_requests() {
	mkdir -p "$work/csr"
	awk -v dir="$work/csr" -F '"csr":"' '{
		name = sprintf("%s/%06d.pem", dir, NR)
		sub(/"}$/, "", $2)
		gsub(/\\n/, "\n", $2)
		printf "%s", $2 >name
		close(name)
	}' "$(requests bench "$ca_devices")"
}

ours_openssl_ca_ratio() {
	run_issue bench-cert "$jobs_n" "$(requests bench "$ca_devices")"
	verified
	value=$(rate "$ca_devices")
}

# One process for all of them, as -infiles does it; it keeps a data base, too.
theirs_openssl_ca_ratio() {
	restore
	rm -rf "$work/ca"
	mkdir -p "$work/ca/new"
	: >"$work/ca/index.txt"
	# So many whole paths would not fit into one command.
	cd "$work/csr" || die "no requests"
	OPENSSL_ENGINES=$(dirname "$(engine_path)") \
		"$BENCH_DIR/measure" -i 0 openssl ca -batch -notext \
		-config "$work/ca.cnf" -engine pkcs11 -keyform engine \
		-keyfile "pkcs11:token=bench;object=bench%2Fissuing-1%2F1;type=private" \
		-out "$work/ca/all.pem" -infiles [0-9]*.pem \
		>"$work/m.json" 2>"$work/ca.log" || {
		tail -n 20 "$work/ca.log" >&2
		die "openssl ca ended badly"
	}
	cd "$work" || die "no $work"
	[ "$(find "$work/ca/new" -name '*.pem' | wc -l)" -eq "$ca_devices" ] ||
		die "openssl ca made fewer certificates than there are requests"
	value=$(rate "$ca_devices")
}

extensions() {
	openssl x509 -noout -subject -ext basicConstraints,keyUsage,extendedKeyUsage,subjectKeyIdentifier,authorityKeyIdentifier
}

# A comparison of unlike certificates would say nothing.
same_certificates() {
	head -n 1 "$work/results.jsonl" | jq -r .certificate | extensions \
		>"$work/ours.ext"
	# The data base: V, expiry, revocation, serial, file, subject, by tabs.
	serial=$(awk -F '\t' '$6 ~ /bench-00000001$/ { print $4 }' \
		"$work/ca/index.txt")
	extensions <"$work/ca/new/$serial.pem" >"$work/theirs.ext"
	cmp -s "$work/ours.ext" "$work/theirs.ext" || {
		diff "$work/ours.ext" "$work/theirs.ext" >&2
		die "openssl ca and provctl made certificates that differ"
	}
}

figure_ca() {
	engine_path >/dev/null || {
		note openssl_ca_ratio "left out: no pkcs11 engine for openssl; apt-get install libengine-pkcs11-openssl, or name it in BENCH_ENGINE"
		return
	}
	restore
	openssl x509 -in "$work/chain.pem" -out "$work/issuer.pem"
	ca_config >"$work/ca.cnf"
	split_requests
	ratio_figure openssl_ca_ratio 4
	theirs_openssl_ca_ratio
	run_issue bench-cert 1 "$(requests bench "$ca_devices")"
	same_certificates
}

# ---- jobs_ratio, out_dir_ratio: the main job against itself ----

ours_jobs_ratio() {
	ours_floor_ratio
}

theirs_jobs_ratio() {
	run_issue bench-4k 1 "$(requests bench "$devices")"
	value=$(rate "$devices")
}

figure_jobs() {
	ratio_figure jobs_ratio 1.75
}

ours_out_dir_ratio() {
	rm -rf "$work/out"
	run_issue bench-4k "$jobs_n" "$(requests bench "$devices")" \
		--out "$work/out"
	value=$(rate "$devices")
	rm -rf "$work/out"
}

theirs_out_dir_ratio() {
	ours_floor_ratio
}

figure_out() {
	ratio_figure out_dir_ratio -
}

# ---- oneshot_ratio: a whole process against a bare libp11 start ----

ours_oneshot_ratio() {
	restore
	bare repeat "$oneshots" "$PROVCTL" -q -C "$A" issue \
		--template bench-4k --device bench-{} --csr "$work/one.pem.{}"
	value=$(field p50_ms "$work/bare.json")
}

theirs_oneshot_ratio() {
	restore
	bare repeat "$oneshots" "$BENCH_DIR/p11start" "$SOFTHSM_MODULE" \
		"$A/softhsm/pin" "$label"
	value=$(field p50_ms "$work/bare.json")
}

figure_oneshot() {
	head -n "$oneshots" "$(requests bench "$devices")" |
		awk -v to="$work/one.pem." -F '"' '{
			name = to substr($4, length($4) - 7)
			gsub(/\\n/, "\n", $8)
			printf "%s", $8 >name
			close(name)
		}'
	ratio_figure oneshot_ratio 1.35
	rm -f "$work"/one.pem.*
}
