/* The ABI of the isotel core: every function a host can call, in plain C.
 *
 * Conventions
 *  1. Text is UTF-8 and stands at the start of the context's text buffer: the host asks for it with isotel_buffer(),
 *     writes there and passes the length. Text that comes back stands there too. A length beyond the buffer is
 *     kOutOfRange.
 *  2. An int32_t result is a value when it is >= 0 and an error of base/errors.def when it is negative.
 *  3. Handles are generational uint32_t; 0 is none. A handle that is stale, or whose object has ended, makes a
 *     call a no-op that is counted and answered with an error; it is never undefined behaviour.
 *  4. The context is made once by isotel_create() and passed first everywhere. A context belongs to one thread.
 *     No call keeps a pointer of the host's, none calls back into the host.
 *  5. The exchange block is the memory a call reads fields from and writes plans to. Its address is that of
 *     isotel_exchange() for the life of the context. isotel_span_start() and isotel_span_end() read the fields whose
 *     bit in `present` is set and set and clear bits themselves: the host writes all words of `present` before each
 *     of them. A text has its length in `size`; its `text_id` is read too, where the field says so, and 0 if none.
 *     Any call may grow the memory, and any that answers with text may move the buffer: views have to be taken anew
 *     when the memory's buffer is another, and isotel_buffer(context, 0) tells where the text is.
 *  6. Times are milliseconds since the Unix epoch as a double. They come from the host; the core has no clock.
 *  7. ISOTEL_ABI_VERSION grows with every change of a signature or layout. A host refuses a module whose
 *     isotel_abi_version() or isotel_abi_fingerprint() is not the one it was built for.
 */
#ifndef ISOTEL_ABI_H_
#define ISOTEL_ABI_H_

#include <stdint.h>

#include "abi/export.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ISOTEL_ABI_VERSION 3

/* Layout of the exchange block, in bytes. Fields are numbered by genai/fields.def. */
#define ISOTEL_MAX_FIELDS 128
#define ISOTEL_EXCHANGE_NUMBER 0     /* double[128]: numbers and flags by field */
#define ISOTEL_EXCHANGE_SIZE 1024    /* uint32_t[128]: text lengths by field, ISOTEL_INTERNED_SIZE for interned */
#define ISOTEL_EXCHANGE_TEXT_ID 1536 /* uint32_t[128]: interned texts by field */
#define ISOTEL_EXCHANGE_PRESENT 2048 /* uint32_t[4]: a bit per field */
#define ISOTEL_EXCHANGE_PLAN 2064    /* {uint32_t field | source << 8, uint32_t argument}[128] */
#define ISOTEL_EXCHANGE_RESULT 3088  /* double[32]: what a call answers besides its result */
#define ISOTEL_EXCHANGE_BYTES 3344
#define ISOTEL_RESULT_COUNT 32

/* The low bits of a handle are a slot below this number; no two open objects of a kind share a slot. */
#define ISOTEL_MAX_SPAN_SLOTS 16384

/* What a host may write to a fresh custom span before it has to ask; see isotel_span_charge(). */
#define ISOTEL_MAX_USER_ATTRIBUTES 128
#define ISOTEL_MAX_VALUE_BYTES 28672
#define ISOTEL_START_BYTES 61440

/* `size` of a text that is interned. */
#define ISOTEL_INTERNED_SIZE 0xFFFFFFFF
/* A decision of isotel_span_fit(): the value is kept whole. */
#define ISOTEL_KEEP_ALL 0xFFFFFFFF
/* Set in the value size given to isotel_span_fit() when the value is a text that may be cut. */
#define ISOTEL_CUTTABLE 0x80000000

/* Where the value of a planned attribute is found. */
#define ISOTEL_SOURCE_TEXT 0          /* the host's text of the field */
#define ISOTEL_SOURCE_NUMBER 1        /* the number of the field in the exchange block */
#define ISOTEL_SOURCE_TRUE 2          /* true */
#define ISOTEL_SOURCE_INTERNED 3      /* the interned text `argument` */
#define ISOTEL_SOURCE_CUT_TEXT 4      /* the host's text, cut to `argument` bytes at a character */
#define ISOTEL_SOURCE_TEXT_LIST 5     /* a list of one: the host's text of the field `argument` */
#define ISOTEL_SOURCE_INTERNED_LIST 6 /* a list of one: the interned text `argument` */
#define ISOTEL_SOURCE_JSON_LIST 7     /* the list of texts whose JSON is the host's text of the field */

/* Set in the first word of a planned attribute that is left out for its bytes; only spans of ISOTEL_SPAN_WHOLE have
 * such. */
#define ISOTEL_LEFT_OUT 0x10000

/* Flags of isotel_span_open(). A span with ISOTEL_SPAN_WHOLE is told what is cut or left out for the byte budget; without
 * ISOTEL_SPAN_NATIVE nothing is. */
