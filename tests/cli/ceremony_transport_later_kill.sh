#!/bin/sh
# An authority that is there takes a key from another's token: killed where it
# makes something durable in the steps that make and end the transport key, and
# before and behind its calls to the token there, and going on.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/gap.sh"
. "$srcdir/tests/transport.sh"
. "$srcdir/tests/gap_kills.sh"
step=17

# A key that was made and not recorded is named, and people delete it.
go_on() {
	lines=$issuing_log/transcript.jsonl
	orphan_token=acme-issuing
	past_orphans "$lines" 12345678 later resume issuing
	expect_equal "$rc" "$kill_whole" "exit ($(cat "$T/err"))"
}

# check SIDE WHAT: one of each.
check() {
	# shellcheck disable=SC2086  # words
	whole issuing "$2" $files
	token 12345678 --list-all "pkcs11:token=acme-issuing" |
		sed -n 's/.*\(object=[^;]*\).*\(type=.*\)/\1 \2/p' | sort >"$T/objects"
	[ -z "$(uniq -d "$T/objects")" ] || fail "$2: $(uniq -d "$T/objects")"
	for one in $tokens; do
		expect_equal "$(grep -c "object=acme-issuing%2F${one%:*} " "$T/objects")" \
			"${one#*:}" "$2: objects of ${one%:*}"
	done
	expect_equal "$(jq -r 'select(.event == "orphan") | .facts.label' \
		"$log/transcript.jsonl" | grep -c issuing-2)" 0 \
		"$2: orphans of the taken key"
}

case_start "behind its first ceremony"
two_to_send
first_transport
later_transport
rehearse_later_transport
mkdir "$T/media"
gap=later
SOFTHSM2_CONF=$T/issuing.conf
export SOFTHSM2_CONF

case_start "killed while the transport key is made"
files=transport.key
tokens="transport%2F2:2 issuing-2%2F1:0"
until_step issuing make-transport-key
each_place issuing 10
later_ends 10 media.file resume issuing
later_ends 10 media.file run root

case_start "killed while the key is taken"
files="transport.key issuing-2.csr"
tokens="transport%2F2:0 issuing-2%2F1:2"
each_place issuing 10
later_ends 10 media.file resume issuing
later_ends 0 '' resume root

case_start "and put to use"
later_ends 0 '' resume issuing
# And its certificate.
tokens="transport%2F2:0 issuing-2%2F1:3"
check issuing "at the end"

tests_end
