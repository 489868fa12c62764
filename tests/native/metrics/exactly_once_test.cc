// A simulation of everything between an isolate and the totals: producers whose sends fail or only seem to, a
// queue that duplicates, reorders and loses for a while, consumers that crash between any two steps, and an
// aggregator that is evicted and archives most of its producers. Truth is counted beside it.
//
// ISOTEL_EXACTLY_ONCE_SCHEDULES: how many random schedules of 1,000 producers and 20 consumers to run.
#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "base/limits.h"
#include "metrics_double.h"

namespace isotel::metrics {
namespace {

constexpr size_t kProducers = 1'000;
constexpr size_t kConsumers = 20;
constexpr size_t kBatch = 25;
constexpr size_t kPlans = 3;
// Most producers are archived when a frame of them comes.
constexpr AggregatorOptions kCrowded{.archive_after_ms = 200, .max_resident_producers = 150};

struct Producer {
  explicit Producer(uint64_t number) : registry(MakeProducer(number)) {
    const uint32_t orders = Must(registry.Declare(MakeDeclaration(Kind::kCounter, "orders", {"plan"}), 0));
    const uint32_t latency = Must(registry.Declare(MakeDeclaration(Kind::kHistogram, "latency", {"plan"}), 0));
    static constexpr std::string_view kNames[kPlans] = {"free", "pro", "max"};
    for (size_t i = 0; i < kPlans; ++i) {
      counters[i] = Bind(registry, orders, {kNames[i]});
      histograms[i] = Bind(registry, latency, {kNames[i]});
    }
  }
  Registry registry;
  uint32_t counters[kPlans];
  uint32_t histograms[kPlans];
};

// Sums by plan: a counter and the count and sum of a histogram.
struct Totals {
  uint64_t orders[kPlans] = {};
  uint64_t observations[kPlans] = {};
  uint64_t latency[kPlans] = {};
};

Totals TotalsOf(const Store& store) {
  Totals totals;
  static constexpr std::string_view kNames[kPlans] = {"free", "pro", "max"};
  for (size_t i = 0; i < kPlans; ++i) {
    const Point* counter = FindPoint(store, "orders", {kNames[i]});
    const Point* histogram = FindPoint(store, "latency", {kNames[i]});
    if (counter != nullptr) totals.orders[i] = static_cast<uint64_t>(counter->sum.ToDouble());
    if (histogram == nullptr) continue;
    totals.observations[i] = histogram->Count();
    totals.latency[i] = static_cast<uint64_t>(histogram->sum.ToDouble());
  }
  return totals;
}

bool SteppedBack(const Totals& before, const Totals& after) {
  for (size_t i = 0; i < kPlans; ++i) {
    if (after.orders[i] < before.orders[i] || after.observations[i] < before.observations[i] ||
        after.latency[i] < before.latency[i]) {
      return true;
    }
  }
  return false;
}

// The Durable Object: memory that can vanish, a store that cannot.
class Object {
 public:
  explicit Object(const AggregatorOptions& options) : options_(options) {}
  Aggregator& Awake() {
    if (!aggregator_) {
      aggregator_ = std::make_unique<Aggregator>(options_);
      REQUIRE(store_.Load(*aggregator_) == Error::kOk);
    }
    return *aggregator_;
  }
  void Apply(const std::vector<std::string>& frames, double now) {
    store_.Restore(Awake(), frames);
    for (const std::string& frame : frames) REQUIRE(aggregator_->Apply(frame, now).ok());
  }
  void Prune(double now) { store_.Prune(Awake(), now); }
  void Evict() { aggregator_.reset(); }
  void Commit() { store_.Commit(*aggregator_); }

 private:
  AggregatorOptions options_;
  ChunkStore store_;
  std::unique_ptr<Aggregator> aggregator_;
};

struct Outcome {
  int64_t lost = 0;
  int64_t doubled = 0;
  bool stepped_back = false;
  uint64_t duplicates = 0;
  uint64_t crashes = 0;
  uint64_t archived = 0;
};

class Simulation {
 public:
  explicit Simulation(uint64_t seed, const AggregatorOptions& options) : dice_(seed), object_(options) {
    for (uint64_t i = 0; i < kProducers; ++i) producers_.push_back(std::make_unique<Producer>(i + 1));
    crash_percent_ = dice_.Below(15);
    duplicate_percent_ = dice_.Below(30);
    failure_percent_ = dice_.Below(40);
  }