#define ISOTEL_SPAN_BOUNDED 1       /* ends no later than the body of its scope */
#define ISOTEL_SPAN_NATIVE 2        /* feeds the Workers runtime: its byte budget applies */
#define ISOTEL_SPAN_UNTRACED 4      /* feeds no trace: nothing is planned for it, its metrics are recorded */
#define ISOTEL_SPAN_WHOLE 8         /* feeds a sink that takes values whole */
#define ISOTEL_SPAN_PROFILE_SHIFT 8 /* bits 8..15: the profile of its attribute names, of genai/profiles.def */

/* Flags of isotel_span_start() and isotel_span_end(). */
#define ISOTEL_SIZES_EXACT 1         /* sizes are UTF-8 bytes, not UTF-16 units */
#define ISOTEL_STATUS_AS_ATTRIBUTE 2 /* the host's spans have no status: say it as otel.status_code */

/* Status codes, as in OpenTelemetry. */
#define ISOTEL_STATUS_UNSET 0
#define ISOTEL_STATUS_OK 1
#define ISOTEL_STATUS_ERROR 2

/* Sources of isotel_metadata_key(). */
#define ISOTEL_METADATA 0
#define ISOTEL_RUNTIME_CONTEXT 1

/* Flags of isotel_genai_metrics(). */
#define ISOTEL_GENAI_FORMER_NAMES 1 /* record under the names the conventions have given up too */

/* Generators of isotel_metrics_bounds(). */
#define ISOTEL_BOUNDS_LINEAR 0      /* a, a + b, a + 2 b, ... */
#define ISOTEL_BOUNDS_EXPONENTIAL 1 /* a, a b, a b^2, ... */
#define ISOTEL_BOUNDS_PER_DECADE 2  /* b bounds in each power of ten, from 10^a on */

/* Layout of a declaration for isotel_metrics_declare(), in bytes. What has a size follows in the order of its size:
 * double[bound_count] bounds, uint32_t[label_count] sizes of the label names, then the texts name, unit, help and label
 * names, without anything between them. */
#define ISOTEL_DECLARATION_ZERO_THRESHOLD 0 /* double: of exponential histograms; below 0 for the default */
#define ISOTEL_DECLARATION_KIND 8           /* uint32_t: a code of metrics/kinds.def */
#define ISOTEL_DECLARATION_SCHEMA 12        /* int32_t: of exponential histograms, -4..8 */
#define ISOTEL_DECLARATION_MAX_BUCKETS 16   /* uint32_t: of exponential histograms, 0 for the default */
#define ISOTEL_DECLARATION_MAX_SERIES 20    /* uint32_t: label sets kept apart, 0 for the default */
#define ISOTEL_DECLARATION_NAME_SIZE 24     /* uint32_t */
#define ISOTEL_DECLARATION_UNIT_SIZE 28     /* uint32_t */
#define ISOTEL_DECLARATION_HELP_SIZE 32     /* uint32_t */
#define ISOTEL_DECLARATION_LABEL_COUNT 36   /* uint32_t */
#define ISOTEL_DECLARATION_BOUND_COUNT 40   /* uint32_t */
#define ISOTEL_DECLARATION_BUILT_IN 44      /* uint32_t: 1 for a family that gives way to one of the host's own */
#define ISOTEL_DECLARATION_BYTES 48

/* Results of isotel_metrics_status(). */
#define ISOTEL_METRICS_FAMILIES 0
#define ISOTEL_METRICS_ROWS 1
#define ISOTEL_METRICS_DIRTY 2                 /* 1 when something waits for a flush */
#define ISOTEL_METRICS_PENDING_FRAMES 3        /* not committed yet */
#define ISOTEL_METRICS_LABEL_SETS_OVERFLOWED 4 /* since metrics were opened */
#define ISOTEL_METRICS_INVALID_VALUES 5        /* since metrics were opened */
#define ISOTEL_METRICS_REPLACED 6              /* built-in families that gave way after they had been declared */

typedef struct isotel_context isotel_context;

/* ---- context ---- */

ISOTEL_EXPORT(uint32_t, isotel_abi_version, (void));

/* A hash of the tables the host was generated from; see abi/fingerprint.h. */
ISOTEL_EXPORT(uint32_t, isotel_abi_fingerprint, (void));

ISOTEL_EXPORT(isotel_context*, isotel_create, (void));
ISOTEL_EXPORT(void, isotel_destroy, (isotel_context * context));

/* The exchange block: ISOTEL_EXCHANGE_BYTES bytes, aligned to 8. */
ISOTEL_EXPORT(void*, isotel_exchange, (isotel_context * context));

/* The text buffer, with room for at least `size` bytes; null past base/limits.h kMaxBufferBytes. Growing it
 * loses what stood in it and may move it. */
