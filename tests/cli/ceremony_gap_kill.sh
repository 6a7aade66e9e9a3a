#!/bin/sh
# Two authorities with an air gap between them, each killed where it makes
# something durable in the steps that use the medium, and before and behind its
# calls to the token there, and going on: one request, one certificate, the same
# files, nothing on the token that nobody knows.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/gap.sh"
. "$srcdir/tests/gap_kills.sh"

name=issuing-1 # the CA

# check SIDE WHAT: one of each.
check() {
	case $1 in
	issuing) whole issuing "$2" "$name.csr" ;;
	root) whole root "$2" "$name.pem" ;;
	esac
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

# The same of one more CA of the issuing authority.
case_start "the new ones rehearsed"
new_plans
rehearse_next
mv "$T/media" "$T/media-2"
mkdir "$T/media"
name=issuing-2

case_start "killed while the request for a new CA is made"
until_step issuing make-csr
each_place issuing 10
later_ends 10 media.file resume issuing

case_start "signed, and killed while it is put to use"
later_ends 0 '' run root
each_place issuing 0
later_ends 0 '' resume issuing
check issuing "at the end"

tests_end
