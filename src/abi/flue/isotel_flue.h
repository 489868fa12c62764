/* The ABI of the module for Flue: what to do with spans, out of the identifiers of events, in plain C.
 *
 * Conventions
 *  1. Texts a call reads stand at the start of the context's buffer: the host asks for it with isotel_flue_buffer(),
 *     writes there and passes the length. A length beyond the buffer is kOutOfRange.
 *  2. Lists a call answers stand at isotel_flue_output() until the next call that answers one.
 *  3. An int32_t result is a value when it is >= 0 and an error of base/errors.def when it is negative.
 *  4. A context is one set of open spans, made by isotel_flue_create() and passed first everywhere. It belongs to one
 *     thread.
 *  5. Any call may grow the memory: views have to be taken anew when the memory's buffer is another.
 *  6. Times are milliseconds as a double. They come from the host.
 *  7. ISOTEL_FLUE_ABI_VERSION grows with every change of a signature or layout. A host refuses a module whose version or
 *     fingerprint is not the one it was built for.
 */
#ifndef ISOTEL_FLUE_H_
#define ISOTEL_FLUE_H_

#include <stdint.h>

#include "abi/export.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ISOTEL_FLUE_ABI_VERSION 3

/* Formats of events: where they have their values. */
#define ISOTEL_FLUE_V1 0
#define ISOTEL_FLUE_V3 1

/* Flags of isotel_flue_event(). */
#define ISOTEL_FLUE_COMPACTION_TURN 1 /* a turn that summarizes for a compaction */
#define ISOTEL_FLUE_GEN_AI 2          /* spans as the conventions for generative AI have them */
#define ISOTEL_FLUE_PROMPT 4          /* an operation that is a prompt */
#define ISOTEL_FLUE_SKILL 8           /* an operation that is a skill */
#define ISOTEL_FLUE_SHELL 16          /* an operation that is a shell, or the program's own call of one */
#define ISOTEL_FLUE_TASK_TOOL 32      /* the framework's own tool that delegates a task */

#define ISOTEL_FLUE_IDS 8 /* identifiers an event may have */

/* Numbers of an action, each a uint32_t, and what is done. */
#define ISOTEL_FLUE_ACTION_SIZE 6
#define ISOTEL_FLUE_ACTION_VERB 0
#define ISOTEL_FLUE_ACTION_SPAN 1        /* handle; its low ISOTEL_FLUE_SLOT_BITS are a slot no other open span has */
#define ISOTEL_FLUE_ACTION_TYPE 2        /* a row of flue/spans.def */
#define ISOTEL_FLUE_ACTION_ENDING 3      /* of an end: a row of flue/endings.def */
#define ISOTEL_FLUE_ACTION_PARENT 4      /* of a start: handle; 0 for a root */
#define ISOTEL_FLUE_ACTION_PREDECESSOR 5 /* of a start: handle of an open span it continues; 0 for none */
#define ISOTEL_FLUE_OPEN 0
#define ISOTEL_FLUE_END 1
#define ISOTEL_FLUE_LOG 2
#define ISOTEL_FLUE_INTERRUPT 3 /* of isotel_flue_plan() only: an end for another reason than its own event */
#define ISOTEL_FLUE_SLOT_BITS 14

/* Attributes of a native span: bytes of keys and values it may have at its start, so that its end has as much room, and
 * in all, less what tells of attributes that were cut or dropped. */
#define ISOTEL_FLUE_START_BYTES 32768
#define ISOTEL_FLUE_SPAN_BYTES 65408
#define ISOTEL_FLUE_KEEP_ALL 0xFFFFFFFF
#define ISOTEL_FLUE_CUTTABLE 0x80000000

typedef struct isotel_flue isotel_flue;

ISOTEL_EXPORT(uint32_t, isotel_flue_abi_version, (void));

/* A hash of the tables the host was generated from; see abi/fingerprint.h. */
ISOTEL_EXPORT(uint32_t, isotel_flue_abi_fingerprint, (void));

/* `open_spans`: how many may be open at the same time, at most base/limits.h kMaxOpenFlueSpans; `span_age_ms`: how long a
 * span may be open. 0 for the default of either. */
ISOTEL_EXPORT(isotel_flue*, isotel_flue_create, (uint32_t open_spans, double span_age_ms));
ISOTEL_EXPORT(void, isotel_flue_destroy, (isotel_flue * context));

/* The buffer, with room for at least `size` bytes; null past base/limits.h kMaxBufferBytes. Growing it loses what
 * stood in it and may move it. */
ISOTEL_EXPORT(void*, isotel_flue_buffer, (isotel_flue * context, uint32_t size));

/* uint32_t[]: what the last call answered. */
ISOTEL_EXPORT(const void*, isotel_flue_output, (isotel_flue * context));

/* Positions in flue/fields.def of the attributes that doing something (a verb of an action) sets on a span (a row of
 * flue/spans.def) in a format, in their order; their number. */
ISOTEL_EXPORT(int32_t, isotel_flue_plan, (isotel_flue * context, uint32_t format, uint32_t verb, uint32_t span));

/* What an event does: actions in their order; their number. `now_ms` is when it came.
 *
 * `ids` says which identifiers the event has, of run, instance, session, operation, task, turn, tool call and submission:
 * bit i for the one at position i, bit ISOTEL_FLUE_IDS + i when it is another than the last the context was told of at
 * this position. The buffer holds those, in their order, with a zero byte after each. The first call and one after an
 * error tell all the event has. Those that play no part for the event, by flue/events.def, may be left out. */
ISOTEL_EXPORT(int32_t, isotel_flue_event,
              (isotel_flue * context, uint32_t event, uint32_t flags, uint32_t ids, uint32_t length, double now_ms));

/* The handle of the open span such an event is about, or of one that stands for it; 0 when there is none. Identifiers
 * are told as to isotel_flue_event(); 0 stands for an error, too. */
ISOTEL_EXPORT(uint32_t, isotel_flue_find, (isotel_flue * context, uint32_t event, uint32_t ids, uint32_t length));

/* Ends every open span: actions; their number. */
ISOTEL_EXPORT(int32_t, isotel_flue_end_all, (isotel_flue * context));

/* Decides which of `count` attributes are kept within `available_bytes`: a uint32_t for each, ISOTEL_FLUE_KEEP_ALL, 0 or
 * the bytes to cut its text to; their number. The buffer holds two uint32_t of each: bytes of its key, and bytes of its
 * value with ISOTEL_FLUE_CUTTABLE for a text. */
ISOTEL_EXPORT(int32_t, isotel_flue_fit, (isotel_flue * context, uint32_t count, uint32_t available_bytes));

/* double[]: spans that are open, and a count for each row of flue/counters.def. Valid until the next call. */
ISOTEL_EXPORT(void*, isotel_flue_counters, (isotel_flue * context));

#ifdef __cplusplus
}
#endif

#endif /* ISOTEL_FLUE_H_ */
