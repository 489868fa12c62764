/* The ABI of the OTLP module: export requests out of finished spans and log records, in plain C.
 *
 * Conventions
 *  1. Bytes and texts a call reads stand at the start of the context's buffer: the host asks for it with
 *     isotel_otlp_buffer(), writes there and passes the length. A length beyond the buffer is kOutOfRange.
 *  2. Bytes and texts a call answers stand at isotel_otlp_output() until the next call that answers some.
 *  3. An int32_t result is a value when it is >= 0 and an error of base/errors.def when it is negative.
 *  4. A context is made by isotel_otlp_create() and passed first everywhere. It belongs to one thread, and between two
 *     calls it keeps nothing but its memory and the state of its random numbers.
 *  5. Any call may grow the memory: views have to be taken anew when the memory's buffer is another.
 *  6. Times are milliseconds since the Unix epoch as a double, fractions included. They come from the host.
 *  7. ISOTEL_OTLP_ABI_VERSION grows with every change of a signature or layout, that of a batch too. A host refuses a
 *     module whose version or fingerprint is not the one it was built for.
 */
#ifndef ISOTEL_OTLP_H_
#define ISOTEL_OTLP_H_

#include <stdint.h>

#include "abi/export.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ISOTEL_OTLP_ABI_VERSION 2

#define ISOTEL_OTLP_TRACES 0
#define ISOTEL_OTLP_LOGS 1

#define ISOTEL_OTLP_PROTOBUF 0
#define ISOTEL_OTLP_JSON 1

/* The low four bits of a value's first word; see docs/otlp-encoding.md. */
#define ISOTEL_VALUE_EMPTY 0
#define ISOTEL_VALUE_TEXT 1
#define ISOTEL_VALUE_FALSE 2
#define ISOTEL_VALUE_TRUE 3
#define ISOTEL_VALUE_INT32 4
#define ISOTEL_VALUE_INTEGER 5
#define ISOTEL_VALUE_INT64 6
#define ISOTEL_VALUE_DOUBLE 7
#define ISOTEL_VALUE_LIST 8
#define ISOTEL_VALUE_MAP 9
#define ISOTEL_VALUE_BYTES 10
#define ISOTEL_VALUE_SAME_TEXT 11
#define ISOTEL_VALUE_NONE 15

/* Lists and maps inside one another, at most. */
#define ISOTEL_MAX_VALUE_DEPTH 32
/* Bytes of a batch, at most. */
#define ISOTEL_MAX_BATCH_BYTES 16777216

/* Bits of the first word of a span, above flags | kind << 8 | status << 16, and of a link, above flags. */
#define ISOTEL_SPAN_SAME_TRACE 0x1000000
#define ISOTEL_SPAN_HAS_PARENT 0x2000000
#define ISOTEL_SPAN_KNOWS_REMOTE 0x4000000
#define ISOTEL_SPAN_IS_REMOTE 0x8000000
#define ISOTEL_SPAN_SAME_NAME 0x10000000

/* Bits of the first word of a log record, above flags | severity << 8. */
#define ISOTEL_LOG_HAS_TRACE 0x1000000
#define ISOTEL_LOG_HAS_SPAN 0x2000000

/* Identifiers that isotel_otlp_ids() makes at once, at most. */
#define ISOTEL_OTLP_MAX_IDS 1024

/* What isotel_otlp_sample() is told of a span's parent. */
#define ISOTEL_PARENT_NONE 0
#define ISOTEL_PARENT_NOT_SAMPLED 1
#define ISOTEL_PARENT_SAMPLED 2

typedef struct isotel_otlp isotel_otlp;

/* ---- context ---- */

ISOTEL_EXPORT(uint32_t, isotel_otlp_abi_version, (void));

/* A hash of the tables the host was generated from; see abi/fingerprint.h. */
ISOTEL_EXPORT(uint32_t, isotel_otlp_abi_fingerprint, (void));

ISOTEL_EXPORT(isotel_otlp*, isotel_otlp_create, (void));
ISOTEL_EXPORT(void, isotel_otlp_destroy, (isotel_otlp * context));

/* The buffer, with room for at least `size` bytes, aligned to 8; null past ISOTEL_MAX_BATCH_BYTES. Growing it loses what
 * stood in it and may move it. */
ISOTEL_EXPORT(void*, isotel_otlp_buffer, (isotel_otlp * context, uint32_t size));

ISOTEL_EXPORT(void*, isotel_otlp_output, (isotel_otlp * context));

/* ---- requests ---- */

/* Encodes the batch in the buffer, of ISOTEL_OTLP_TRACES or ISOTEL_OTLP_LOGS, as ISOTEL_OTLP_PROTOBUF or
 * ISOTEL_OTLP_JSON: an Export...ServiceRequest; its bytes. The batch is double[numbers], uint32_t[keys],
 * uint32_t[words], text_bytes bytes of UTF-8, which are text_units UTF-16 units, and raw_bytes bytes. kCorrupt when it
 * is none, kInvalidUtf8 when the texts, joined, made a character out of two halves that belong to different texts,
 * kTooLarge when the request is longer than base/limits.h kMaxOtlpBytes. */
ISOTEL_EXPORT(int32_t, isotel_otlp_encode,
              (isotel_otlp * context, uint32_t signal, uint32_t format, uint32_t numbers, uint32_t keys, uint32_t words,
               uint32_t text_bytes, uint32_t text_units, uint32_t raw_bytes));

/* How many spans the last request left out, because their trace or span identifier is none. */
ISOTEL_EXPORT(uint32_t, isotel_otlp_skipped, (isotel_otlp * context));

/* ---- identifiers ---- */

/* Seeds the random numbers with the first 32 bytes of the buffer, which have to be random. kInvalidValue when all are
 * zero. */
ISOTEL_EXPORT(int32_t, isotel_otlp_seed, (isotel_otlp * context));

/* `count` times 16 lower-case hexadecimal digits, never 16 zeros; their bytes. kOutOfRange without a seed, or past
 * ISOTEL_OTLP_MAX_IDS. A span identifier is one of them, a trace identifier two. */
ISOTEL_EXPORT(int32_t, isotel_otlp_ids, (isotel_otlp * context, uint32_t count));

/* 1 when the trace whose identifier, 32 hexadecimal digits, stands in the buffer is to be sampled, else 0. `parent` is
 * ISOTEL_PARENT_*; kInvalidValue when the identifier is none. See context/sampler.h. */
ISOTEL_EXPORT(int32_t, isotel_otlp_sample, (isotel_otlp * context, uint32_t parent, double ratio));

/* ---- W3C headers ---- */

/* Checks the traceparent header in the buffer, see context/trace_parent.h; its flags, or kInvalidValue. The header
 * without white space around it is the output, of which trace identifier, span identifier and flags are the
 * characters 3 to 34, 36 to 51, 53 and 54. */
ISOTEL_EXPORT(int32_t, isotel_otlp_trace_parent, (isotel_otlp * context, uint32_t length));

/* The members of the tracestate header in the buffer, see context/trace_state.h; their bytes, or kInvalidValue. */
ISOTEL_EXPORT(int32_t, isotel_otlp_trace_state, (isotel_otlp * context, uint32_t length));

#ifdef __cplusplus
}
#endif

#endif /* ISOTEL_OTLP_H_ */
