/*
 * contents: what goes into one component of one device: certificate and
 * chain, host key, configuration, random, derived and stored secrets, files.
 * Values exist only while their component is being sealed.
 */
#ifndef PV_FLOW_CONTENTS_H
#define PV_FLOW_CONTENTS_H

#include "lib/flow/issued.h"

/* Plaintext of a sealed component. PV_INPUT for values; PV_HSM_* for
 * derivation. */
PV_MUST enum pv_code contents_sealed(struct signing *s, const struct issued *i,
				     size_t component, struct secret *out,
				     struct err *err);

/* Bytes of a clear component: the same for every device. */
PV_MUST enum pv_code contents_clear(const struct signing *s, size_t component,
				    struct buf *out, struct err *err);

/*
 * CMS of the escrowed values of the components in bits, appended to out;
 * nothing when there are none. A template names one target in each stage, so
 * that out is one CMS.
 */
PV_MUST enum pv_code contents_escrow(struct signing *s, const struct issued *i,
				     uint32_t components, struct buf *out,
				     struct err *err);

/*
 * Before anything is reserved: will every component that goes into a bundle
 * now fit its max_size, with a certificate as long as it can get? PV_INPUT,
 * rule "component.size", and the codes of content_size().
 */
PV_MUST enum pv_code contents_fit(const struct signing *s,
				  const struct prepared *p, struct err *err);

/* KDF(purpose, device id) in the token, by that master. */
PV_MUST enum pv_code contents_device_key(struct signing *s,
					 const struct signing_kdf *by,
					 const char *purpose,
					 const char *device, struct secret *out,
					 struct err *err);

#endif
