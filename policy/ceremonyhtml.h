/*
 * ceremonyhtml: what the pages of ceremonies have in common: one file that
 * needs nothing else, for a screen and for paper of A4 or letter.
 */
#ifndef PV_POLICY_CEREMONYHTML_H
#define PV_POLICY_CEREMONYHTML_H

#include "lib/base/buf.h"

/* From the beginning to the body and its heading; text in both. foot: words of
 * A-Z a-z 0-9 and " .,:-_", on each page that is printed, or NULL. */
void ceremonyhtml_begin(struct buf *out, const char *what, const char *name,
			const char *foot);
void ceremonyhtml_end(struct buf *out);
/* Text of strangers, as text. */
void ceremonyhtml_text(struct buf *out, const char *s);
/* 64 hex digits in groups of four, eight on a line; other text as it is. */
void ceremonyhtml_hash(struct buf *out, const char *hex);
/* Text with hashes that stand in it in groups of four. */
void ceremonyhtml_words(struct buf *out, const char *s);
/* Two lines for 64 hex digits, or one for words, with what is written there. */
void ceremonyhtml_blank(struct buf *out, const char *label, bool hash);
/* A table with empty rows for who signs. */
void ceremonyhtml_signatures(struct buf *out);

#endif
