# Programs that measure; built only for make bench-quick.
EXTRA_PROGRAMS += tests/bench/gen_requests tests/bench/measure tests/bench/csign
tests_bench_gen_requests_SOURCES = tests/bench/gen_requests.c
tests_bench_gen_requests_LDADD = $(CRYPTO_LIBS)
tests_bench_measure_SOURCES = tests/bench/measure.c
tests_bench_csign_SOURCES = tests/bench/csign.c
tests_bench_csign_LDADD = -ldl
EXTRA_DIST += tests/bench/quick.sh

.PHONY: bench-quick
bench-quick: cmd/provctl$(EXEEXT) tests/bench/gen_requests$(EXEEXT) \
		tests/bench/measure$(EXEEXT) tests/bench/csign$(EXEEXT)
	@PROVCTL=$(abs_builddir)/cmd/provctl BENCH_DIR=$(abs_builddir)/tests/bench \
		srcdir=$(abs_srcdir) SOFTHSM_MODULE=$(SOFTHSM_MODULE) \
		$(SHELL) $(srcdir)/tests/bench/quick.sh
