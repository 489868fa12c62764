/* The ABI of the core, in plain C: every function that a host can call.
 *
 * Conventions
 *  1. Text is UTF-8, at the start of the context's buffer. The host gets the buffer from isotel_buffer(), writes there
 *     and passes the length. A call returns text in the same place. A length beyond the buffer is kOutOfRange.
 *  2. An int32_t result >= 0 is a value, a negative one an error of base/errors.def.
 *  3. Handles are generational uint32_t; 0 is no handle. A call with a stale handle, or with that of an ended object,
 *     does nothing, is counted and returns an error. It is never undefined behaviour.
 *  4. isotel_create() makes a context; it is the first argument of every call. Use it from one thread only. No call
 *     keeps a pointer of the host, and none calls back into the host.
 *  5. The shared block holds the fields that a call reads and the plan that it writes. isotel_shared_block() returns
 *     its address, which does not change. isotel_span_start() and isotel_span_end() read the fields whose bit in
 *     `present` is set. They also set and clear bits: the host writes all words of `present` before each of them. A
 *     text has its length in `size`. Fields that are labels of metrics, and the finish reason, also have the interned
 *     text in `text_id`, or 0.
 *  6. Any call may grow the memory: the host makes new views when the memory has another buffer. A call that returns
 *     text may move the context's buffer: isotel_buffer(context, 0) returns its address.
 *  7. Times are milliseconds since the Unix epoch as a double. They come from the host; the core has no clock.
 *  8. ISOTEL_ABI_VERSION grows with every change of a signature or layout. A host refuses a module with another
 *     isotel_abi_version() or isotel_abi_fingerprint().
 */
#ifndef ISOTEL_ABI_H_
#define ISOTEL_ABI_H_

#include <stdint.h>

#include "abi/shared/export.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ISOTEL_ABI_VERSION 5

/* Layout of the shared block, in bytes. Fields are numbered by genai/fields.def. */
#define ISOTEL_MAX_FIELDS 128
#define ISOTEL_BLOCK_NUMBER 0     /* double[128]: numbers and flags by field */
#define ISOTEL_BLOCK_SIZE 1024    /* uint32_t[128]: text lengths by field, ISOTEL_INTERNED_SIZE for interned */
#define ISOTEL_BLOCK_TEXT_ID 1536 /* uint32_t[128]: interned texts by field */
#define ISOTEL_BLOCK_PRESENT 2048 /* uint32_t[4]: a bit per field */
#define ISOTEL_BLOCK_PLAN 2064    /* {uint32_t field | source << 8, uint32_t argument}[128] */
#define ISOTEL_BLOCK_RESULT 3088  /* double[32]: further results of a call */
#define ISOTEL_BLOCK_BYTES 3344
#define ISOTEL_RESULT_COUNT 32

/* The low bits of a handle are a slot below this number. No two open objects of a kind share a slot. */
#define ISOTEL_MAX_SPAN_SLOTS 16384

/* The quota of a fresh custom span; see isotel_span_reserve(). */
#define ISOTEL_MAX_USER_ATTRIBUTES 128
#define ISOTEL_MAX_VALUE_BYTES 28672
#define ISOTEL_START_BYTES 61440

/* `size` of a text that is interned. */
#define ISOTEL_INTERNED_SIZE 0xFFFFFFFF
/* A decision of isotel_span_fit(): the value is kept whole. */
#define ISOTEL_KEEP_ALL 0xFFFFFFFF
/* Set in a value size of isotel_span_fit() when the value is a text that may be cut. */
#define ISOTEL_CUTTABLE 0x80000000

/* Where the host finds the value of a planned attribute. */
#define ISOTEL_SOURCE_TEXT 0          /* the host's text of the field */
#define ISOTEL_SOURCE_NUMBER 1        /* the number of the field in the shared block */
#define ISOTEL_SOURCE_TRUE 2          /* true */
#define ISOTEL_SOURCE_INTERNED 3      /* the interned text `argument` */
#define ISOTEL_SOURCE_CUT_TEXT 4      /* the host's text, cut to `argument` bytes at a character */
#define ISOTEL_SOURCE_TEXT_LIST 5     /* a list of one: the host's text of the field `argument` */
#define ISOTEL_SOURCE_INTERNED_LIST 6 /* a list of one: the interned text `argument` */
#define ISOTEL_SOURCE_JSON_LIST 7     /* the list of texts whose JSON is the host's text of the field */

