#!/bin/sh
# make bench: the figures of issuing and of audit verify, each beside its bare
# loop or peer in the same run. Prints the machine, then one JSON line a figure:
# {"figure":NAME,"value":N,"target":N,"ours":N,"theirs":N,"rounds":N}; target
# null: none is set. {"note":NAME,"text":T} says what is not as it should be.
# Everything, with each round, goes to BENCH_OUT/results.json, and the growth
# runs to BENCH_OUT/growth.svg. No figure here is a pass or fail.
#
# ROUNDS (5), BENCH_DEVICES (20000), BENCH_GROWTH_MAX (1000000 certificates),
# BENCH_GROWTH_BUNDLES (100000), BENCH_SLOW_S (15), BENCH_VERIFY_ENTRIES
# (1000000), BENCH_EVIDENCE (20000), BENCH_REVOKE_CERTS and BENCH_DUE_CERTS
# (1000000), FIGURES (all of: floor ca jobs out oneshot stream slow verify
# evidence revoke due growth). The openssl_ca_ratio needs Debian's libengine-pkcs11-openssl; without it that
# figure is left out, and a note says so. Also PROVCTL, BENCH_DIR, BENCH_OUT,
# srcdir, SOFTHSM_MODULE, from make.
. "$srcdir/tests/bench/lib.sh"
devices=${BENCH_DEVICES:-20000}
grow_max=${BENCH_GROWTH_MAX:-1000000}
ca_devices=$((devices / 2)) # the peer takes four times as long
oneshots=40
streamed=$((devices < 2000 ? devices / 2 : 1000))
all="floor ca jobs out oneshot stream slow verify evidence revoke due growth"

for program in jq openssl softhsm2-util; do
	command -v "$program" >/dev/null 2>&1 ||
		die "there is no $program: see packages.txt"
done
mkdir -p "$BENCH_OUT"
machine >"$work/machine.json"
cat "$work/machine.json"
. "$here/rounds.sh"
. "$here/figures.sh"
. "$here/latency.sh"
. "$here/growth.sh"
. "$here/verify.sh"
. "$here/evidence.sh"
. "$here/revoke.sh"
. "$here/due.sh"
new_authority
for figure in ${FIGURES:-$all}; do
	case " $all " in
	*" $figure "*) ;;
	*) die "there is no figure $figure, but: $all" ;;
	esac
	"figure_$figure"
done
results_json >"$work/results.new"
mv "$work/results.new" "$BENCH_OUT/results.json"
printf 'bench: %s\n' "$BENCH_OUT/results.json" >&2
