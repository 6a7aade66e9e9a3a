/*
 * sandbox: what the reader process gives up before it parses the first byte
 * that a stranger wrote. seccomp keeps a short list of system calls; Landlock,
 * where the kernel has it, keeps file access to reading below one folder.
 */
#ifndef PV_FLOW_SANDBOX_H
#define PV_FLOW_SANDBOX_H

#include <stddef.h>

#include "lib/base/err.h"

/*
 * folder: where csr_file may be read, -1 for no files at all. Irrevocable for
 * this process. *landlock says whether file access is confined too. PV_INTERNAL
 * when the filter cannot be installed: the caller must end then.
 */
PV_MUST enum pv_code sandbox_enter(int folder, bool *landlock, struct err *err);

/*
 * Bounds of this process from now on, before sandbox_enter(): seconds of
 * processor time, bytes of memory (none under a sanitizer, which maps more),
 * seconds by the clock. It is ended at them; seccomp keeps them from being
 * lifted. PV_INTERNAL.
 */
PV_MUST enum pv_code sandbox_bound(unsigned cpu_s, size_t bytes,
				   unsigned time_s, struct err *err);

#endif