/* Set in the first word of a planned attribute that does not fit the byte budget. Only plans of spans with
 * ISOTEL_SPAN_WHOLE have such entries. */
#define ISOTEL_LEFT_OUT 0x10000

/* Flags of isotel_span_open(). Without ISOTEL_SPAN_NATIVE nothing is cut or left out for the byte budget. */
#define ISOTEL_SPAN_BOUNDED 1       /* ends no later than the body of its scope */
#define ISOTEL_SPAN_NATIVE 2        /* feeds the Workers runtime: its byte budget applies */
#define ISOTEL_SPAN_UNTRACED 4      /* feeds no trace: only its metrics are recorded */
#define ISOTEL_SPAN_WHOLE 8         /* feeds a sink without limits: plans include what is cut or left out */
#define ISOTEL_SPAN_PROFILE_SHIFT 8 /* bits 8..15: the profile of its attribute names, of genai/profiles.def */

/* Flags of isotel_span_start() and isotel_span_end(). */
#define ISOTEL_SIZES_EXACT 1         /* sizes are UTF-8 bytes, not UTF-16 units */
#define ISOTEL_STATUS_AS_ATTRIBUTE 2 /* the host's spans have no status: plan otel.status_code */

/* Status codes, as in OpenTelemetry. */
#define ISOTEL_STATUS_UNSET 0
#define ISOTEL_STATUS_OK 1
#define ISOTEL_STATUS_ERROR 2

/* Sources of isotel_metadata_key(). */
#define ISOTEL_METADATA 0
#define ISOTEL_RUNTIME_CONTEXT 1

/* Flags of isotel_genai_metrics(). */
#define ISOTEL_GENAI_FORMER_NAMES 1 /* also record under names that the conventions have dropped */
#define ISOTEL_GENAI_VALUES_SHIFT 8 /* bits 8..31: the limit of distinct values of each label, 0 for the default */

/* Generators of isotel_metrics_bounds(). */
#define ISOTEL_BOUNDS_LINEAR 0      /* a, a + b, a + 2 b, ... */
#define ISOTEL_BOUNDS_EXPONENTIAL 1 /* a, a b, a b^2, ... */
#define ISOTEL_BOUNDS_PER_DECADE 2  /* b bounds in each power of ten, from 10^a on */

/* Layout of a declaration for isotel_metrics_declare(), in bytes. After it follow, without padding: double[bound_count]
 * bounds, uint32_t[label_count] sizes of the label names, the texts name, unit and help, and the label names. */
#define ISOTEL_DECLARATION_ZERO_THRESHOLD 0 /* double: of exponential histograms; below 0 for the default */
#define ISOTEL_DECLARATION_KIND 8           /* uint32_t: a code of metrics/kinds.def */
#define ISOTEL_DECLARATION_SCHEMA 12        /* int32_t: of exponential histograms, -4..8 */
#define ISOTEL_DECLARATION_MAX_BUCKETS 16   /* uint32_t: of exponential histograms, 0 for the default */
#define ISOTEL_DECLARATION_MAX_SERIES 20    /* uint32_t: limit of label sets, 0 for the default */
#define ISOTEL_DECLARATION_NAME_SIZE 24     /* uint32_t */
#define ISOTEL_DECLARATION_UNIT_SIZE 28     /* uint32_t */
#define ISOTEL_DECLARATION_HELP_SIZE 32     /* uint32_t */
#define ISOTEL_DECLARATION_LABEL_COUNT 36   /* uint32_t */
#define ISOTEL_DECLARATION_BOUND_COUNT 40   /* uint32_t */
#define ISOTEL_DECLARATION_BUILT_IN 44      /* uint32_t: 1 for a built-in family, which the host's families replace */
#define ISOTEL_DECLARATION_BYTES 48

