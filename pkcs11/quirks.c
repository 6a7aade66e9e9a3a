#include "pkcs11/quirks.h"

#include <string.h>

/* Order matters: the first row that fits is taken, the last fits all. */
static const struct p11_quirk quirks[] = {
	{
		/* Measured: SoftHSM 2.6.1. It takes a raw point whose second
		 * byte is 63 for an OCTET STRING. */
		.manufacturer = "SoftHSM project",
		.model = "SoftHSM v2",
		.points = P11_POINT_OCTET_STRING,
		.ecdh_octets = true,
	},
	{
		/* NSS 3.87 softoken: derivation measured, generation not. */
		.manufacturer = "Mozilla Foundation",
		.model = "NSS 3",
		.points = P11_POINT_ANY,
		.no_allowed_mechanisms = true,
	},
	{
		/* Not tried. Manufacturer as in yubihsm-shell; 16 sessions
		 * on the device; we give no attribute that it may refuse. */
		.manufacturer = "Yubico",
		.model = "YubiHSM",
		.points = P11_POINT_ANY,
		.max_sessions = 16,
		.no_modifiable = true,
		.no_allowed_mechanisms = true,
	},
	{
		/* Not tried. AWS CloudHSM (model as its guide prints it):
		 * CKA_PRIVATE and CKA_MODIFIABLE default to true on public
		 * keys too, with a footnote on other values. */
		.manufacturer = "",
		.model = "NITROX-III",
		.points = P11_POINT_ANY,
		.no_modifiable = true,
		.no_allowed_mechanisms = true,
		.public_is_private = true,
	},
	{
		.manufacturer = "",
		.model = "",
		.points = P11_POINT_ANY,
	},
};

static bool starts_with(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

const struct p11_quirk *p11_quirk_for(const struct p11_facts *facts)
{
	const struct p11_quirk *q = quirks;

	while (!starts_with(facts->manufacturer, q->manufacturer) ||
	       !starts_with(facts->model, q->model))
		q++;
	return q;
}
