/* The writer: which KDF master a known device has its keys from. */
#include "lib/flow/kdfof.h"
#include "lib/flow/writer_kdf.h"

/* While there is one only, nobody has another. */
static bool has_several(const struct issue_context *ctx)
{
	size_t n = 0;

	for (size_t i = 0; i < ctx->keys_n; i++)
		n += ctx->keys[i].kind == HSM_KEY_KDF;
	return n > 1;
}

enum pv_code writer_kdf(struct writer *w, const struct store_device *d,
			struct writer_kdf *kdf, struct err *err)
{
	const struct issue_context *ctx = w->opts->ctx;

	kdf->known = false;
	if (!d || !ctx->kdf_key || !has_several(ctx))
		return PV_OK;
	return kdfof_device(w->store, d, kdf->id, &kdf->known, err);
}

void writer_put_kdf(struct wire *to, const struct writer_kdf *kdf)
{
	wire_put_span(
		to, (struct span){ kdf->id, kdf->known ? sizeof(kdf->id) : 0 });
}
