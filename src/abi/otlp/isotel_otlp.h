/* The ABI of the OTLP module, in plain C. It encodes ended spans and log records as export requests, makes identifiers
 * and reads W3C headers.
 *
 * Conventions
 *  1. A call reads bytes and texts at the start of the context's buffer. The host gets the buffer from
 *     isotel_otlp_buffer(), writes there and passes the length. A length beyond the buffer is kOutOfRange.
 *  2. A call returns bytes and texts at isotel_otlp_output(). They stay there until the next such call.
 *  3. An int32_t result >= 0 is a value, a negative one an error of base/errors.def.
 *  4. isotel_otlp_create() makes a context; it is the first argument of every call. Use it from one thread only.
 *     Between calls it keeps its memory and the state of its random numbers, nothing else.
 *  5. Any call may grow the memory. The host makes new views when the memory has another buffer.
 *  6. Times are milliseconds since the Unix epoch as a double, fractions included. They come from the host.
 *  7. ISOTEL_OTLP_ABI_VERSION grows with every change of a signature or layout, including that of a batch. A host
 *     refuses a module with another version or fingerprint.
 */
#ifndef ISOTEL_OTLP_H_
#define ISOTEL_OTLP_H_

#include <stdint.h>

#include "abi/shared/export.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ISOTEL_OTLP_ABI_VERSION 3

#define ISOTEL_OTLP_TRACES 0
#define ISOTEL_OTLP_LOGS 1

#define ISOTEL_OTLP_PROTOBUF 0
#define ISOTEL_OTLP_JSON 1

/* What a backend reads besides gen_ai.*; see otlp/dialects.def. */
#define ISOTEL_DIALECT_NONE 0
#define ISOTEL_DIALECT_OPENINFERENCE 1
#define ISOTEL_DIALECT_LANGFUSE 2
#define ISOTEL_DIALECT_LANGSMITH 3
#define ISOTEL_DIALECT_BRAINTRUST 4
#define ISOTEL_DIALECT_SENTRY 5

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

/* Greatest nesting depth of lists and maps. */
#define ISOTEL_MAX_VALUE_DEPTH 32
/* Greatest size of a batch. */
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

/* Greatest count of isotel_otlp_ids(). */
#define ISOTEL_OTLP_MAX_IDS 1024

/* The parent of isotel_otlp_sample(). */
#define ISOTEL_PARENT_NONE 0
#define ISOTEL_PARENT_NOT_SAMPLED 1
#define ISOTEL_PARENT_SAMPLED 2

typedef struct isotel_otlp isotel_otlp;

/* ---- context ---- */

ISOTEL_EXPORT(uint32_t, isotel_otlp_abi_version, (void));

/* A hash of the tables the host was generated from; see abi/shared/fingerprint.h. */
ISOTEL_EXPORT(uint32_t, isotel_otlp_abi_fingerprint, (void));

ISOTEL_EXPORT(isotel_otlp*, isotel_otlp_create, (void));
ISOTEL_EXPORT(void, isotel_otlp_destroy, (isotel_otlp * context));

/* Returns the buffer with room for at least `size` bytes, aligned to 8, or null past ISOTEL_MAX_BATCH_BYTES. Growing
 * loses its content and may move it. */
ISOTEL_EXPORT(void*, isotel_otlp_buffer, (isotel_otlp * context, uint32_t size));

ISOTEL_EXPORT(void*, isotel_otlp_output, (isotel_otlp * context));

/* ---- requests ---- */

/* Encodes the batch in the buffer, of ISOTEL_OTLP_TRACES or ISOTEL_OTLP_LOGS, as an Export...ServiceRequest in
 * ISOTEL_OTLP_PROTOBUF or ISOTEL_OTLP_JSON, spans in an ISOTEL_DIALECT_*. Returns its bytes. The batch is double[numbers], uint32_t[keys],
 * uint32_t[words], text_bytes bytes of UTF-8, which are text_units UTF-16 units, and raw_bytes bytes. kCorrupt: this is
 * not a batch. kInvalidUtf8: joining the texts made one character of two lone surrogates. kTooLarge: the request
 * exceeds base/limits.h kMaxOtlpBytes. */
ISOTEL_EXPORT(int32_t, isotel_otlp_encode,
              (isotel_otlp * context, uint32_t signal, uint32_t format, uint32_t dialect, uint32_t numbers,
               uint32_t keys, uint32_t words, uint32_t text_bytes, uint32_t text_units, uint32_t raw_bytes));

/* Returns how many spans the last request left out for an invalid trace or span identifier. */
ISOTEL_EXPORT(uint32_t, isotel_otlp_skipped, (isotel_otlp * context));

/* ---- identifiers ---- */

/* Seeds the random numbers with the first 32 bytes of the buffer, which must be random. kInvalidValue: all are zero. */
ISOTEL_EXPORT(int32_t, isotel_otlp_seed, (isotel_otlp * context));

/* Writes `count` times 16 lower-case hexadecimal digits, never 16 zeros. Returns their bytes. A span identifier is one
 * of these, a trace identifier two. kOutOfRange: no seed, or past ISOTEL_OTLP_MAX_IDS. */
ISOTEL_EXPORT(int32_t, isotel_otlp_ids, (isotel_otlp * context, uint32_t count));

/* Returns 1 to sample the trace whose identifier, 32 hexadecimal digits, is in the buffer, else 0. `parent` is
 * ISOTEL_PARENT_*. See context/sampler.h. kInvalidValue: the identifier is invalid. */
ISOTEL_EXPORT(int32_t, isotel_otlp_sample, (isotel_otlp * context, uint32_t parent, double ratio));

/* ---- W3C headers ---- */

/* Parses the traceparent header in the buffer, see context/trace_parent.h. Returns its flags, or kInvalidValue. Writes
 * the header without white space around it: characters 3 to 34 are the trace identifier, 36 to 51 the span identifier,
 * 53 and 54 the flags. */
ISOTEL_EXPORT(int32_t, isotel_otlp_trace_parent, (isotel_otlp * context, uint32_t length));

/* Parses the tracestate header in the buffer, see context/trace_state.h. Writes its members. Returns their bytes, or
 * kInvalidValue. */
ISOTEL_EXPORT(int32_t, isotel_otlp_trace_state, (isotel_otlp * context, uint32_t length));

#ifdef __cplusplus
}
#endif

#endif /* ISOTEL_OTLP_H_ */
