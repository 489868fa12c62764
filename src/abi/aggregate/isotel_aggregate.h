/* The ABI of the aggregation module, in plain C. It adds delta frames to totals, writes snapshots of totals and renders
 * expositions.
 *
 * Conventions
 *  1. A call reads bytes and texts at the start of the context's buffer. The host gets the buffer from
 *     isotel_aggregate_buffer(), writes there and passes the length. A length beyond the buffer is kOutOfRange.
 *  2. A call returns bytes and texts at isotel_aggregate_output(). They stay there until the next such call.
 *  3. An int32_t result >= 0 is a value, a negative one an error of base/errors.def.
 *  4. A context is one set of totals, one merged snapshot and one exported baseline. isotel_aggregate_create() makes
 *     it; it is the first argument of every call. Use it from one thread only.
 *  5. Any call may grow the memory. The host makes new views when the memory has another buffer.
 *  6. Times are milliseconds since the Unix epoch as a double. They come from the host.
 *  7. ISOTEL_AGGREGATE_ABI_VERSION grows with every change of a signature or layout. A host refuses a module with
 *     another version or fingerprint.
 */
#ifndef ISOTEL_AGGREGATE_H_
#define ISOTEL_AGGREGATE_H_

#include <stdint.h>

#include "abi/shared/export.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ISOTEL_AGGREGATE_ABI_VERSION 7

#define ISOTEL_AGGREGATE_RESULT_COUNT 4

/* Escaping schemes of names, as in exposition/metric_names.h. */
#define ISOTEL_ESCAPING_UNDERSCORES 0
#define ISOTEL_ESCAPING_DOTS 1
#define ISOTEL_ESCAPING_VALUES 2
#define ISOTEL_ESCAPING_UTF8 3

/* Results of isotel_aggregate_totals_apply(). */
#define ISOTEL_APPLIED 0
#define ISOTEL_DUPLICATE 1
#define ISOTEL_APPLIED_WITH_NOTICES 2 /* applied; isotel_aggregate_totals_notices() has something new */

/* Keys of isotel_aggregate_totals_changes() that are not keys of chunks, which are lower. */
#define ISOTEL_REMOVED_KEY 67108864  /* identifiers of producers, 16 bytes each, whose records are to be removed */
#define ISOTEL_ARCHIVED_KEY 83886080 /* the record of an archived producer */

/* Results of isotel_aggregate_totals_restore(). */
#define ISOTEL_RESTORED 0
#define ISOTEL_RECORD_DAMAGED 1 /* replace it by a record without bytes */

/* The layout of a frame and of a record, in every version. */
#define ISOTEL_PRODUCER_AT 4     /* the producer's identifier, in both */
#define ISOTEL_PRODUCER_BYTES 16 /* its size */
#define ISOTEL_RECORD_SEEN_AT 20 /* uint64_t: the Unix time of the producer's last frame in milliseconds, in a record */

/* Temporalities of isotel_aggregate_snapshot_otlp(). */
#define ISOTEL_TEMPORALITY_CUMULATIVE 0
#define ISOTEL_TEMPORALITY_DELTA 1

/* Results of isotel_aggregate_snapshot_peek(). */
#define ISOTEL_SNAPSHOT_VERSION 0
#define ISOTEL_SNAPSHOT_UNIX_MS 1 /* when the snapshot was made */

/* Results of isotel_aggregate_snapshot_otlp(). */
#define ISOTEL_OTLP_NEXT 0   /* the first series of the next request; at the end the number of all series */
#define ISOTEL_OTLP_SERIES 1 /* the number of all series */
#define ISOTEL_OTLP_POINTS 2 /* data points in this request */

typedef struct isotel_aggregate isotel_aggregate;

/* ---- context ---- */

ISOTEL_EXPORT(uint32_t, isotel_aggregate_abi_version, (void));

/* A hash of the tables the host was generated from; see abi/shared/fingerprint.h. */
ISOTEL_EXPORT(uint32_t, isotel_aggregate_abi_fingerprint, (void));

/* `producer_retention_ms`: how long a producer is remembered after its last frame. Must be longer than any queue
 * redelivers. `gauge_expiry_ms`: how long a gauge counts after its producer wrote it. A producer without gauges that was
 * idle for twice as long is archived. `series_expiry_ms`: how long a series is shown after its last value arrived;
 * infinity for ever. The limits are those of metrics/store.h StoreLimits; a larger one than base/limits.h kMaxSeries
 * counts as that. */
ISOTEL_EXPORT(isotel_aggregate*, isotel_aggregate_create,
              (double producer_retention_ms, double gauge_expiry_ms, double series_expiry_ms, double max_series,
               double max_family_series, double max_exposition_bytes));
ISOTEL_EXPORT(void, isotel_aggregate_destroy, (isotel_aggregate * context));

/* double[ISOTEL_AGGREGATE_RESULT_COUNT]: further results of a call. The address does not change. */
ISOTEL_EXPORT(void*, isotel_aggregate_results, (isotel_aggregate * context));

