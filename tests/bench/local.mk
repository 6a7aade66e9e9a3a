# Programs that measure; built only for make bench, bench-quick and
# check-kill-scale.
BARE = tests/bench/bare.c tests/bench/bare.h
SHATREE = tests/bench/shatree.c tests/bench/shatree.h
BENCH_TOOLS = \
	tests/bench/agree \
	tests/bench/certsums \
	tests/bench/csign \
	tests/bench/evidence \
	tests/bench/floor \
	tests/bench/fsyncs \
	tests/bench/gen_requests \
	tests/bench/measure \
	tests/bench/p11start \
	tests/bench/pace \
	tests/bench/repeat \
	tests/bench/shasum \
	tests/bench/streamlat \
	tests/bench/treesum
EXTRA_PROGRAMS += $(BENCH_TOOLS)
tests_bench_agree_SOURCES = tests/bench/agree.c
tests_bench_agree_LDADD = lib/base/libpvbase.a $(JANSSON_LIBS) $(CRYPTO_LIBS)
tests_bench_certsums_SOURCES = tests/bench/certsums.c
tests_bench_certsums_LDADD = $(CRYPTO_LIBS)
tests_bench_csign_SOURCES = tests/bench/csign.c $(BARE)
tests_bench_csign_LDADD = -ldl
tests_bench_evidence_SOURCES = tests/bench/evidence.c
tests_bench_floor_SOURCES = tests/bench/floor.c tests/bench/floor_steps.c \
	tests/bench/floor_steps.h $(BARE)
tests_bench_floor_LDADD = $(CRYPTO_LIBS) -ldl
tests_bench_fsyncs_SOURCES = tests/bench/fsyncs.c $(BARE)
tests_bench_fsyncs_LDADD = -ldl
tests_bench_gen_requests_SOURCES = tests/bench/gen_requests.c
tests_bench_gen_requests_LDADD = $(CRYPTO_LIBS)
tests_bench_measure_SOURCES = tests/bench/measure.c
tests_bench_measure_LDADD =
tests_bench_p11start_SOURCES = tests/bench/p11start.c $(BARE)
tests_bench_p11start_LDADD = $(LIBP11_LIBS) $(CRYPTO_LIBS) -ldl
tests_bench_pace_SOURCES = tests/bench/pace.c $(BARE)
tests_bench_pace_LDADD = -ldl
tests_bench_repeat_SOURCES = tests/bench/repeat.c $(BARE)
tests_bench_repeat_LDADD = -ldl
tests_bench_shasum_SOURCES = tests/bench/shasum.c $(SHATREE) $(BARE)
tests_bench_shasum_LDADD = $(CRYPTO_LIBS) -ldl
tests_bench_streamlat_SOURCES = tests/bench/streamlat.c $(BARE)
tests_bench_streamlat_LDADD = -ldl
tests_bench_treesum_SOURCES = tests/bench/treesum.c $(SHATREE)
tests_bench_treesum_LDADD = $(CRYPTO_LIBS)

# A PKCS#11 module: position independent and without the flags of programs.
SLOWHSM = tests/bench/slowhsm.so
$(SLOWHSM): $(srcdir)/tests/bench/slowhsm.c
	@$(MKDIR_P) tests/bench
	$(AM_V_CCLD)$(CC) $(DEFS) $(AM_CPPFLAGS) $(CPPFLAGS) $(AM_CFLAGS) \
		$(CFLAGS) -DSLOWHSM_MODULE='"$(SOFTHSM_MODULE)"' -fPIC -shared \
		-o $@ $(srcdir)/tests/bench/slowhsm.c -ldl -lpthread

EXTRA_DIST += \
	tests/bench/bench.sh \
	tests/bench/evidence.sh \
	tests/bench/figures.sh \
	tests/bench/growth.sh \
	tests/bench/kill_scale.sh \
	tests/bench/due.sh tests/bench/revoke.sh \
	tests/bench/latency.sh \
	tests/bench/lib.sh \
	tests/bench/plot.awk \
	tests/bench/quick.sh \
	tests/bench/rounds.sh \
	tests/bench/slowhsm.c \
	tests/bench/templates/bench-4k.json \
	tests/bench/templates/bench-cert.json \
	tests/bench/verify.sh
CLEANFILES += $(BENCH_TOOLS) $(SLOWHSM)

BENCH_NEEDS = cmd/provctl$(EXEEXT) $(BENCH_TOOLS) $(SLOWHSM)
BENCH_ENVIRONMENT = PROVCTL=$(abs_builddir)/cmd/provctl$(EXEEXT) \
	BENCH_DIR=$(abs_builddir)/tests/bench BENCH_OUT=$(abs_builddir)/bench \
	srcdir=$(abs_srcdir) SOFTHSM_MODULE=$(SOFTHSM_MODULE)

.PHONY: bench bench-quick check-kill-scale clean-bench
clean-local: clean-bench
clean-bench:
	rm -rf bench

# All figures of the issue pipeline and of audit verify beside their bare loops and peers.
bench: $(BENCH_NEEDS)
	@$(BENCH_ENVIRONMENT) $(SHELL) $(srcdir)/tests/bench/bench.sh

# Rate, CPU and memory in less than two minutes.
bench-quick: $(BENCH_NEEDS)
	@$(BENCH_ENVIRONMENT) $(SHELL) $(srcdir)/tests/bench/quick.sh

# 100 seeded kills in batches of 20,000 devices.
check-kill-scale: $(BENCH_NEEDS) cmd/provdev/provdev$(EXEEXT)
	@$(BENCH_ENVIRONMENT) builddir=$(abs_builddir) \
		PROVDEV=$(abs_builddir)/cmd/provdev/provdev$(EXEEXT) \
		$(SHELL) $(srcdir)/tests/bench/kill_scale.sh