/* Results of isotel_metrics_status(). */
#define ISOTEL_METRICS_FAMILIES 0
#define ISOTEL_METRICS_ROWS 1
#define ISOTEL_METRICS_DIRTY 2                 /* 1 when there is something to flush */
#define ISOTEL_METRICS_PENDING_FRAMES 3        /* not committed yet */
#define ISOTEL_METRICS_LABEL_SETS_OVERFLOWED 4 /* since metrics were opened */
#define ISOTEL_METRICS_INVALID_VALUES 5        /* since metrics were opened */
#define ISOTEL_METRICS_REPLACED 6              /* built-in families replaced after their declaration */

typedef struct isotel_context isotel_context;

/* ---- context ---- */

ISOTEL_EXPORT(uint32_t, isotel_abi_version, (void));

/* A hash of the tables the host was generated from; see abi/shared/fingerprint.h. */
ISOTEL_EXPORT(uint32_t, isotel_abi_fingerprint, (void));

ISOTEL_EXPORT(isotel_context*, isotel_create, (void));
ISOTEL_EXPORT(void, isotel_destroy, (isotel_context * context));

/* The shared block: ISOTEL_BLOCK_BYTES bytes, aligned to 8. */
ISOTEL_EXPORT(void*, isotel_shared_block, (isotel_context * context));

/* Returns the buffer with room for at least `size` bytes, or null past base/limits.h kMaxBufferBytes. Growing loses its
 * content and may move it. */
ISOTEL_EXPORT(void*, isotel_buffer, (isotel_context * context, uint32_t size));

/* Writes the counters of base/counters.def to the results. Returns their number. */
ISOTEL_EXPORT(int32_t, isotel_counters, (isotel_context * context));

/* ---- texts ---- */

/* Writes the attribute keys of a profile of genai/profiles.def, a line for each field in the order of fields.def.
 * Returns the length of the text. */
ISOTEL_EXPORT(int32_t, isotel_keys, (isotel_context * context, uint32_t profile));

/* Interns the first `length` bytes of the buffer, a text of a field, or of none from ISOTEL_MAX_FIELDS on. Returns their
 * identifier, or 0 when the table is full (counted). A new text of a field whose label has all its values has none
 * either. */
ISOTEL_EXPORT(uint32_t, isotel_intern, (isotel_context * context, uint32_t length, uint32_t field));

/* Writes an interned text. Returns its length, or kUnknownText. */
ISOTEL_EXPORT(int32_t, isotel_text, (isotel_context * context, uint32_t text));

/* Writes the span name for an operation and the target in the buffer (length 0: no target). Returns its length. */
ISOTEL_EXPORT(int32_t, isotel_span_name, (isotel_context * context, uint32_t operation, uint32_t length));

/* Returns how many of the first `length` bytes of the buffer the Workers runtime keeps of a span name, rounded down to
 * whole characters. Counts a name that is cut. */
ISOTEL_EXPORT(int32_t, isotel_cut_name, (isotel_context * context, uint32_t length));

/* Writes gen_ai.provider.name for the provider identifier in the buffer. Returns its length. */
ISOTEL_EXPORT(int32_t, isotel_provider_name, (isotel_context * context, uint32_t length));

/* Writes the attribute key for the metadata key in the buffer. Returns its length, 0 for a key that has a field of its
 * own. `source` is ISOTEL_METADATA or ISOTEL_RUNTIME_CONTEXT. */
ISOTEL_EXPORT(int32_t, isotel_metadata_key, (isotel_context * context, uint32_t source, uint32_t length));

/* ---- scopes ---- */

/* Opens a scope for the spans of one invocation. Past the limit it closes the oldest scope (counted). */
ISOTEL_EXPORT(uint32_t, isotel_scope_open, (isotel_context * context));

/* Writes the handles of a scope's open spans as uint32_t, newest first. Returns their number. With `bounded_only` it
 * leaves out spans without ISOTEL_SPAN_BOUNDED. */