/* Returns the buffer with room for at least `size` bytes, or null past base/limits.h kMaxBufferBytes. Growing loses its
 * content and may move it. */
ISOTEL_EXPORT(void*, isotel_aggregate_buffer, (isotel_aggregate * context, uint32_t size));

ISOTEL_EXPORT(void*, isotel_aggregate_output, (isotel_aggregate * context));

/* ---- totals ---- */

/* Loads one stored chunk. Call it in ascending order of keys. After an error every other call on the totals returns the
 * same error: chunks that cannot be read are never overwritten. */
ISOTEL_EXPORT(int32_t, isotel_aggregate_totals_load, (isotel_aggregate * context, uint32_t key, uint32_t length));

/* Ends loading. No chunks at all are an empty state. kCorrupt: a chunk is missing. */
ISOTEL_EXPORT(int32_t, isotel_aggregate_totals_ready, (isotel_aggregate * context));

/* Writes those of the identifiers of producers in the buffer, 16 bytes each, that may have a record. Returns their
 * bytes. Call it with the producers of all frames that are applied next. */
ISOTEL_EXPORT(int32_t, isotel_aggregate_totals_missing, (isotel_aggregate * context, uint32_t length));

/* Reads the record of an archived producer: the buffer has the identifier under which it is stored, 16 bytes, and the
 * record. `seen_unix_ms` is the time under which it is stored. Without its record, a frame of the producer would be added
 * a second time. Returns ISOTEL_RESTORED or ISOTEL_RECORD_DAMAGED.
 *
 * If the record cannot be read, frames of the producer are refused until the changes are taken. If a newer version wrote
 * it: all frames, with kUnknownVersion. If it is damaged or has no bytes: those up to `seen_unix_ms`, with
 * kRecordDamaged, because they may have been added; the first later frame makes the producer known again, and frames
 * with lower numbers are duplicates from then on. kCorrupt: no producer is archived; every other call on the totals
 * returns the same error then. */
ISOTEL_EXPORT(int32_t, isotel_aggregate_totals_restore,
              (isotel_aggregate * context, uint32_t length, double seen_unix_ms));

/* Adds the frame in the buffer, unless it was added before. Returns ISOTEL_APPLIED, ISOTEL_DUPLICATE or
 * ISOTEL_APPLIED_WITH_NOTICES. An error (kCorrupt, kUnknownVersion, kTooLarge, kTooOld, kRecordDamaged) changes no
 * totals and counts the frame. kUnknownVersion, a newer format version, is not final: keep the frame and deliver it
 * again. */
ISOTEL_EXPORT(int32_t, isotel_aggregate_totals_apply,
              (isotel_aggregate * context, uint32_t length, double now_unix_ms));

/* Removes producers in memory that were idle for the retention, and expired gauges. Totals stay. Returns 1 if there
 * were any, 0 if not. Has idle producers archived. */
ISOTEL_EXPORT(int32_t, isotel_aggregate_totals_prune, (isotel_aggregate * context, double now_unix_ms));

/* Removes the record of a producer if its retention is over, and the producer if that is archived. The buffer has the
 * identifier under which the record is stored, 16 bytes; `seen_unix_ms` is the time. The record itself is not read.
 * Returns 1 if it is over, 0 if not. Call it with records ascending by time until it returns 0, with as many at once as
 * is convenient. kCorrupt: no producer is archived; every other call on the totals returns the same error then. */
ISOTEL_EXPORT(int32_t, isotel_aggregate_totals_expire,
              (isotel_aggregate * context, uint32_t length, double seen_unix_ms, double now_unix_ms));

/* Returns 1 and sets result[0] to when isotel_aggregate_totals_prune() or isotel_aggregate_totals_expire() will next
 * have something to do. Returns 0 if they never will. `oldest_unix_ms` is the earliest time of all records, or infinity
 * without records. */
ISOTEL_EXPORT(int32_t, isotel_aggregate_totals_next_prune, (isotel_aggregate * context, double oldest_unix_ms));

/* Writes what the frames brought since the last call, as JSON, and returns its bytes:
 * {"conflicts":[{"metric","kind","other","otherKind"}],"overflowed":null or {"metric","series","bytes"}}. A conflict is
 * a definition with a name that another one has. `overflowed` is the first metric whose new label sets share the
 * overflow series, with the number of all series and their bytes; it is set once for each context. */
ISOTEL_EXPORT(int32_t, isotel_aggregate_totals_notices, (isotel_aggregate * context));

/* Removes series whose last value arrived longer ago than the series expiry. With `others` as 1, the merged snapshot
 * has the totals of the other shards, and a series stays that one of them has received since. Returns the number of
 * removed series, and in result[0] when a series may expire next, or 0 if none will. */
ISOTEL_EXPORT(int32_t, isotel_aggregate_totals_expire_series,
              (isotel_aggregate * context, double now_unix_ms, uint32_t others));

/* Removes the metrics with the name in the buffer, as it was declared or as an exposition shows it; all metrics with a
 * length of 0. Values that arrive later start new series. Returns the number of removed series. */
