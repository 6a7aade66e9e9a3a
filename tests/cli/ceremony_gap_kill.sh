#!/bin/sh
# Two authorities with an air gap between them, each killed where it makes
# something durable in the steps that use the medium, and before and behind its
# calls to the token there, and going on: one request, one certificate, the same
# files, nothing on the token that nobody knows.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/gap.sh"
. "$srcdir/tests/kills.sh"
step=9
gap=side # or later: which plans these are
# Which module a ceremony is run on stands in its binding.
gap_module=$builddir/tests/fault/shim.so

# keep: the side and the medium as they are now.
keep() {
	rm -rf "$T/kept"
	mkdir "$T/kept"
	cp -a "$T/acme-$at" "$T/$at.tokens" "$T/media" "$T/kept"
}

anew() {
	rm -rf "$T/acme-$at" "$T/$at.tokens" "$T/media"
	cp -a "$T/kept/acme-$at" "$T/kept/$at.tokens" "$T/kept/media" "$T"
}

go() {
	dies=$*
	"$gap" resume "$at"
	dies=
}

go_on() {
	"${gap}_ends" "$kill_whole" '' resume "$at"
}

done_well() {
	check "$at" "$1"
}

# each_place SIDE CODE: resume killed at each place of what is left to do, then
# resumed; CODE is how that ends.
each_place() {
	at=$1
	kill_whole=$2
	keep
	for way in durable before behind; do
		kill_at_each "$way" 1
	done
	anew
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
	"${gap}_ends" 130 '' run "$1" "$T/until"
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

# The same of the next generation: the steps of later plans.
case_start "the next ones rehearsed"
next_plans
rehearse_next
mv "$T/media" "$T/media-1"
mkdir "$T/media"
gap=later
step=13

case_start "killed while the next request is made"
until_step issuing make-csr
each_place issuing 10
later_ends 10 media.file resume issuing

case_start "killed while it is signed"
until_step root sign-csr
each_place root 0
later_ends 0 '' resume root

case_start "killed while its certificate is put to use"
each_place issuing 0
later_ends 0 '' resume issuing
check issuing "at the end"

tests_end
