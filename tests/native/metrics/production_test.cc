// A day of production: isolates that come and go, deployments and rollbacks that change definitions, series that are
// idle until they expire and come back, shards that are added, a queue that delays, repeats and reorders, objects that
// crash and are evicted. A model of maps counts beside them.
//
// ISOTEL_PRODUCTION_EFFORT: how many days to run. With ISOTEL_PRODUCTION_SIZE=full a day has 1,000 isolates and 10,000
// label values.
#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "metrics_double.h"

namespace isotel::metrics {
namespace {

constexpr double kStepMs = 300'000;
constexpr int kStepsOfDay = 288;
constexpr uint64_t kHourMs = 3'600'000;
constexpr uint64_t kExpiryMs = 3 * kHourMs;
constexpr AggregatorOptions kOptions{.producer_retention_ms = 12 * kHourMs,
                                     .archive_after_ms = 600'000,
                                     .max_resident_producers = 32,
                                     .series_expiry_ms = kExpiryMs};

struct Size {
  uint64_t isolates;
  uint64_t labels;
  uint64_t records;  ///< of an isolate in a step
  int scrape_every;  ///< steps
};
constexpr Size kSmall{30, 120, 6, 1};
constexpr Size kFull{1'000, 10'000, 20, 4};

// The definitions of two releases. The second one has other bounds, and another name that is shown alike.
std::vector<Declaration> DefinitionsOf(uint64_t release) {
  Declaration latency = MakeDeclaration(Kind::kHistogram, "latency", {"k"});
  if (release == 1) latency.bounds = {2, 20};
  return {MakeDeclaration(Kind::kCounter, "jobs", {"k"}), latency,
          MakeDeclaration(Kind::kCounter, release == 0 ? "jobs.done" : "jobs_done", {"k"})};
}

// A definition and a label value.
using SeriesKey = std::pair<std::string, uint64_t>;

std::string BytesOf(const Declaration& declaration) {
  ByteWriter writer;
  Write(declaration, writer);
  return std::string(writer.view());
}

// The number of shards that an isolate knows at its birth; see SNAPSHOT_FORMAT.md.
ProducerId MarkedProducer(Dice& dice, uint64_t shards) {
  ProducerId id;
  for (uint8_t& byte : id) byte = static_cast<uint8_t>(dice.Next());
  id[12] = static_cast<uint8_t>(shards - 1);
  uint32_t hash = 0x811c9dc5;
  for (size_t at = 0; at < 13; ++at) hash = (hash ^ id[at]) * 0x01000193;
  const uint32_t tag = (hash >> 24) ^ (hash & 0xffffff);
  for (size_t at = 0; at < 3; ++at) id[13 + at] = static_cast<uint8_t>(tag >> (8 * at));
  return id;
}

struct Isolate {
  Isolate(Dice& dice, uint64_t shards, uint64_t release) : registry(MarkedProducer(dice, shards)) {
    for (const Declaration& declaration : DefinitionsOf(release)) {
      families.push_back(Must(registry.Declare(declaration, 0)));
      definitions.push_back(BytesOf(declaration));
    }
  }
  Registry registry;
  std::vector<uint32_t> families;
  std::vector<std::string> definitions;
};

// A frame on its way, and what it says.
struct Message {
  std::string frame;
  std::map<SeriesKey, uint64_t> counts;
  bool is_counted = false;  ///< whether the model has it
};
struct Delivery {
  std::shared_ptr<Message> message;
  int step = 0;
};

struct Entry {
  uint64_t total = 0;
  double written = 0;
};

// A Durable Object, and what the model knows of it.
struct Shard {
  Aggregator& Awake() {
    if (!aggregator) {
      aggregator = std::make_unique<Aggregator>(kOptions);
      REQUIRE(store.Load(*aggregator) == Error::kOk);
    }
    return *aggregator;
  }
  ChunkStore store;
  std::unique_ptr<Aggregator> aggregator;
  std::map<SeriesKey, Entry> model;
};

class Day {
 public:
  Day(uint64_t seed, const Size& size) : dice_(seed), size_(size), shards_(3) {
    for (uint64_t i = 0; i < size.isolates; ++i) isolates_.push_back(NewIsolate());
  }