  Outcome Run() {
    for (int round = 0; round < 1'500; ++round) Step(true);
    // No more work: what is pending is sent until it is acknowledged, what is queued is consumed.
    failure_percent_ = crash_percent_ = 0;
    for (const auto& producer : producers_) Send(*producer);
    while (!queue_.empty() || AnyBusy()) Step(false);
    Scrape();
    const Totals totals = TotalsOf(object_.Awake().store());
    for (size_t i = 0; i < kPlans; ++i) {
      Account(truth_.orders[i], totals.orders[i]);
      Account(truth_.observations[i], totals.observations[i]);
      Account(truth_.latency[i], totals.latency[i]);
    }
    outcome_.archived = object_.Awake().archived_producers();
    outcome_.duplicates = object_.Awake().counters()[AggregatorCounter::kFramesDuplicate];
    CHECK(object_.Awake().counters()[AggregatorCounter::kSequencesGivenUp] == 0);
    return outcome_;
  }

 private:
  enum class Stage { kIdle, kTaken, kApplied, kCommitted };
  struct Consumer {
    Stage stage = Stage::kIdle;
    std::vector<std::string> batch;
  };

  void Account(uint64_t truth, uint64_t total) {
    if (total < truth) outcome_.lost += static_cast<int64_t>(truth - total);
    if (total > truth) outcome_.doubled += static_cast<int64_t>(total - truth);
  }

  bool AnyBusy() const {
    return std::any_of(std::begin(consumers_), std::end(consumers_),
                       [](const Consumer& consumer) { return consumer.stage != Stage::kIdle; });
  }

  void Step(bool working) {
    ++now_;
    if (working && dice_.Chance(75)) {
      Producer& producer = *producers_[dice_.Below(kProducers)];
      Work(producer);
      if (dice_.Chance(70)) Send(producer);
    }
    Consume(consumers_[dice_.Below(kConsumers)]);
    if (dice_.Chance(2)) object_.Evict(), AbortApplied();
    if (dice_.Chance(3)) Scrape();
    if (dice_.Chance(3)) object_.Prune(now_);
  }

  void Work(Producer& producer) {
    for (uint64_t n = 1 + dice_.Below(4); n > 0; --n) {
      const size_t plan = dice_.Below(kPlans);
      const uint64_t value = dice_.Below(200);
      REQUIRE(producer.registry.Record(producer.counters[plan], static_cast<double>(value)) == Error::kOk);
      REQUIRE(producer.registry.Record(producer.histograms[plan], static_cast<double>(value)) == Error::kOk);
      truth_.orders[plan] += value;
      truth_.latency[plan] += value;
      ++truth_.observations[plan];
    }
  }

  // Sends every pending frame. A failed send may have arrived all the same.
  void Send(Producer& producer) {
    producer.registry.Flush(1'000, false);
    const std::vector<Registry::Frame> pending = producer.registry.pending();
    for (const Registry::Frame& frame : pending) {
      const bool reported_failed = dice_.Chance(failure_percent_);
      const bool arrived = !reported_failed || dice_.Chance(50);
      if (arrived) Enqueue(frame.bytes);
      if (!reported_failed) REQUIRE(producer.registry.Commit(frame.sequence) == Error::kOk);
    }
  }

  void Enqueue(const std::string& bytes) {
    do {
      queue_.push_back(bytes);
    } while (dice_.Chance(duplicate_percent_));
  }

  // Lost for now: it goes back and is delivered some other time.
  void GiveBack(Consumer& consumer) {
    for (std::string& message : consumer.batch) queue_.push_back(std::move(message));
    consumer = {};
  }

  void Consume(Consumer& consumer) {
    if (consumer.stage != Stage::kIdle && dice_.Chance(crash_percent_)) {
      ++outcome_.crashes;
      // A crash of the consumer, or of the object together with what it had not stored.
      const bool object_too = consumer.stage == Stage::kApplied || dice_.Chance(50);
      GiveBack(consumer);
      if (object_too) object_.Evict(), AbortApplied();
      return;
    }
    switch (consumer.stage) {
      case Stage::kIdle:
        for (size_t i = 0; i < kBatch && !queue_.empty(); ++i) {
          std::swap(queue_[dice_.Below(queue_.size())], queue_.back());
          consumer.batch.push_back(std::move(queue_.back()));
          queue_.pop_back();
        }
        if (!consumer.batch.empty()) consumer.stage = Stage::kTaken;
        break;
      case Stage::kTaken:
        object_.Apply(consumer.batch, now_);
        consumer.stage = Stage::kApplied;
        break;
      case Stage::kApplied:
        object_.Commit();
        // The transaction holds what every consumer has applied so far.
        for (Consumer& other : consumers_) {
          if (other.stage == Stage::kApplied) other.stage = Stage::kCommitted;
        }
        break;
      case Stage::kCommitted:
        // Acknowledged one by one; a crash between two of them redelivers the rest.
        while (!consumer.batch.empty()) {
          if (dice_.Chance(crash_percent_)) {
            ++outcome_.crashes;
            return GiveBack(consumer);
          }
          consumer.batch.pop_back();
        }
        consumer.stage = Stage::kIdle;
        break;
    }
  }

  // What was applied but not stored is gone with the memory: those calls fail and their batches are retried.
  void AbortApplied() {
    for (Consumer& consumer : consumers_) {
      if (consumer.stage == Stage::kApplied) GiveBack(consumer);
    }
  }

  // Publishes a snapshot the way an alarm does: stored first, shown then.
  void Scrape() {
    Aggregator& aggregator = object_.Awake();
    const std::string bytes = SnapshotBytes(aggregator, now_);
    object_.Commit();
    for (Consumer& consumer : consumers_) {
      if (consumer.stage == Stage::kApplied) consumer.stage = Stage::kCommitted;
    }
    Snapshot snapshot;
    REQUIRE(snapshot.Merge(bytes) == Error::kOk);
    const Totals now = TotalsOf(snapshot.store());
    if (SteppedBack(shown_, now) || snapshot.info().version <= version_) outcome_.stepped_back = true;
    shown_ = now;
    version_ = snapshot.info().version;
  }

  Dice dice_;
  uint64_t crash_percent_ = 0;
  uint64_t duplicate_percent_ = 0;
  uint64_t failure_percent_ = 0;
  std::vector<std::unique_ptr<Producer>> producers_;
  std::vector<std::string> queue_;
  Consumer consumers_[kConsumers];
  Object object_;
  double now_ = 5'000;
  Totals truth_;
  Totals shown_;
  uint64_t version_ = 0;
  Outcome outcome_;
};

void RunSchedules(const AggregatorOptions& options, uint64_t least_archived) {
  const int schedules =
      std::getenv("ISOTEL_EXACTLY_ONCE_SCHEDULES") == nullptr ? 20 : Effort("ISOTEL_EXACTLY_ONCE_SCHEDULES");
  Outcome all;
  for (int seed = 1; seed <= schedules; ++seed) {
    CAPTURE(seed);
    const Outcome outcome = Simulation(static_cast<uint64_t>(seed), options).Run();
    CHECK(outcome.lost == 0);
    CHECK(outcome.doubled == 0);
    CHECK_FALSE(outcome.stepped_back);
    CHECK(outcome.archived >= least_archived);
    all.lost += outcome.lost;
    all.doubled += outcome.doubled;
    all.duplicates += outcome.duplicates;
    all.crashes += outcome.crashes;
    all.archived += outcome.archived;
  }
  // The schedules did exercise what they are about.
  CHECK(all.duplicates > static_cast<uint64_t>(schedules));
  CHECK(all.crashes > static_cast<uint64_t>(schedules));
  MESSAGE(schedules << " schedules, " << all.duplicates << " duplicates, " << all.crashes << " crashes, "
                    << all.archived << " archived at the end: lost = " << all.lost << ", doubled = " << all.doubled);
}

TEST_CASE("Whatever fails, every increment is in the totals exactly once and no counter steps back") {
  RunSchedules(AggregatorOptions{}, 0);
}

TEST_CASE("The same if most producers are archived when their frames come") { RunSchedules(kCrowded, 300); }

}  // namespace
}  // namespace isotel::metrics
