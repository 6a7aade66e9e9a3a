#!/bin/sh
# Two authorities with an air gap between them, each killed where it makes
# something durable in the steps that use the medium, and before and behind its
# calls to the token there, and going on: one request, one certificate, the same
# files, nothing on the token that nobody knows. KILL_STEP=1 kills at every
# place, else at some.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/gap.sh"
step=${KILL_STEP:-9}
# Which module a ceremony is run on stands in its binding.
gap_module=$builddir/tests/fault/shim.so

# killed SIDE N WAY: resume ends with the Nth thing that it makes durable, or
# before or behind the Nth call to the token.
killed() {
	case $3 in
	durable) set -- "$1" DIE_AT="$2" \
		LD_PRELOAD="$builddir/tests/cli/die.so" ;;
	before) set -- "$1" FAULT_DIE="$2" FAULT_DIE_BEHIND=0 ;;
	behind) set -- "$1" FAULT_DIE="$2" FAULT_DIE_BEHIND=1 ;;
	esac
	killed_side=$1
	shift
	# shellcheck disable=SC2046  # no path here has a space
	run env SOFTHSM2_CONF="$T/$killed_side.conf" "$@" "$PROVCTL" \
		$(args resume "$killed_side")
}

# keep SIDE: that side and the medium as they are now; back SIDE: as they were.
keep() {
	rm -rf "$T/kept"
	mkdir "$T/kept"
	cp -a "$T/acme-$1" "$T/$1.tokens" "$T/media" "$T/kept"
}

back() {
	rm -rf "$T/acme-$1" "$T/$1.tokens" "$T/media"
	cp -a "$T/kept/acme-$1" "$T/kept/$1.tokens" "$T/kept/media" "$T"
}

# each_place SIDE CODE: resume killed at each place of what is left to do, then
# resumed; CODE is how that ends.
each_place() {
	keep "$1"
	for way in durable before behind; do
		kills=0
		n=1
		while [ "$case_failed" -eq 0 ]; do
			back "$1"
			killed "$1" "$n" "$way"
			# A process that was done by then is not missed, and
			# later calls are still to come.
			if [ "$rc" -eq "$2" ]; then
				[ "$way" = behind ] && [ "$n" -lt "$calls" ] ||
					break
			else
				kills=$((kills + 1))
			fi
			side_ends "$2" '' resume "$1"
			check "$1" "$way, kill $n"
			n=$((n + step))
		done
		calls=$n
		echo "# $1, $way: $kills kills"
		[ "$kills" -ge 1 ] || fail "$way: only $kills kills"
	done
	back "$1"
}

# check SIDE WHAT: one of each.
check() {
	case $1 in
	issuing) log=$issuing_log ca=issuing-1.csr ;;
	root) log=$root_log ca=issuing-1.pem ;;
	esac
	[ -f "$log/$ca" ] || fail "$2: no $ca"
	given=$T/media/acme-$1
	(cd "$given" && sha256sum -c SHA256SUMS) >"$T/sum.out" 2>&1 ||
		fail "$2: $(cat "$T/sum.out")"
	same_bytes "$log/$ca" "$given/$ca"
	expect_equal "$(find "$given" -type f | wc -l)" \
		"$(($(wc -l <"$given/SHA256SUMS") + 1))" "$2: files on the medium"
	[ "$rc" -ne 0 ] || {
		expect_exit 0 "$PROVCTL" ceremony verify --unattended "$log/transcript.jsonl" \
			--plan "$(plan_of "$1")"
		expect_exit 0 env SOFTHSM2_CONF="$T/$1.conf" "$PROVCTL" \
			-C "$T/acme-$1" audit verify
		expect_exit 0 env SOFTHSM2_CONF="$T/$1.conf" "$PROVCTL" \
			-C "$T/acme-$1" audit reconcile
	}
}

# until SIDE KIND: it stops before the first step of that kind.
until_step() {
	n=$(jq --arg kind "$2" '[.steps[].step] | index($kind)' \
		"$(plan_of "$1")")
	{
		i=0
		# Before each: one answer; of a CA's certificate one more.
		while [ "$i" -lt "$n" ]; do
			echo yes
			[ "$(jq -r ".steps[$i].step" "$(plan_of "$1")")" != \
				self-signed ] || echo yes
			i=$((i + 1))
		done
		echo stop
	} >"$T/until"
	side_ends 130 '' run "$1" "$T/until"
}

case_start "rehearsed"
rehearse_both
mkdir "$T/media"
new_side issuing
new_side root

case_start "killed while the request is made"
until_step issuing make-csr
each_place issuing 10
side_ends 10 media.file resume issuing

case_start "killed while it is signed"
until_step root sign-csr
each_place root 0
side_ends 0 '' resume root

case_start "killed while the certificate is taken"
each_place issuing 0
side_ends 0 '' resume issuing
check issuing "at the end"

tests_end
