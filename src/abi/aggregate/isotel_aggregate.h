/* The ABI of the aggregation module: totals out of delta frames, and snapshots out of totals, in plain C.
 *
 * Conventions
 *  1. Bytes and texts a call reads stand at the start of the context's buffer: the host asks for it with
 *     isotel_aggregate_buffer(), writes there and passes the length. A length beyond the buffer is kOutOfRange.
 *  2. Bytes and texts a call answers stand at isotel_aggregate_output() until the next call that answers some.
 *  3. An int32_t result is a value when it is >= 0 and an error of base/errors.def when it is negative.
 *  4. A context is one set of totals and one merged snapshot, made by isotel_aggregate_create() and passed first
 *     everywhere. It belongs to one thread.
 *  5. Any call may grow the memory: views have to be taken anew when the memory's buffer is another.
 *  6. Times are milliseconds since the Unix epoch as a double. They come from the host.
 *  7. ISOTEL_AGGREGATE_ABI_VERSION grows with every change of a signature or layout. A host refuses a module whose
 *     version or fingerprint is not the one it was built for.
 */
#ifndef ISOTEL_AGGREGATE_H_
#define ISOTEL_AGGREGATE_H_

#include <stdint.h>

#include "abi/export.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ISOTEL_AGGREGATE_ABI_VERSION 5

#define ISOTEL_AGGREGATE_RESULT_COUNT 4

/* Escaping schemes of names, as in export/metric_names.h. */
#define ISOTEL_ESCAPING_UNDERSCORES 0
#define ISOTEL_ESCAPING_DOTS 1
#define ISOTEL_ESCAPING_VALUES 2
#define ISOTEL_ESCAPING_UTF8 3

/* Answers of isotel_aggregate_totals_apply(). */
#define ISOTEL_APPLIED 0
#define ISOTEL_DUPLICATE 1

/* Temporalities of isotel_aggregate_snapshot_otlp(). */
#define ISOTEL_TEMPORALITY_CUMULATIVE 0
#define ISOTEL_TEMPORALITY_DELTA 1

/* Results of isotel_aggregate_snapshot_peek(). */
#define ISOTEL_SNAPSHOT_VERSION 0
#define ISOTEL_SNAPSHOT_UNIX_MS 1 /* when the snapshot was made */

/* Results of isotel_aggregate_snapshot_otlp(). */
#define ISOTEL_OTLP_NEXT 0   /* the series the next request begins with */
#define ISOTEL_OTLP_SERIES 1 /* all there are: at the end the same */
#define ISOTEL_OTLP_POINTS 2 /* data points in this request */

typedef struct isotel_aggregate isotel_aggregate;

/* ---- context ---- */

ISOTEL_EXPORT(uint32_t, isotel_aggregate_abi_version, (void));

/* A hash of the tables the host was generated from; see abi/fingerprint.h. */
ISOTEL_EXPORT(uint32_t, isotel_aggregate_abi_fingerprint, (void));

/* `producer_retention_ms`: how long a producer is remembered after its last frame, longer than any queue delivers
 * again. `gauge_expiry_ms`: how long a gauge counts after its producer wrote it. */
ISOTEL_EXPORT(isotel_aggregate*, isotel_aggregate_create, (double producer_retention_ms, double gauge_expiry_ms));
ISOTEL_EXPORT(void, isotel_aggregate_destroy, (isotel_aggregate * context));

/* double[ISOTEL_AGGREGATE_RESULT_COUNT]: what a call answers besides its result. The address stays. */
ISOTEL_EXPORT(void*, isotel_aggregate_results, (isotel_aggregate * context));

/* The buffer, with room for at least `size` bytes; null past base/limits.h kMaxBufferBytes. Growing it loses what
 * stood in it and may move it. */
ISOTEL_EXPORT(void*, isotel_aggregate_buffer, (isotel_aggregate * context, uint32_t size));

ISOTEL_EXPORT(void*, isotel_aggregate_output, (isotel_aggregate * context));

/* ---- totals ---- */

/* Takes one stored chunk, in ascending order of keys. After an error every other call on the totals answers the same:
 * what cannot be read is never overwritten. */
ISOTEL_EXPORT(int32_t, isotel_aggregate_totals_load, (isotel_aggregate * context, uint32_t key, uint32_t length));

/* Ends loading; no chunks at all are an empty state. kCorrupt when one is missing. */
ISOTEL_EXPORT(int32_t, isotel_aggregate_totals_ready, (isotel_aggregate * context));

/* Adds the frame in the buffer unless it was before: ISOTEL_APPLIED or ISOTEL_DUPLICATE. On an error (kCorrupt,
 * kUnknownVersion, kTooLarge, kTooOld, kLimitReached) the totals are as before and the frame is counted. After
 * kUnknownVersion, a newer format version, the frame has to be kept and delivered again. */
ISOTEL_EXPORT(int32_t, isotel_aggregate_totals_apply,
              (isotel_aggregate * context, uint32_t length, double now_unix_ms));