ISOTEL_EXPORT(int32_t, isotel_scope_spans, (isotel_context * context, uint32_t scope, uint32_t bounded_only));

/* Closes a scope. Spans that are still open continue without one. */
ISOTEL_EXPORT(int32_t, isotel_scope_close, (isotel_context * context, uint32_t scope));

/* ---- spans ---- */

/* Opens a span. Returns its handle, or 0 past the limit of its scope and for an unknown code (counted). Past the limit
 * of the isolate it evicts the oldest span (counted). `operation` is a code of genai/operations.def. */
ISOTEL_EXPORT(uint32_t, isotel_span_open,
              (isotel_context * context, uint32_t operation, uint32_t parent, uint32_t scope, uint32_t flags,
               double start_unix_ms));

/* Plans the start attributes from the fields in the shared block. Returns the number of plan entries. kNeedExactSizes:
 * nothing has changed, call again with ISOTEL_SIZES_EXACT. */
ISOTEL_EXPORT(int32_t, isotel_span_start, (isotel_context * context, uint32_t span, uint32_t flags));

/* Counts `count` attributes of the user that the host has written, with at most `bytes` bytes in all, and `invalid`
 * ones that it left out for their type. Returns the quota that is left: the number of attributes, and their bytes in
 * result[0]. A fresh custom span has ISOTEL_MAX_USER_ATTRIBUTES and ISOTEL_START_BYTES. Values above
 * ISOTEL_MAX_VALUE_BYTES, and attributes beyond the quota, need isotel_span_fit(). */
ISOTEL_EXPORT(int32_t, isotel_span_reserve,
              (isotel_context * context, uint32_t span, uint32_t count, uint32_t bytes, uint32_t invalid));

/* Decides about attributes by their exact sizes. The buffer has {uint32_t key_bytes, uint32_t value_bytes |
 * ISOTEL_CUTTABLE}[count] and gets uint32_t[count]: ISOTEL_KEEP_ALL, 0 to drop, or the bytes to cut to. Returns the
 * number of decisions. Attributes after these are dropped. */
ISOTEL_EXPORT(int32_t, isotel_span_fit, (isotel_context * context, uint32_t span, uint32_t count, uint32_t invalid));

/* Notes when the first output of the call arrived. Later calls are ignored. */
ISOTEL_EXPORT(int32_t, isotel_span_first_chunk, (isotel_context * context, uint32_t span, double now_unix_ms));

/* Notes when a further chunk of output arrived, for the GenAI metrics. */
ISOTEL_EXPORT(int32_t, isotel_span_next_chunk, (isotel_context * context, uint32_t span, double now_unix_ms));

/* Sets the status. Ok is final, Error overrides Unset. */
ISOTEL_EXPORT(int32_t, isotel_span_status, (isotel_context * context, uint32_t span, uint32_t status));

/* Counts attributes as isotel_span_reserve(), plans the finish attributes and ends the span with an outcome of
 * trace/outcomes.def. Returns the number of plan entries, and the final status in result[0]. kNeedExactSizes: the
 * attributes are counted and the span is still open; call again with ISOTEL_SIZES_EXACT and no attributes to count. */
ISOTEL_EXPORT(int32_t, isotel_span_end,
              (isotel_context * context, uint32_t span, uint32_t outcome, uint32_t flags, double end_unix_ms,
               uint32_t count, uint32_t bytes, uint32_t invalid));

/* ---- metrics ---- */

/* Makes the context a producer of delta frames. The first 16 bytes of the buffer are its identifier, which must be
 * random and new. kConflict: it already is a producer. Before this call the calls below return kOutOfRange. */
ISOTEL_EXPORT(int32_t, isotel_metrics_open, (isotel_context * context));

/* Writes `count` bucket bounds of a generator as double. Returns their number, or kInvalidBounds.
 * ISOTEL_BOUNDS_PER_DECADE makes `count` decades with b bounds each, and the last power of ten. */
ISOTEL_EXPORT(int32_t, isotel_metrics_bounds,
              (isotel_context * context, uint32_t generator, double a, double b, uint32_t count));

