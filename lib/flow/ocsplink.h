/*
 * ocsplink: the name under which a client asks for an answer with GET: the
 * base64 of its request (RFC 5019 5, RFC 6960 A.1), as links beside the file
 * that is named by serial, so that a server of files answers. The request is
 * the one that RFC 5019 2.1.1 gives: one CertID by SHA-1, no extensions.
 *
 * Base64 has the character `/': where a server has undone the escapes of the
 * URL, what is before one is a folder. Those are made.
 */
#ifndef PV_FLOW_OCSPLINK_H
#define PV_FLOW_OCSPLINK_H

#include "lib/flow/publishdir.h"
#include "lib/x509/ocsp.h"

/*
 * Makes the link in the folder of a CA's answers, or leaves it as it is: h says
 * whose the certificate of that serial is. Nothing for a request whose base64
 * ends with `/', which names no file. Durable with the folder's next file at
 * the latest; one that is lost is made again by a run that looks at the answer.
 * PV_STORAGE.
 */
PV_MUST enum pv_code ocsp_link(const struct publish_dir *d, int folder,
			       const struct x509_ocsp_head *h,
			       struct span serial, struct err *err);
/* Takes it away where it is one that ocsp_link() made. PV_STORAGE. */
PV_MUST enum pv_code ocsp_unlink(int folder, const struct x509_ocsp_head *h,
				 struct span serial, struct err *err);

#endif