/* Forgets producers idle for the retention and gauges past their expiry; totals stay. */
ISOTEL_EXPORT(int32_t, isotel_aggregate_totals_prune, (isotel_aggregate * context, double now_unix_ms));

/* When isotel_aggregate_totals_prune() will next forget something, in result[0]: 1, or 0 when there is nothing to forget. */
ISOTEL_EXPORT(int32_t, isotel_aggregate_totals_next_prune, (isotel_aggregate * context));

/* Every chunk that changed since the last call, ascending by key, as {uint32_t key, uint32_t size, bytes}; their bytes,
 * 0 when nothing changed. They have to be stored in one transaction before anything is acknowledged; when that fails
 * the context must be thrown away and loaded anew. */
ISOTEL_EXPORT(int32_t, isotel_aggregate_totals_changes, (isotel_aggregate * context));

/* Adds to a counter of what the host does with the totals, by its row of metrics/aggregator_counters.def: one of
 * isotel_otlp_*. kOutOfRange for another. */
ISOTEL_EXPORT(int32_t, isotel_aggregate_totals_count, (isotel_aggregate * context, uint32_t counter, double amount));

/* A snapshot of the totals under the next version; its bytes. The new version is a change to be stored. */
ISOTEL_EXPORT(int32_t, isotel_aggregate_totals_snapshot, (isotel_aggregate * context, double now_unix_ms));

/* The shard, of `shards`, of the frame in the buffer: the first four bytes of its producer's identifier as a
 * little-endian number, modulo `shards`. A frame of a newer format version has one too. kOutOfRange for no shards,
 * kCorrupt, kTooLarge. */
ISOTEL_EXPORT(int32_t, isotel_aggregate_frame_shard, (isotel_aggregate * context, uint32_t length, uint32_t shards));

/* ---- snapshots ---- */

/* Forgets what was merged. */
ISOTEL_EXPORT(int32_t, isotel_aggregate_snapshot_clear, (isotel_aggregate * context));

/* Merges the snapshot in the buffer into the merged one; on an error what was merged is forgotten. */
ISOTEL_EXPORT(int32_t, isotel_aggregate_snapshot_merge, (isotel_aggregate * context, uint32_t length));

/* Reads the head of the snapshot in the buffer and writes ISOTEL_SNAPSHOT_* to the results. Its families and series are
 * not read. kCorrupt, kUnknownVersion. */
ISOTEL_EXPORT(int32_t, isotel_aggregate_snapshot_peek, (isotel_aggregate * context, uint32_t length));

/* The exposition of the merged snapshot in a format of export/formats.def with an escaping scheme,
 * with `self_metrics` also what isotel tells about itself, as of now and with `missing` snapshots that should have been
 * merged too; its bytes. */
ISOTEL_EXPORT(int32_t, isotel_aggregate_snapshot_render,
              (isotel_aggregate * context, uint32_t format, uint32_t escaping, uint32_t self_metrics, uint32_t missing,
               double now_unix_ms));

/* Reads the base that isotel_aggregate_snapshot_otlp() takes deltas from, as isotel_aggregate_base_write() wrote it. With a
 * length of 0 the base is empty, and so it is after an error. */
ISOTEL_EXPORT(int32_t, isotel_aggregate_base_read, (isotel_aggregate * context, uint32_t length));

/* Notes in the base that the series from `first` up to `end` of the merged snapshot were sent. */
ISOTEL_EXPORT(int32_t, isotel_aggregate_base_take, (isotel_aggregate * context, uint32_t first, uint32_t end));

/* The base: a snapshot whose points have the time up to which they were sent; its bytes. */
ISOTEL_EXPORT(int32_t, isotel_aggregate_base_write, (isotel_aggregate * context));

/* An OTLP ExportMetricsServiceRequest of the merged snapshot, as protobuf (0) or JSON (1); its bytes, and
 * ISOTEL_OTLP_* in the results. The buffer has a batch with a resource and a scope and no items, whose sizes are as in
 * isotel_otlp_encode(). As a delta, series that did not change since the base are left out. The series are those from
 * `first` up to `end`; none is begun once the request has `enough_bytes`. kTooLarge past base/limits.h kMaxOtlpBytes. */
ISOTEL_EXPORT(int32_t, isotel_aggregate_snapshot_otlp,
              (isotel_aggregate * context, uint32_t format, uint32_t temporality, uint32_t first, uint32_t end,
               uint32_t enough_bytes, uint32_t numbers, uint32_t keys, uint32_t words, uint32_t text_bytes,
               uint32_t text_units, uint32_t raw_bytes));

/* The format and escaping scheme, format | escaping << 8, for the Accept header in the buffer. Text 0.0.4 where it names
 * none. */
ISOTEL_EXPORT(int32_t, isotel_aggregate_negotiate, (isotel_aggregate * context, uint32_t length));

/* The Content-Type of an exposition; its bytes. */
ISOTEL_EXPORT(int32_t, isotel_aggregate_content_type, (isotel_aggregate * context, uint32_t format, uint32_t escaping));

#ifdef __cplusplus
}
#endif

#endif /* ISOTEL_AGGREGATE_H_ */