/* Declares the family in the first `length` bytes of the buffer, in the layout above. Returns its number, the same one
 * for an equal declaration. kOutOfRange: the sizes do not add up to `length`. Other errors as metrics/registry.h
 * Declare(). */
ISOTEL_EXPORT(int32_t, isotel_metrics_declare, (isotel_context * context, uint32_t length));

/* Sets the labels of every series: the first `length` bytes of the buffer, as metrics/registry.h SetConstantLabels(),
 * which has the errors too. */
ISOTEL_EXPORT(int32_t, isotel_metrics_constant_labels, (isotel_context * context, uint32_t length));

/* Returns the row of a label set. The first `length` bytes of the buffer are uint32_t[label_count] sizes and the
 * values, in the order of the declared names. Past the limit of the family it returns the overflow row (counted). */
ISOTEL_EXPORT(int32_t, isotel_metrics_bind,
              (isotel_context * context, uint32_t family, uint32_t length, double now_unix_ms));

/* Adds to a counter, sets a gauge, or observes in a histogram. kInvalidValue (counted): NaN, an infinity unless the row
 * is a gauge, or a negative counter increment. */
ISOTEL_EXPORT(int32_t, isotel_metrics_record, (isotel_context * context, uint32_t row, double value));

/* Records a value with an exemplar. The buffer has 16 bytes of trace identifier and 8 of span identifier. */
ISOTEL_EXPORT(int32_t, isotel_metrics_record_exemplar,
              (isotel_context * context, uint32_t row, double value, double now_unix_ms));

/* Adds to a gauge, which starts at 0. Does the same as isotel_metrics_record() for other kinds. */
ISOTEL_EXPORT(int32_t, isotel_metrics_add, (isotel_context * context, uint32_t row, double value));

/* Moves changes into frames, with `refresh_gauges` also every gauge. Returns the number of frames that are not
 * committed. Moves nothing while too many bytes are not committed. */
ISOTEL_EXPORT(int32_t, isotel_metrics_flush, (isotel_context * context, double now_unix_ms, uint32_t refresh_gauges));

/* Writes a frame that is not committed; index 0 is the oldest. Returns its length, and its sequence number in
 * result[0]. */
ISOTEL_EXPORT(int32_t, isotel_metrics_frame, (isotel_context * context, uint32_t index));

/* Removes a frame that was delivered. kOutOfRange: no frame has this number. */
ISOTEL_EXPORT(int32_t, isotel_metrics_commit, (isotel_context * context, double sequence));

/* Writes ISOTEL_METRICS_* to the results. Returns their number. */
ISOTEL_EXPORT(int32_t, isotel_metrics_status, (isotel_context * context));

/* ---- GenAI metrics ---- */

/* Records the metrics of genai/metrics_table.def for spans that are opened from now on. The first `length` bytes of the
 * buffer are the unit of costs. Default, without bytes: "USD". Labels are the texts of fields with a `text_id`. Each
 * has a limit of distinct values; further ones are "_OTHER" (counted). Models with a price are not limited. A second
 * call replaces the first. Returns how many metrics are left out because the host has declared their names.
 * kOutOfRange: before isotel_metrics_open(). Other errors as isotel_metrics_declare(). An error
 * changes nothing. */
ISOTEL_EXPORT(int32_t, isotel_genai_metrics, (isotel_context * context, uint32_t flags, uint32_t length));

/* Sets the cost of a million tokens of a model, for spans and metrics, in the currency of isotel_genai_metrics(). The
 * first `length` bytes of the buffer are its name in requests. Spans that start later have the cost, if the text of
 * their request model has a `text_id`. If the price of cached tokens is NaN, they cost the same as other input.
 * kInvalidValue: not a price. kLimitReached: past kMaxPrices. */
ISOTEL_EXPORT(int32_t, isotel_genai_price,
              (isotel_context * context, uint32_t length, double input, double output, double cache_read,
               double cache_write));

#ifdef __cplusplus
}
#endif

#endif /* ISOTEL_ABI_H_ */
