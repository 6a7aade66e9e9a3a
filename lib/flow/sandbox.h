/*
 * sandbox: what the reader process gives up before it parses the first byte
 * that a stranger wrote. seccomp keeps a short list of system calls; Landlock,
 * where the kernel has it, keeps file access to reading below one folder.
 */
#ifndef PV_FLOW_SANDBOX_H
#define PV_FLOW_SANDBOX_H

#include "lib/base/err.h"

/*
 * folder: where csr_file may be read, -1 for no files at all. Irrevocable for
 * this process. *landlock says whether file access is confined too. PV_INTERNAL
 * when the filter cannot be installed: the caller must end then.
 */
PV_MUST enum pv_code sandbox_enter(int folder, bool *landlock, struct err *err);

#endif
