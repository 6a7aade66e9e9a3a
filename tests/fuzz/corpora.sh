# shellcheck shell=sh
# Where the inputs of a fuzz target are; sourced by replay.sh and fuzz.sh, which
# set data to tests/data and src to tests.

# corpora TARGET: paths, one a line. What it names has to exist.
corpora() {
	[ ! -d "$data/fuzz/$1" ] || echo "$data/fuzz/$1"
	case $1 in
	cbor | cose) printf '%s\n' "$data/vectors/cose" "$data/corpora/cbor" ;;
	csr | tbs) printf '%s\n' "$data/invalid/csr" "$data/corpora/badkeys" ;;
	evidence_dice) printf '%s\n' "$data/vectors/dice" "$data/corpora/badkeys" ;;
	evidence_psa) printf '%s\n' "$data/vectors/psa" "$data/vectors/cose" ;;
	json | request) echo "$data/corpora/json" ;;
	authority | linereport | rows) echo "$data/corpora/json" ;;
	pem) printf '%s\n' "$data/invalid/csr" "$data/corpora/badkeys" ;;
	note) echo "$data/notes" ;;
	checkpoint) printf '%s\n' "$data/log" "$data/notes" ;;
	tlogproof) echo "$data/log" ;;
	approval) echo "$data/invalid/approval_request" ;;
	roster | order) printf '%s\n' "$data/invalid/$1" \
		"$src/../templates/examples" ;;
	template) printf '%s\n' "$data/template" "$data/invalid/template" \
		"$src/../templates" "$data/corpora/json" ;;
	esac
}
