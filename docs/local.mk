dist_man_MANS = docs/provctl.1 docs/provctl-bundle.5
EXTRA_DIST += docs/performance.md docs/playbooks/order.md docs/playbooks/lifecycle.md

# systemd units, where --with-systemdsystemunitdir says.
EXTRA_DIST += docs/systemd/provctl-rotate@.service.in \
	docs/systemd/provctl-rotate@.timer
CLEANFILES += docs/systemd/provctl-rotate@.service
docs/systemd/provctl-rotate@.service: \
		docs/systemd/provctl-rotate@.service.in Makefile
	@$(MKDIR_P) docs/systemd
	$(AM_V_GEN)sed -e 's|@bindir[@]|$(bindir)|' \
		'$(srcdir)/docs/systemd/provctl-rotate@.service.in' >$@
if SYSTEMD_UNITS
systemdsystemunit_DATA = docs/systemd/provctl-rotate@.timer
nodist_systemdsystemunit_DATA = docs/systemd/provctl-rotate@.service
endif