ISOTEL_EXPORT(void*, isotel_buffer, (isotel_context * context, uint32_t size));

/* Counters of base/counters.def into the results; their number. */
ISOTEL_EXPORT(int32_t, isotel_counters, (isotel_context * context));

/* ---- texts ---- */

/* The attribute keys of a profile of genai/profiles.def, one a line in the order of fields.def, into the buffer;
 * their length. */
ISOTEL_EXPORT(int32_t, isotel_keys, (isotel_context * context, uint32_t profile));

/* Interns the first `length` bytes of the buffer; 0 when the table is full (counted). */
ISOTEL_EXPORT(uint32_t, isotel_intern, (isotel_context * context, uint32_t length));

/* The interned text into the buffer; its length, or kUnknownText. */
ISOTEL_EXPORT(int32_t, isotel_text, (isotel_context * context, uint32_t text));

/* The span name of an operation on the target in the buffer (length 0: none), into the buffer; its length. */
ISOTEL_EXPORT(int32_t, isotel_span_name, (isotel_context * context, uint32_t operation, uint32_t length));

/* How many of the first `length` bytes of the buffer the Workers runtime keeps of a span name, counted when
 * that is not all; always at a character. */
ISOTEL_EXPORT(int32_t, isotel_cut_name, (isotel_context * context, uint32_t length));

/* gen_ai.provider.name of the identifier in the buffer, into the buffer; its length. */
ISOTEL_EXPORT(int32_t, isotel_provider_name, (isotel_context * context, uint32_t length));

/* The attribute key of the metadata entry in the buffer, into the buffer; its length, 0 for a key that is
 * consumed. `source` is ISOTEL_METADATA or ISOTEL_RUNTIME_CONTEXT. */
ISOTEL_EXPORT(int32_t, isotel_metadata_key, (isotel_context * context, uint32_t source, uint32_t length));

/* ---- scopes ---- */

/* A scope for the spans of one invocation. Past the limit the oldest is forgotten (counted). */
ISOTEL_EXPORT(uint32_t, isotel_scope_open, (isotel_context * context));

/* The handles of its open spans (only the bounded ones if asked), newest first, as uint32_t into the buffer;
 * their number. */
ISOTEL_EXPORT(int32_t, isotel_scope_spans, (isotel_context * context, uint32_t scope, uint32_t bounded_only));

/* Forgets a scope; spans still open go on without one. */
ISOTEL_EXPORT(int32_t, isotel_scope_close, (isotel_context * context, uint32_t scope));

/* ---- spans ---- */

/* A span that is recording, or 0 past the limit of its scope or for an unknown operation (counted). Past that of the
 * isolate the oldest span is given up (counted). `operation` is a code of
 * genai/operations.def. */
ISOTEL_EXPORT(uint32_t, isotel_span_open,
              (isotel_context * context, uint32_t operation, uint32_t parent, uint32_t scope, uint32_t flags,
               double start_unix_ms));

/* Plans the start attributes from the fields in the exchange block; the number of plan entries. kNeedExactSizes:
 * nothing happened, call again with ISOTEL_SIZES_EXACT. */
ISOTEL_EXPORT(int32_t, isotel_span_start, (isotel_context * context, uint32_t span, uint32_t flags));

/* Charges `count` attributes of the user's own that the host has written, at most `bytes` bytes together, and
 * `invalid` ones it left out for their type. How many more may be written, and at most how many bytes in result[0].
 * A fresh custom span allows ISOTEL_MAX_USER_ATTRIBUTES and ISOTEL_START_BYTES. A value of more than
 * ISOTEL_MAX_VALUE_BYTES, and what exceeds the allowance, has to go through isotel_span_fit(). */
ISOTEL_EXPORT(int32_t, isotel_span_charge,
              (isotel_context * context, uint32_t span, uint32_t count, uint32_t bytes, uint32_t invalid));

/* Decides about attributes by their exact sizes, {uint32_t key_bytes, uint32_t value_bytes | ISOTEL_CUTTABLE}[count]
 * in the buffer, answered there by uint32_t[count]: ISOTEL_KEEP_ALL, 0 to drop, or the bytes to cut to. The number of
 * decisions; what is beyond them is dropped. */
ISOTEL_EXPORT(int32_t, isotel_span_fit, (isotel_context * context, uint32_t span, uint32_t count, uint32_t invalid));

/* Notes when the first output of the call arrived; only the first note counts. */
ISOTEL_EXPORT(int32_t, isotel_span_first_chunk, (isotel_context * context, uint32_t span, double now_unix_ms));

/* Notes when a chunk of output after the first arrived, for the GenAI metrics. */
ISOTEL_EXPORT(int32_t, isotel_span_next_chunk, (isotel_context * context, uint32_t span, double now_unix_ms));