ISOTEL_EXPORT(int32_t, isotel_aggregate_totals_drop, (isotel_aggregate * context, uint32_t length, double now_unix_ms));

/* Writes what changed since the last call as {uint32_t key, uint32_t size, bytes}, ascending by key: chunks, then
 * ISOTEL_REMOVED_KEY, then ISOTEL_ARCHIVED_KEY. A chunk without bytes is to be deleted. Returns the bytes in all, 0
 * without changes. The host makes all changes in this order in one transaction before it acknowledges frames. When the
 * transaction fails, it throws the context away and loads a new one. */
ISOTEL_EXPORT(int32_t, isotel_aggregate_totals_changes, (isotel_aggregate * context));

/* Adds to a counter that the host maintains, by its row in metrics/aggregator_counters.def: one of isotel_otlp_*.
 * kOutOfRange: another counter. */
ISOTEL_EXPORT(int32_t, isotel_aggregate_totals_count, (isotel_aggregate * context, uint32_t counter, double amount));

/* Writes a snapshot of the totals under the next version. Returns its bytes. The new version changes a chunk. */
ISOTEL_EXPORT(int32_t, isotel_aggregate_totals_snapshot, (isotel_aggregate * context, double now_unix_ms));

/* Returns the shard of the frame in the buffer: the first four bytes of its producer's identifier as a little-endian
 * number, modulo the number of shards in the identifier, or `shards` if there is none. Frames of newer format versions
 * have a shard too. kOutOfRange: `shards` is 0. kCorrupt, kTooLarge. */
ISOTEL_EXPORT(int32_t, isotel_aggregate_frame_shard, (isotel_aggregate * context, uint32_t length, uint32_t shards));

/* ---- snapshots ---- */

/* Empties the merged snapshot. */
ISOTEL_EXPORT(int32_t, isotel_aggregate_snapshot_clear, (isotel_aggregate * context));

/* Merges the snapshot in the buffer into the merged snapshot. An error empties the merged snapshot. */
ISOTEL_EXPORT(int32_t, isotel_aggregate_snapshot_merge, (isotel_aggregate * context, uint32_t length));

/* Reads the head of the snapshot in the buffer and writes ISOTEL_SNAPSHOT_* to the results. Its families and series are
 * not read. kCorrupt, kUnknownVersion. */
ISOTEL_EXPORT(int32_t, isotel_aggregate_snapshot_peek, (isotel_aggregate * context, uint32_t length));

/* Renders the merged snapshot in a format of exposition/formats.def with an escaping scheme. Returns its bytes.
 * `self_metrics` adds the aggregator's own metrics at `now_unix_ms`, with `missing` as the number of missing snapshots.
 * */
ISOTEL_EXPORT(int32_t, isotel_aggregate_snapshot_render,
              (isotel_aggregate * context, uint32_t format, uint32_t escaping, uint32_t self_metrics, uint32_t missing,
               double now_unix_ms));

/* Loads the exported baseline, from which isotel_aggregate_snapshot_otlp() takes deltas, as
 * isotel_aggregate_base_write() wrote it. The baseline is empty with a length of 0 and after an error. */
ISOTEL_EXPORT(int32_t, isotel_aggregate_base_read, (isotel_aggregate * context, uint32_t length));

/* Records in the baseline that the series from `first` up to `end` of the merged snapshot were exported. */
ISOTEL_EXPORT(int32_t, isotel_aggregate_base_take, (isotel_aggregate * context, uint32_t first, uint32_t end));

/* Writes the baseline, a snapshot whose points have the time of their last export. Returns its bytes. */
ISOTEL_EXPORT(int32_t, isotel_aggregate_base_write, (isotel_aggregate * context));

/* Encodes the merged snapshot as an OTLP ExportMetricsServiceRequest, protobuf (0) or JSON (1). Returns its bytes, and
 * ISOTEL_OTLP_* in the results. The buffer has a batch with a resource, a scope and no items; the sizes are those of
 * isotel_otlp_encode(). A delta leaves out series that did not change since the baseline. The request has series from
 * `first` up to `end`, and begins no further one once it has `enough_bytes`. kTooLarge past base/limits.h
 * kMaxOtlpBytes. */
ISOTEL_EXPORT(int32_t, isotel_aggregate_snapshot_otlp,
              (isotel_aggregate * context, uint32_t format, uint32_t temporality, uint32_t first, uint32_t end,
               uint32_t enough_bytes, uint32_t numbers, uint32_t keys, uint32_t words, uint32_t text_bytes,
               uint32_t text_units, uint32_t raw_bytes));

/* Returns the format and escaping scheme, format | escaping << 8, for the Accept header in the buffer. Default: text
 * 0.0.4. */
ISOTEL_EXPORT(int32_t, isotel_aggregate_negotiate, (isotel_aggregate * context, uint32_t length));

/* Writes the Content-Type of an exposition. Returns its bytes. */
ISOTEL_EXPORT(int32_t, isotel_aggregate_content_type, (isotel_aggregate * context, uint32_t format, uint32_t escaping));

#ifdef __cplusplus
}
#endif

#endif /* ISOTEL_AGGREGATE_H_ */
