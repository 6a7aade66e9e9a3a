/*
 * lineio: a byte line to one other end: a terminal line (set raw, at a speed),
 * a Unix socket, or descriptors that were handed in. Reads and writes wait no
 * longer than they are told. The caller has SIGPIPE ignored.
 *
 * Does not check: who is at the other end.
 */
#ifndef PV_BASE_LINEIO_H
#define PV_BASE_LINEIO_H

#include <stdint.h>
#include <termios.h>

#include "lib/base/buf.h"

#define LINEIO_BAUD 115200

struct lineio { /* fields are lineio's */
	int in, out;
	bool own; /* opened here; else handed in */
	bool tty; /* of which this was set before */
	struct termios before;
	int in_flags, out_flags; /* likewise; -1: not yet changed */
};

#define LINEIO_INIT                                                            \
	{                                                                      \
		.in = -1, .out = -1, .in_flags = -1, .out_flags = -1           \
	}

/*
 * where: "fd:N" (both ways), "fd:IN,OUT" (numbers below 65536), or the path of
 * a terminal line or of a Unix socket that somebody listens at. baud counts for
 * terminals only. Close in any case. PV_USAGE "link.baud"; PV_INPUT "link.path"
 * (neither line nor socket), "link.fd" (not handed in); PV_NOT_FOUND,
 * PV_DENIED, PV_STORAGE "link.path"; PV_CONFLICT "link.busy" (another process
 * has the line); PV_HSM_TEMP "link.gone" (nobody listens).
 */
PV_MUST enum pv_code lineio_open(struct lineio *l, const char *where,
				 unsigned baud, struct err *err);
/* A descriptor that is open already, socket or other; l owns it. */
PV_MUST enum pv_code lineio_take(struct lineio *l, int fd, struct err *err);
/*
 * All of bytes; *sent is false when the line did not take them in wait_ms.
 * PV_HSM_TEMP "link.gone": the other end has closed.
 */
PV_MUST enum pv_code lineio_send(struct lineio *l, struct span bytes,
				 uint64_t wait_ms, bool *sent, struct err *err);
/* At most cap bytes as soon as there are some; *n is 0 after wait_ms.
 * PV_HSM_TEMP "link.gone". */
PV_MUST enum pv_code lineio_receive(struct lineio *l, uint8_t *p, size_t cap,
				    uint64_t wait_ms, size_t *n,
				    struct err *err);
/* Puts back what was set; closes what was opened here. */
void lineio_close(struct lineio *l);

#endif