  void Run() {
    const int second = 40 + static_cast<int>(dice_.Below(60));
    const int third = second + 40 + static_cast<int>(dice_.Below(60));
    for (step_ = 0; step_ < kStepsOfDay; ++step_) {
      if (step_ == second || step_ == third) ++known_shards_;
      if (dice_.Chance(3)) Deploy();
      Work();
      Deliver(step_);
      Maintain();
      if (step_ % size_.scrape_every == 0) Scrape();
      now_ += kStepMs;
    }
    while (!queue_.empty()) {
      Deliver(++step_);
      now_ += kStepMs;
    }
    Scrape();
    for (Shard& shard : shards_) {
      const AggregatorCounters& counters = shard.Awake().counters();
      CHECK(counters[AggregatorCounter::kFramesTooOld] == 0);
      CHECK(counters[AggregatorCounter::kFramesRejected] == 0);
      CHECK(counters[AggregatorCounter::kSequencesGivenUp] == 0);
      duplicates += counters[AggregatorCounter::kFramesDuplicate];
      expired += counters[AggregatorCounter::kSeriesExpired];
      archived += shard.Awake().archived_producers();
    }
  }

  // Not zero if the day exercised what it is about.
  uint64_t duplicates = 0;
  uint64_t expired = 0;
  uint64_t archived = 0;
  uint64_t crashes = 0;
  uint64_t compared = 0;
  uint64_t returned = 0;

 private:
  std::unique_ptr<Isolate> NewIsolate() {
    // For a while, some isolates do not know of the newest shard.
    const uint64_t shards = known_shards_ > 1 && dice_.Chance(10) ? known_shards_ - 1 : known_shards_;
    const uint64_t release = dice_.Chance(new_release_percent_) ? 1 : 0;
    return std::make_unique<Isolate>(dice_, shards, release);
  }

  // A deployment, a gradual one, or a rollback.
  void Deploy() {
    static constexpr uint64_t kPercents[] = {0, 10, 50, 100};
    new_release_percent_ = kPercents[dice_.Below(4)];
    for (std::unique_ptr<Isolate>& isolate : isolates_) {
      if (dice_.Chance(80)) isolate = NewIsolate();
    }
  }

  // Each label value is idle for six hours of a day, and others come and go.
  [[nodiscard]] bool IsIdle(uint64_t label) const { return (static_cast<uint64_t>(step_) / 72 + label) % 4 == 0; }

  void Work() {
    for (std::unique_ptr<Isolate>& isolate : isolates_) {
      if (dice_.Chance(5)) isolate = NewIsolate();
      if (!dice_.Chance(50)) continue;
      std::map<SeriesKey, uint64_t> counts;
      for (uint64_t i = 0; i < size_.records; ++i) {
        const uint64_t label = dice_.Below(size_.labels);
        if (IsIdle(label)) continue;
        const size_t which = dice_.Below(isolate->families.size());
        const uint32_t row = Bind(isolate->registry, isolate->families[which], {Numbered("v", label)}, now_);
        REQUIRE(isolate->registry.Record(row, 1) == Error::kOk);
        ++counts[{isolate->definitions[which], label}];
      }
      if (!counts.empty()) Send(*isolate, std::move(counts));
    }
  }

  // A send that fails may have arrived. The frame is sent again then.
  void Send(Isolate& isolate, std::map<SeriesKey, uint64_t> counts) {
    std::vector<std::string> frames = TakeFrames(isolate.registry, now_);
    REQUIRE(frames.size() == 1);
    auto message = std::make_shared<Message>();
    message->frame = std::move(frames.front());
    message->counts = std::move(counts);
    do {
      const int delay = dice_.Chance(80) ? 0 : static_cast<int>(dice_.Below(36));
      queue_.push_back({message, step_ + delay});
    } while (dice_.Chance(25));
  }

  void Deliver(int until) {
    std::vector<Delivery> due;
    std::vector<Delivery> later;
    for (Delivery& delivery : queue_) (delivery.step <= until ? due : later).push_back(std::move(delivery));
    queue_ = std::move(later);
    for (size_t i = due.size(); i > 1; --i) std::swap(due[i - 1], due[dice_.Below(i)]);
    std::vector<std::vector<Delivery>> batches(shards_.size());
    for (Delivery& delivery : due) {
      const Result<ProducerId> producer = ProducerOf(delivery.message->frame);
      REQUIRE(producer.ok());
      batches[ShardOf(producer.value(), static_cast<uint32_t>(known_shards_))].push_back(std::move(delivery));
    }
    for (size_t i = 0; i < batches.size(); ++i) {
      if (!batches[i].empty()) Apply(shards_[i], batches[i]);
    }
  }

  void Apply(Shard& shard, std::vector<Delivery>& batch) {
    std::vector<std::string> frames;
    for (const Delivery& delivery : batch) frames.push_back(delivery.message->frame);
    Aggregator& aggregator = shard.Awake();
    shard.store.Restore(aggregator, frames);
    for (const std::string& frame : frames) REQUIRE(aggregator.Apply(frame, now_).ok());
    if (dice_.Chance(10)) {
      // It crashes before its transaction. All messages are delivered again.
      ++crashes;
      shard.aggregator.reset();
      for (Delivery& delivery : batch) queue_.push_back({delivery.message, step_ + 1});
      return;
    }
    shard.store.Commit(aggregator);
    for (Delivery& delivery : batch) {
      // It is stored, but the queue does not learn of it.
      if (dice_.Chance(10)) queue_.push_back({delivery.message, step_ + 1});
      if (std::exchange(delivery.message->is_counted, true)) continue;
      for (const auto& [key, count] : delivery.message->counts) {
        Entry& entry = shard.model[key];
        entry.total += count;
        entry.written = now_;
      }
    }
  }