/* Sets the status: Ok is final, Error overrides Unset. */
ISOTEL_EXPORT(int32_t, isotel_span_status, (isotel_context * context, uint32_t span, uint32_t status));

/* Charges as isotel_span_charge() does, plans the finish attributes and ends the span with an outcome of
 * trace/outcomes.def; the number of plan entries, and the final status in result[0]. kNeedExactSizes: charged, but
 * still open; call again with ISOTEL_SIZES_EXACT and nothing to charge. */
ISOTEL_EXPORT(int32_t, isotel_span_end,
              (isotel_context * context, uint32_t span, uint32_t outcome, uint32_t flags, double end_unix_ms,
               uint32_t count, uint32_t bytes, uint32_t invalid));

/* ---- metrics ---- */

/* Makes the context a producer of delta frames: its identifier, random and never used before, is the first 16 bytes of
 * the buffer. kConflict when it is one already. Without it the calls below answer kOutOfRange. */
ISOTEL_EXPORT(int32_t, isotel_metrics_open, (isotel_context * context));

/* Bucket bounds of a generator, `count` of them as double into the buffer; their number, or kInvalidBounds. Of
 * ISOTEL_BOUNDS_PER_DECADE, `count` decades with b bounds each, and the last power of ten. */
ISOTEL_EXPORT(int32_t, isotel_metrics_bounds,
              (isotel_context * context, uint32_t generator, double a, double b, uint32_t count));

/* Declares the family in the first `length` bytes of the buffer, laid out as above; its number, the same one for an
 * equal declaration. kOutOfRange when the sizes do not add up to `length`, else the errors of
 * metrics/registry.h Declare(). */
ISOTEL_EXPORT(int32_t, isotel_metrics_declare, (isotel_context * context, uint32_t length));

/* The row of a label set: its values in the order of the declared names, in the first `length` bytes of the buffer as
 * uint32_t[label_count] sizes and the texts. Past the cap of the family its overflow row (counted). */
ISOTEL_EXPORT(int32_t, isotel_metrics_bind,
              (isotel_context * context, uint32_t family, uint32_t length, double now_unix_ms));

/* Adds to a counter, sets a gauge, observes in a histogram. kInvalidValue (counted) for what is not a number, infinite
 * (gauges take it) or lowers a counter. */
ISOTEL_EXPORT(int32_t, isotel_metrics_record, (isotel_context * context, uint32_t row, double value));

/* The same for the value of an exemplar; its 16 bytes of trace and 8 of span identifier stand in the buffer. */
ISOTEL_EXPORT(int32_t, isotel_metrics_record_exemplar,
              (isotel_context * context, uint32_t row, double value, double now_unix_ms));

/* Adds to a gauge, which starts at 0; other kinds record. */
ISOTEL_EXPORT(int32_t, isotel_metrics_add, (isotel_context * context, uint32_t row, double value));

/* Moves what changed into frames, with `refresh_gauges` every gauge too; how many frames are not committed, the oldest
 * first. While too many bytes are not committed nothing is moved. */
ISOTEL_EXPORT(int32_t, isotel_metrics_flush, (isotel_context * context, double now_unix_ms, uint32_t refresh_gauges));

/* The frame at `index` of those not committed, into the buffer; its length, and its sequence number in result[0]. */
ISOTEL_EXPORT(int32_t, isotel_metrics_frame, (isotel_context * context, uint32_t index));

/* Forgets a frame that was delivered. kOutOfRange when none has that number. */
ISOTEL_EXPORT(int32_t, isotel_metrics_commit, (isotel_context * context, double sequence));

/* ISOTEL_METRICS_* into the results; their number. */
ISOTEL_EXPORT(int32_t, isotel_metrics_status, (isotel_context * context));

/* ---- GenAI metrics ---- */

/* Records the metrics of genai/metrics_table.def for spans opened from now on, as they end; the first `length` bytes of
 * the buffer are the unit of costs, "USD" if none. The labels are those texts of a span's fields that have a `text_id`.
 * Called again it replaces what was set, prices too. The number of metrics that are left out because the host has
 * declared their names. kOutOfRange before isotel_metrics_open(), else the errors of isotel_metrics_declare(): on one
 * nothing has changed. */
ISOTEL_EXPORT(int32_t, isotel_genai_metrics, (isotel_context * context, uint32_t flags, uint32_t length));

/* Sets what a million tokens cost of the model whose name in requests is in the first `length` bytes of the buffer; NaN
 * for cached tokens that cost what others do. kInvalidValue for what is no price, kLimitReached past kMaxPrices. */
ISOTEL_EXPORT(int32_t, isotel_genai_price,
              (isotel_context * context, uint32_t length, double input, double output, double cache_read,
               double cache_write));

#ifdef __cplusplus
}
#endif

#endif /* ISOTEL_ABI_H_ */
