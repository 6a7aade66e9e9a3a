#include "docs/firmware/board.h"

#include <string.h>

/* Arm CMSDK UART of AN386, and its bits. */
#define UART_BASE 0x40004000u
#define UART_DATA 0x00u
#define UART_STATE 0x04u
#define UART_CTRL 0x08u
#define UART_BAUDDIV 0x10u
#define STATE_TX_FULL 1u
#define STATE_RX_FULL 2u
#define CTRL_TX_RX 3u
#define BAUDDIV 217u /* 115200 of 25 MHz */

#define FLASH_SLOT_LEN (64u * 1024u)

/* Of the linker script. */
extern uint32_t board_stack_low, board_stack_top, board_data_load, board_data,
	board_data_end, board_bss, board_bss_end;

__attribute__((section(".retained"),
	       aligned(8))) static uint8_t retained[BOARD_RETAINED_LEN];
__attribute__((section(".retained"),
	       aligned(8))) static uint8_t flash[SLOTS][FLASH_SLOT_LEN];

int main(void);

static volatile uint32_t *uart(uint32_t reg)
{
	return (volatile uint32_t *)(UART_BASE + reg);
}

void board_init(void)
{
	*uart(UART_BAUDDIV) = BAUDDIV;
	*uart(UART_CTRL) = CTRL_TX_RX;
}

uint8_t board_receive(void)
{
	while (!(*uart(UART_STATE) & STATE_RX_FULL))
		;
	return (uint8_t)*uart(UART_DATA);
}

void board_send(const uint8_t *p, size_t len)
{
	while (len-- > 0) {
		while (*uart(UART_STATE) & STATE_TX_FULL)
			;
		*uart(UART_DATA) = *p++;
	}
}

uint8_t *board_retained(void)
{
	return retained;
}

static bool erase(void *ctx, unsigned slot)
{
	(void)ctx;
	memset(flash[slot], 0xff, sizeof(flash[slot]));
	return true;
}

/* As flash does: bits go from 1 to 0 only. */
static bool program(void *ctx, unsigned slot, uint32_t offset, const uint8_t *p,
		    size_t len)
{
	(void)ctx;
	while (len-- > 0)
		flash[slot][offset++] &= *p++;
	return true;
}

static bool read_at(void *ctx, unsigned slot, uint32_t offset, uint8_t *p,
		    size_t len)
{
	(void)ctx;
	memcpy(p, flash[slot] + offset, len);
	return true;
}

const struct slots_flash board_flash = { erase, program, read_at,
					 FLASH_SLOT_LEN };

/* ---- for tests: Arm semihosting, SYS_WRITE0 ---- */

void board_print(const char *text)
{
	register uint32_t op __asm__("r0") = 4;
	register const char *arg __asm__("r1") = text;

	__asm__ volatile("bkpt 0xab" : "+r"(op) : "r"(arg) : "memory");
}

void board_print_number(const char *name, size_t n)
{
	char text[16];
	size_t at = sizeof(text);

	text[--at] = '\0';
	text[--at] = '\n';
	do {
		text[--at] = (char)('0' + n % 10);
		n /= 10;
	} while (n > 0);
	board_print(name);
	board_print(" ");
	board_print(text + at);
}

/* ---- stacks and start ---- */

/* r0 fn, r1 arg, r2 top: AAPCS. */
__asm__(".text\n"
	".global board_on_stack\n"
	".type board_on_stack, %function\n"
	".thumb_func\n"
	"board_on_stack:\n"
	"	push {r4, lr}\n"
	"	mov r4, sp\n"
	"	mov sp, r2\n"
	"	mov r2, r0\n"
	"	mov r0, r1\n"
	"	blx r2\n"
	"	mov sp, r4\n"
	"	pop {r4, pc}\n");

uint8_t *board_stack_end(void)
{
	return (uint8_t *)&board_stack_low;
}

uint8_t *board_stack_now(void)
{
	uint8_t *sp;

	__asm__ volatile("mov %0, sp" : "=r"(sp));
	return sp;
}

__attribute__((noreturn)) static void stop(void)
{
	board_print("fault\n");
	for (;;)
		;
}

/* The C library's exit() ends here; nothing of ours calls it. */
__attribute__((noreturn)) void _exit(int status);
void _exit(int status)
{
	(void)status;
	stop();
}

__attribute__((noreturn)) static void start(void)
{
	memcpy(&board_data, &board_data_load,
	       (size_t)((uint8_t *)&board_data_end - (uint8_t *)&board_data));
	memset(&board_bss, 0,
	       (size_t)((uint8_t *)&board_bss_end - (uint8_t *)&board_bss));
	main();
	stop();
}

/* Armv7-M: initial stack pointer, then reset, NMI and the faults. */
__attribute__((section(".vectors"), used)) static const struct {
	uint32_t *stack;
	void (*handlers[15])(void);
} vectors = { &board_stack_top, { start, stop, stop, stop, stop, stop } };