  void Maintain() {
    for (Shard& shard : shards_) {
      shard.store.Prune(shard.Awake(), now_);
      if (dice_.Chance(30)) Expire(shard);
      shard.store.Commit(*shard.aggregator);
      if (dice_.Chance(10)) shard.aggregator.reset();
    }
  }

  void Expire(Shard& shard) {
    Snapshot others;
    for (Shard& other : shards_) {
      if (&other != &shard) REQUIRE(others.Merge(SnapshotBytes(other.Awake(), now_)) == Error::kOk);
    }
    const Result<uint32_t> removed = shard.Awake().ExpireSeries(now_, &others.store());
    REQUIRE(removed.ok());
    uint32_t expected = 0;
    for (auto at = shard.model.begin(); at != shard.model.end();) {
      const bool is_over = std::all_of(shards_.begin(), shards_.end(), [&](const Shard& other) {
        const auto found = other.model.find(at->first);
        return found == other.model.end() || found->second.written + kExpiryMs < now_;
      });
      expected += is_over ? 1 : 0;
      // It may come back before the next scrape, and then starts anew.
      if (is_over) shown_.erase(at->first);
      if (is_over && !removed_.insert(at->first).second) ++returned;
      at = is_over ? shard.model.erase(at) : std::next(at);
    }
    CHECK(removed.value() == expected);
  }

  void Scrape() {
    Snapshot merged;
    for (Shard& shard : shards_) REQUIRE(merged.Merge(SnapshotBytes(shard.Awake(), now_)) == Error::kOk);
    std::map<SeriesKey, uint64_t> shown;
    for (const Series& series : merged.store().series()) {
      if (merged.IsExpired(series, now_)) continue;
      ByteReader labels(merged.store().LabelsOf(series));
      const uint64_t label = std::stoull(std::string(labels.Bytes().substr(1)));
      const Point& point = series.point;
      const bool is_counter = merged.store().DeclarationOf(series).kind == Kind::kCounter;
      shown[{merged.store().families()[series.family]->bytes, label}] =
          is_counter ? static_cast<uint64_t>(point.sum.ToDouble()) : point.Count();
    }
    std::map<SeriesKey, Entry> truth;
    for (const Shard& shard : shards_) {
      for (const auto& [key, entry] : shard.model) {
        truth[key].total += entry.total;
        truth[key].written = std::max(truth[key].written, entry.written);
      }
    }
    std::map<SeriesKey, uint64_t> expected;
    for (const auto& [key, entry] : truth) {
      if (entry.written + kExpiryMs >= now_) expected[key] = entry.total;
    }
    CHECK(shown == expected);
    compared += shown.size();
    for (const auto& [key, value] : shown) {
      const auto before = shown_.find(key);
      if (before != shown_.end() && value < before->second) FAIL_CHECK("a counter stepped back while it was shown");
    }
    shown_ = std::move(shown);
  }

  Dice dice_;
  Size size_;
  std::vector<Shard> shards_;
  std::vector<std::unique_ptr<Isolate>> isolates_;
  std::vector<Delivery> queue_;
  std::map<SeriesKey, uint64_t> shown_;
  std::set<SeriesKey> removed_;
  uint64_t known_shards_ = 1;
  uint64_t new_release_percent_ = 0;
  int step_ = 0;
  double now_ = 1'700'000'000'000;
};

TEST_CASE("In a day of production nothing is lost or doubled, and no counter steps back while it is shown") {
  const char* const size = std::getenv("ISOTEL_PRODUCTION_SIZE");
  const bool is_full = size != nullptr && std::string_view(size) == "full";
  const int days = 2 * Effort("ISOTEL_PRODUCTION_EFFORT");
  for (int seed = 1; seed <= days; ++seed) {
    CAPTURE(seed);
    Day day(static_cast<uint64_t>(seed), is_full ? kFull : kSmall);
    day.Run();
    CHECK(day.duplicates > 100);
    CHECK(day.expired > 100);
    CHECK(day.returned > 10);
    CHECK(day.archived > 100);
    CHECK(day.crashes > 10);
    MESSAGE("day " << seed << ": " << day.compared << " values compared, " << day.duplicates << " duplicates, "
                   << day.crashes << " crashes, " << day.expired << " series expired, " << day.archived
                   << " producers archived");
  }
}

}  // namespace
}  // namespace isotel::metrics
