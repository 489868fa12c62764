/* The ABI of the module for Flue, in plain C. It turns identifiers of events into operations on spans.
 *
 * Conventions
 *  1. A call reads texts at the start of the context's buffer. The host gets the buffer from isotel_flue_buffer(),
 *     writes there and passes the length. A length beyond the buffer is kOutOfRange.
 *  2. A call returns lists at isotel_flue_output(). They stay there until the next such call.
 *  3. An int32_t result >= 0 is a value, a negative one an error of base/errors.def.
 *  4. A context is one set of open spans. isotel_flue_create() makes it; it is the first argument of every call. Use it
 *     from one thread only.
 *  5. Any call may grow the memory. The host makes new views when the memory has another buffer.
 *  6. Times are milliseconds as a double. They come from the host.
 *  7. ISOTEL_FLUE_ABI_VERSION grows with every change of a signature or layout. A host refuses a module with another
 *     version or fingerprint.
 */
#ifndef ISOTEL_FLUE_H_
#define ISOTEL_FLUE_H_

#include <stdint.h>

#include "abi/shared/export.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ISOTEL_FLUE_ABI_VERSION 3

/* Formats of events, by their version. */
#define ISOTEL_FLUE_V1 0
#define ISOTEL_FLUE_V3 1

/* Flags of isotel_flue_event(). */
#define ISOTEL_FLUE_COMPACTION_TURN 1 /* a turn that summarizes for a compaction */
#define ISOTEL_FLUE_GEN_AI 2          /* spans follow the conventions for generative AI */
#define ISOTEL_FLUE_PROMPT 4          /* an operation that is a prompt */
#define ISOTEL_FLUE_SKILL 8           /* an operation that is a skill */
#define ISOTEL_FLUE_SHELL 16          /* an operation that is a shell, or the tool call in it */
#define ISOTEL_FLUE_TASK_TOOL 32      /* the framework's tool that delegates a task */

#define ISOTEL_FLUE_IDS 8 /* rows of flue/ids.def */

/* Words of an op, each a uint32_t, and its codes. */
#define ISOTEL_FLUE_OP_SIZE 6
#define ISOTEL_FLUE_OP_CODE 0
#define ISOTEL_FLUE_OP_SPAN 1        /* handle; its low ISOTEL_FLUE_SLOT_BITS are a slot, unique among open spans */
#define ISOTEL_FLUE_OP_TYPE 2        /* a row of flue/spans.def */
#define ISOTEL_FLUE_OP_ENDING 3      /* of an end: a row of flue/endings.def */
#define ISOTEL_FLUE_OP_PARENT 4      /* of an open: handle; 0 for a root */
#define ISOTEL_FLUE_OP_PREDECESSOR 5 /* of an open: handle of the open span that it continues; 0 for none */
#define ISOTEL_FLUE_OPEN 0
#define ISOTEL_FLUE_END 1
#define ISOTEL_FLUE_LOG 2
#define ISOTEL_FLUE_INTERRUPT 3 /* only for isotel_flue_plan(): an end without the event of the span */
#define ISOTEL_FLUE_SLOT_BITS 14

/* Limits of the bytes of keys and values of a native span: at its start, and in total. Half of the space stays free for
 * the end of the span. The rest of the 64 KiB is for the counts of cut and dropped attributes. */
#define ISOTEL_FLUE_START_BYTES 32768
#define ISOTEL_FLUE_SPAN_BYTES 65408
#define ISOTEL_FLUE_KEEP_ALL 0xFFFFFFFF
#define ISOTEL_FLUE_CUTTABLE 0x80000000

typedef struct isotel_flue isotel_flue;

ISOTEL_EXPORT(uint32_t, isotel_flue_abi_version, (void));

/* A hash of the tables the host was generated from; see abi/shared/fingerprint.h. */
ISOTEL_EXPORT(uint32_t, isotel_flue_abi_fingerprint, (void));

/* `open_spans`: how many spans may be open at the same time, at most base/limits.h kMaxOpenFlueSpans. `span_age_ms`:
 * how long a span may be open. 0 is the default of either. */
ISOTEL_EXPORT(isotel_flue*, isotel_flue_create, (uint32_t open_spans, double span_age_ms));
ISOTEL_EXPORT(void, isotel_flue_destroy, (isotel_flue * context));

/* Returns the buffer with room for at least `size` bytes, or null past base/limits.h kMaxBufferBytes. Growing loses its
 * content and may move it. */
ISOTEL_EXPORT(void*, isotel_flue_buffer, (isotel_flue * context, uint32_t size));

/* uint32_t[]: the list that the last call returned. */
ISOTEL_EXPORT(const void*, isotel_flue_output, (isotel_flue * context));

/* Writes the attributes that an op with this code sets on a span (a row of flue/spans.def) in a format: positions in
 * flue/fields.def, in order. Returns their number. */
ISOTEL_EXPORT(int32_t, isotel_flue_plan, (isotel_flue * context, uint32_t format, uint32_t code, uint32_t span));

/* Writes the ops of an event, in order. Returns their number. `now_ms` is when the event arrived.
 *
 * Bit i of `ids`: the event has the identifier at row i of flue/ids.def. Bit ISOTEL_FLUE_IDS + i: that identifier
 * differs from the last one in this row. The buffer holds the different ones, in order, with a zero byte after each.
 * The first call, and a call after an error, pass all identifiers of the event. Those that flue/events.def does not
 * list for the event may be left out. */
ISOTEL_EXPORT(int32_t, isotel_flue_event,
              (isotel_flue * context, uint32_t event, uint32_t flags, uint32_t ids, uint32_t length, double now_ms));

/* Returns the handle of the open span of such an event or its alias; 0 for none and for an error. Identifiers are
 * passed as to isotel_flue_event(). */
ISOTEL_EXPORT(uint32_t, isotel_flue_find, (isotel_flue * context, uint32_t event, uint32_t ids, uint32_t length));

/* Ends every open span. Writes the ops and returns their number. */
ISOTEL_EXPORT(int32_t, isotel_flue_end_all, (isotel_flue * context));

/* Fits `count` attributes into `available_bytes`. Writes a uint32_t for each: ISOTEL_FLUE_KEEP_ALL, 0 to drop it, or
 * the bytes to cut its text to. Returns `count`. The buffer holds two uint32_t for each: the bytes of its key, and the
 * bytes of its value, with ISOTEL_FLUE_CUTTABLE for a text. */
ISOTEL_EXPORT(int32_t, isotel_flue_fit, (isotel_flue * context, uint32_t count, uint32_t available_bytes));

/* double[]: the number of open spans, and a count for each row of flue/counters.def. Valid until the next call. */
ISOTEL_EXPORT(void*, isotel_flue_counters, (isotel_flue * context));

#ifdef __cplusplus
}
#endif

#endif /* ISOTEL_FLUE_H_ */
