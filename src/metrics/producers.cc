#include "metrics/producers.h"

#include <algorithm>
#include <cstring>

#include "metrics/message.h"

namespace isotel::metrics {
namespace {

uint64_t HashOf(const ProducerId& id) { return Hash(BytesOf(id)); }

// Reads the id, the time and the window.
bool ReadRecord(Message& message, Producer& producer) {
  ByteReader& reader = message.contents;
  producer.live = true;
  const std::string_view id = reader.Raw(producer.id.size());
  if (!id.empty()) std::memcpy(producer.id.data(), id.data(), id.size());
  producer.last_seen_unix_ms = reader.Fixed64();
  producer.window.Read(reader);
  return reader.Done();
}

}  // namespace

void Producers::MarkChanged(size_t place) {
  const size_t chunk = place / kPlacesPerChunk;
  if (chunk >= changed_.size()) changed_.resize(chunk + 1);
  changed_[chunk] = 1;
}

void Producers::ClearChanges() {
  set_aside_.clear();
  changed_.clear();
  records_.Clear();
  removed_.Clear();
}

uint32_t Producers::Find(const ProducerId& id) const {
  return index_.Find(HashOf(id), [&](uint32_t place) { return places_[place].id == id; });
}

uint32_t Producers::Add(const ProducerId& id) {
  while (first_free_ < places_.size() && places_[first_free_].live) ++first_free_;
  const uint32_t place = first_free_++;
  if (place == places_.size()) places_.emplace_back();
  places_[place].id = id;
  places_[place].live = true;
  ++resident_;
  ++added_;
  index_.Add(HashOf(id), place);
  MarkChanged(place);
  return place;
}

Producer& Producers::Change(uint32_t place) {
  MarkChanged(place);
  return places_[place];
}

void Producers::Renew(uint32_t place) {
  Producer& producer = Change(place);
  gauges_ -= producer.gauges.size();
  producer.last_seen_unix_ms = 0;
  producer.window = {};
  producer.gauges.clear();
}

// The caller calls Index() when it has freed all.
void Producers::Free(uint32_t place) {
  gauges_ -= places_[place].gauges.size();
  Change(place) = {};
  --resident_;
  first_free_ = std::min(first_free_, place);
}

void Producers::DropFreePlacesAtEnd() {
  const size_t before = places_.size();
  while (!places_.empty() && !places_.back().live) places_.pop_back();
  if (places_.size() == before) return;
  first_free_ = std::min(first_free_, static_cast<uint32_t>(places_.size()));
  // The last chunk has fewer places than it was stored with, and those after it have none.
  if (!places_.empty()) MarkChanged(places_.size() - 1);
  for (size_t place = places_.size(); place < before; place += kPlacesPerChunk) MarkChanged(place);
  MarkChanged(before - 1);
}

void Producers::Index() {
  index_.Clear();
  for (uint32_t place = 0; place < places_.size(); ++place) {
    if (places_[place].live) index_.Add(HashOf(places_[place].id), place);
  }
}

bool Producers::SetGauge(uint32_t place, const Gauge& gauge) {
  std::vector<Gauge>& gauges = Change(place).gauges;
  size_t at = 0;
  for (size_t end = gauges.size(); at < end;) {
    const size_t middle = (at + end) / 2;
    gauges[middle].series < gauge.series ? at = middle + 1 : end = middle;
  }
  if (at < gauges.size() && gauges[at].series == gauge.series) {
    if (gauges[at].sequence <= gauge.sequence) gauges[at] = gauge;
    return true;
  }
  if (gauges.size() == kMaxGaugesPerProducer) return false;
  gauges.push_back(gauge);
  for (size_t i = gauges.size() - 1; i > at; --i) std::swap(gauges[i], gauges[i - 1]);
  ++gauges_;
  return true;
}

bool Producers::DropExpiredGauges(uint32_t place, uint64_t now_unix_ms) {
  if (now_unix_ms <= options_.gauge_expiry_ms) return false;
  const uint64_t before_unix_ms = now_unix_ms - options_.gauge_expiry_ms;
  std::vector<Gauge>& gauges = places_[place].gauges;
  size_t kept = 0;
  for (const Gauge& gauge : gauges) {
    if (gauge.unix_ms >= before_unix_ms) gauges[kept++] = gauge;
  }
  if (kept == gauges.size()) return false;
  gauges_ -= gauges.size() - kept;
  gauges.resize(kept);
  MarkChanged(place);
  return true;
}

void Producers::RenumberSeries(const std::vector<uint32_t>& numbers) {
  for (uint32_t place = 0; place < places_.size(); ++place) {
    std::vector<Gauge>& gauges = places_[place].gauges;
    if (gauges.empty()) continue;
    size_t kept = 0;
    for (const Gauge& gauge : gauges) {
      if (numbers[gauge.series] == kNone) continue;
      gauges[kept] = gauge;
      gauges[kept++].series = numbers[gauge.series];
    }
    gauges_ -= gauges.size() - kept;
    gauges.resize(kept);
    MarkChanged(place);
  }
}

Producers::Pruned Producers::Prune(uint64_t now_unix_ms) {
  Pruned pruned;
  const uint32_t resident = resident_;
  for (uint32_t place = 0; place < places_.size(); ++place) {
    if (!places_[place].live) continue;
    if (IsExpired(places_[place], now_unix_ms)) {
      places_[place].recorded ? ++archived_ : ++pruned.producers;
      Free(place);
    } else if (DropExpiredGauges(place, now_unix_ms)) {
      pruned.gauges = true;
    }
  }
  if (resident_ < resident) {
    DropFreePlacesAtEnd();
    Index();
  }
  const uint64_t after = options_.archive_after_ms;
  archive_before_unix_ms_ = now_unix_ms > after ? now_unix_ms - after : 0;
  return pruned;
}

uint64_t Producers::NextPruneUnixMs() const {
  uint64_t next = UINT64_MAX;
  for (const Producer& producer : places_) {
    if (!producer.live) continue;
    const uint64_t idle_ms = std::min(options_.retention_ms, options_.archive_after_ms);
    next = std::min(next, producer.last_seen_unix_ms + (producer.gauges.empty() ? idle_ms : options_.retention_ms) + 1);
    for (const Gauge& gauge : producer.gauges) next = std::min(next, gauge.unix_ms + options_.gauge_expiry_ms + 1);
  }
  return next;
}

void Producers::AppendMissing(std::string_view ids, ByteWriter& writer) const {
  if (archived_ == 0) return;
  for (ProducerId id; ids.size() >= id.size(); ids.remove_prefix(id.size())) {
    std::memcpy(id.data(), ids.data(), id.size());
    if (Find(id) == kNone) writer.Raw(BytesOf(id));
  }
}

Error Producers::Restore(const Stored& stored) {
  if (Find(stored.id) != kNone) return Error::kOk;
  if (archived_ == 0) return Error::kCorrupt;
  Result<Message> message = OpenMessage(stored.record, kProducerMagic);
  Producer producer;
  if (message.ok() && ReadRecord(message.value(), producer) && producer.id == stored.id) {
    (void)AddArchived(std::move(producer));
    return Error::kOk;
  }
  const bool is_newer = message.error() == Error::kUnknownVersion;
  const Error error = is_newer ? Error::kUnknownVersion : Error::kRecordDamaged;
  if (FindSetAside(stored.id) == nullptr) set_aside_.push_back({stored.id, stored.last_seen_unix_ms, error});
  return error;
}

const Producers::SetAside* Producers::FindSetAside(const ProducerId& id) const {
  const auto found = std::find_if(set_aside_.begin(), set_aside_.end(), [&](const SetAside& a) { return a.id == id; });
  return found == set_aside_.end() ? nullptr : &*found;
}

uint32_t Producers::AddAnew(const ProducerId& id, uint64_t sequence) {
  Producer producer;
  producer.id = id;
  producer.live = true;
  producer.window = DedupWindow(sequence - 1);
  return AddArchived(std::move(producer));
}

uint32_t Producers::AddArchived(Producer&& producer) {
  --archived_;
  producer.recorded = true;
  const uint32_t place = Add(producer.id);
  places_[place] = std::move(producer);
  return place;
}

Result<Producers::Expired> Producers::Expire(const Stored& stored, uint64_t now_unix_ms) {
  if (now_unix_ms < ExpiryOf(stored.last_seen_unix_ms)) return Expired::kNo;
  const uint32_t place = Find(stored.id);
  if (place == kNone && archived_ == 0) return Error::kCorrupt;
  removed_.Raw(BytesOf(stored.id));
  if (place != kNone) {
    Change(place).recorded = false;
    return Expired::kRecord;
  }
  --archived_;
  return Expired::kProducer;
}

void Producers::Archive(uint32_t place) {
  const Producer& producer = places_[place];
  records_.Fixed32(0);
  const size_t start = BeginMessage(records_, kProducerMagic);
  records_.Raw(BytesOf(producer.id));
  records_.Fixed64(producer.last_seen_unix_ms);
  producer.window.Write(records_);
  EndMessage(records_, start);
  records_.PatchFixed32(start - sizeof(uint32_t), static_cast<uint32_t>(records_.size() - start));
  Free(place);
  ++archived_;
}

uint64_t Producers::Settle() {
  const uint64_t idle_before_unix_ms = archive_before_unix_ms_;
  const uint32_t most = added_ + kArchiveStep;
  archive_before_unix_ms_ = 0;
  added_ = 0;
  // A state that an earlier version stored may have far too many producers. They are archived over many calls.
  const uint64_t resident_goal = std::max(options_.max_resident, resident_ - std::min(resident_, most));
  // Some more, because each call looks at all producers.
  uint64_t gauge_goal = options_.max_gauges;
  if (gauges_ > gauge_goal) gauge_goal -= gauge_goal / 16;
  const bool has_too_many = resident_ > resident_goal || gauges_ > gauge_goal;
  if (!has_too_many && idle_before_unix_ms == 0) return 0;

  std::vector<uint32_t> order;
  for (uint32_t place = 0; place < places_.size(); ++place) {
    const Producer& producer = places_[place];
    if (producer.live && (has_too_many || producer.last_seen_unix_ms < idle_before_unix_ms)) order.push_back(place);
  }
  const auto is_later = [&](uint32_t a, uint32_t b) {
    return places_[a].last_seen_unix_ms > places_[b].last_seen_unix_ms;
  };
  std::make_heap(order.begin(), order.end(), is_later);
  const uint32_t resident = resident_;
  const uint64_t gauges = gauges_;
  size_t idle_left = most;
  while (!order.empty()) {
    const uint32_t place = order.front();
    std::pop_heap(order.begin(), order.end(), is_later);
    order.pop_back();
    const Producer& producer = places_[place];
    const bool is_idle = idle_left > 0 && producer.gauges.empty() && producer.last_seen_unix_ms < idle_before_unix_ms;
    const bool is_too_much = resident_ > resident_goal || (gauges_ > gauge_goal && !producer.gauges.empty());
    if (is_idle || is_too_much) {
      idle_left -= is_idle ? 1 : 0;
      Archive(place);
    } else if (gauges_ <= gauge_goal && (idle_left == 0 || producer.last_seen_unix_ms >= idle_before_unix_ms)) {
      break;
    }
  }
  if (resident_ < resident) {
    DropFreePlacesAtEnd();
    Index();
  }
  return gauges - gauges_;
}

void Producers::WriteChunk(size_t number, ByteWriter& writer) const {
  const size_t first = number * kPlacesPerChunk;
  const size_t end = std::min(first + kPlacesPerChunk, places_.size());
  for (size_t place = first; place < end; ++place) {
    const Producer& producer = places_[place];
    const uint8_t state = producer.recorded ? kRecorded : kLive;
    writer.Byte(producer.live ? state : kFree);
    if (!producer.live) continue;
    writer.Raw(BytesOf(producer.id));
    writer.Fixed64(producer.last_seen_unix_ms);
    producer.window.Write(writer);
    writer.Varint(producer.gauges.size());
    for (const Gauge& gauge : producer.gauges) {
      writer.Varint(gauge.series);
      writer.Varint(gauge.sequence);
      writer.Fixed64(gauge.unix_ms);
      writer.Double(gauge.value);
    }
  }
}

void Producers::FinishRead(uint64_t archived) {
  archived_ = archived;
  for (const Producer& producer : places_) {
    resident_ += producer.live ? 1 : 0;
    gauges_ += producer.gauges.size();
  }
  Index();
}

}  // namespace isotel::metrics
