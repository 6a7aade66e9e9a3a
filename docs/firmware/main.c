/*
 * An example firmware: waits on its UART for bundles, takes them with the
 * receiver of lib/device into two flash slots, and answers with a receipt. What
 * is provisioned in it (identity.h) is made for each device: on a product it
 * comes from the chip programmer, and private keys never leave their hardware.
 */
#include <mbedtls/hmac_drbg.h>
#include <mbedtls/memory_buffer_alloc.h>
#include <string.h>

#include "docs/firmware/board.h"
#include "docs/firmware/cryptostack.h"
#include "docs/firmware/staging.h"
#include "identity.h"
#include "lib/device/crypto_mbedtls.h"

#define HEAP_LEN 12288u /* of mbed TLS; what it used is printed */
#define PAINT 0xa5
#define SPARE 64u /* bytes that painting leaves alone */

static struct staging receiver;
static struct pvdev_mbedtls crypto;
static mbedtls_hmac_drbg_context drbg;
static unsigned char heap[HEAP_LEN];
static uint8_t *stack_before;

static void paint(void)
{
	uint8_t *end = board_stack_end();

	stack_before = board_stack_now();
	memset(end, PAINT, (size_t)(stack_before - end) - SPARE);
}

static void report(enum pvdev_result result)
{
	const uint8_t *low = board_stack_end();
	size_t heap_used = sizeof(heap);

	while (*low == PAINT)
		low++;
	while (heap_used > 0 && heap[heap_used - 1] == PAINT)
		heap_used--;
	board_print_number("result", (size_t)result);
	board_print_number("stack", (size_t)(stack_before - low));
	board_print_number("session", sizeof(receiver.dev));
	board_print_number("config", sizeof(receiver.cfg));
	board_print_number("segment", sizeof(receiver.work));
	board_print_number("seen", sizeof(receiver.seen));
	board_print_number("link", sizeof(receiver.link) +
					   sizeof(receiver.have) +
					   sizeof(receiver.receipt));
	board_print_number("slots", sizeof(receiver.slots));
	board_print_number("crypto_stack", cryptostack_used());
	board_print_number("crypto_heap", heap_used);
	board_print_number("crypto_static", sizeof(crypto) + sizeof(drbg));
	board_print_number("active", receiver.slots.active);
}

static bool start_crypto(void)
{
	static const uint8_t seed[] = IDENTITY_SEED;

	mbedtls_memory_buffer_alloc_init(heap, sizeof(heap));
	memset(heap + SPARE, PAINT, sizeof(heap) - SPARE); /* behind its head */
	mbedtls_hmac_drbg_init(&drbg);
	if (!pvdev_mbedtls_init(&crypto) ||
	    mbedtls_hmac_drbg_seed_buf(
		    &drbg, mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), seed,
		    sizeof(seed)) != 0)
		return false;
	crypto.random = mbedtls_hmac_drbg_random;
	crypto.random_ctx = &drbg;
	crypto.certified = identity_certified;
	crypto.sealing = identity_sealing;
	cryptostack_init(&pvdev_crypto_mbedtls);
	return true;
}

static void configure(struct pvdev_config *c)
{
	c->crypto = &cryptostack_table;
	c->crypto_ctx = &crypto;
	c->device_id = IDENTITY_DEVICE;
	c->vendor = identity_vendor;
	c->class_id = identity_class;
	c->form = IDENTITY_FORM;
	c->kind = PVDEV_KIND_P256;
	memcpy(c->bundle_point, identity_bundle_point, PVDEV_POINT_LEN);
	memcpy(c->bundle_kid, identity_bundle_kid, sizeof(c->bundle_kid));
	c->seal_slot = PVDEV_SLOT_SEALING;
	memcpy(c->seal_point, identity_seal_point, PVDEV_POINT_LEN);
	memcpy(c->key_id, identity_seal_key_id, 32);
	c->key_id_len = 32;
	c->receipt_slot = PVDEV_SLOT_CERTIFIED;
	memcpy(c->receipt_kid, identity_receipt_kid, sizeof(c->receipt_kid));
}

int main(void)
{
	uint64_t seq = 0, manifest_seq = 0;
	uint8_t byte;

	board_init();
	if (!start_crypto() ||
	    !slots_init(&receiver.slots, &board_flash, NULL)) {
		board_print("failed to start\n");
		return 1;
	}
	if (!slots_counters(&receiver.slots, &seq, &manifest_seq))
		seq = 0;
	board_print_number("started", (size_t)seq);
	configure(&receiver.cfg);
	receiver.before = paint;
	receiver.after = report;
	staging_init(&receiver);
	for (;;) {
		byte = board_receive();
		pvdev_link_take(&receiver.link, &byte, 1);
	}
}
