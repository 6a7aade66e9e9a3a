#!/bin/sh
# A key on its way from one authority's token to another's: each side killed
# where it makes something durable in the steps that send and take it, and before
# and behind its calls to the token there, and going on: one key, the same files,
# nothing on the token that nobody knows.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/gap.sh"
. "$srcdir/tests/transport.sh"
. "$srcdir/tests/gap_kills.sh"
step=17

# A key that was made and not recorded is named, and people delete it.
go_on() {
	eval "lines=\$${at}_log/transcript.jsonl"
	SOFTHSM2_CONF=$T/$at.conf
	export SOFTHSM2_CONF
	orphan_token=acme-$at
	past_orphans "$lines" 12345678 side resume "$at"
	expect_equal "$rc" "$kill_whole" "$at: exit ($(cat "$T/err"))"
}

# pairs SIDE N WHAT: so many objects, and no label on two of a class.
pairs() {
	SOFTHSM2_CONF=$T/$1.conf
	export SOFTHSM2_CONF
	expect_equal "$(objects "acme-$1")" "$2" "$3: objects on the token"
	token 12345678 --list-all "pkcs11:token=acme-$1" |
		sed -n 's/.*\(object=[^;]*\).*\(type=.*\)/\1 \2/p' | sort |
		uniq -d >"$T/twice"
	[ ! -s "$T/twice" ] || fail "$3: $(cat "$T/twice")"
}

# check SIDE WHAT: one of each.
check() {
	case $1:$turn in
	issuing:made) whole issuing "$2" transport.key ;;
	issuing:*) whole issuing "$2" transport.key issuing-1.csr ;;
	root:*) whole root "$2" issuing-1.transport ;;
	esac
	# A key that comes wrapped is recorded, or can be taken once more.
	expect_equal "$(jq -r 'select(.event == "orphan") | .facts.label' \
		"$log/transcript.jsonl" | grep -c issuing-1)" 0 \
		"$2: orphans of the taken key"
	[ "$1" = root ] && pairs root 8 "$2" || pairs issuing 10 "$2"
}

case_start "rehearsed"
rehearse_transport
mkdir "$T/media"
new_side issuing
new_side root

case_start "killed while the transport key is made"
turn=made
until_step issuing make-transport-key
each_place issuing 10
side_ends 10 media.file resume issuing

case_start "killed while the key is sent"
turn=sent
until_step root send-key
each_place root 10
side_ends 10 media.file resume root

case_start "killed while it is taken"
turn=taken
each_place issuing 10
side_ends 10 media.file resume issuing
check issuing "at the end"

case_start "and both go on with it"
side_ends 0 '' resume root
side_ends 0 '' resume issuing
for side in root issuing; do
	eval "log=\$${side}_log"
	books $side
done

tests_end
