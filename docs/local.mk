dist_man_MANS = docs/provctl.1 docs/provctl-bundle.5
EXTRA_DIST += docs/performance.md docs/playbooks/airgap.md docs/playbooks/attest.md docs/playbooks/backup.md docs/playbooks/ceremony.md docs/playbooks/later.md docs/playbooks/order.md docs/playbooks/lifecycle.md docs/playbooks/tpm.md

# An example firmware; tests/firmware/qemu.sh builds it.
EXTRA_DIST += docs/firmware/README.md docs/firmware/board.c \
	docs/firmware/board.h docs/firmware/cryptostack.c \
	docs/firmware/cryptostack.h docs/firmware/main.c \
	docs/firmware/mbedtls_config.h docs/firmware/mps2.ld \
	docs/firmware/staging.c docs/firmware/staging.h

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
