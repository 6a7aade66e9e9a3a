/*
 * board: what the example needs of its board, here QEMU's mps2-an386 (Arm MPS2
 * with a Cortex-M4; AN386): a UART, memory that outlives a reset, two flash
 * slots, and a way to print for tests (Arm semihosting).
 */
#ifndef PV_DOCS_FIRMWARE_BOARD_H
#define PV_DOCS_FIRMWARE_BOARD_H

#include "docs/firmware/slots.h"

#define BOARD_RETAINED_LEN (64u * 1024u)

void board_init(void);
/* Waits for a byte of the line. */
uint8_t board_receive(void);
void board_send(const uint8_t *p, size_t len);

/* Not cleared at reset; any bytes when power comes. Pointers align to 8. */
uint8_t *board_retained(void);

/* The board has none: memory that behaves like it, and outlives a reset. */
extern const struct slots_flash board_flash;

/* For whoever runs the test: not on a product. */
void board_print(const char *text);
void board_print_number(const char *name, size_t n);

/* Runs fn(arg) with its frames below top; back here afterwards. */
void board_on_stack(void (*fn)(void *arg), void *arg, void *top);
/* The stack in use: its lowest address, and where it is now. */
uint8_t *board_stack_end(void);
uint8_t *board_stack_now(void);

#endif
