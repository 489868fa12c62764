#include "genai/metrics_table.h"

#include <doctest/doctest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

namespace isotel::genai {
namespace {

using nlohmann::json;

const json& Conventions() {
  static const json kData =
      json::parse(std::ifstream(ISOTEL_SOURCE_DIR "/tests/conformance/data/gen-ai.json"), nullptr, true).at("metrics");
  return kData;
}

std::vector<Metric> AllMetrics() {
  std::vector<Metric> all;
  for (size_t i = 0; i < kMetricCount; ++i) all.push_back(static_cast<Metric>(i));
  return all;
}

TEST_CASE("Every metric is that of the conventions: status, instrument, unit, bounds and labels") {
  for (const Metric metric : AllMetrics()) {
    const MetricInfo& info = Info(metric);
    if (info.names == MetricNames::kOwn) continue;
    const metrics::Declaration declaration = DeclarationOf(metric);
    CAPTURE(declaration.name);
    REQUIRE(Conventions().contains(declaration.name));
    const json& convention = Conventions().at(declaration.name);
    // The duration of other calls is current, and was that of chats.
    const bool is_shared = declaration.name == "gen_ai.client.operation.duration";
    const bool is_current = info.names == MetricNames::kCurrent;
    const bool is_removed = convention.at("status") == "removed";
    CHECK(is_removed == !(is_current || is_shared));
    if (!is_removed) CHECK((convention.at("status") == "main" || convention.value("emit", false)));
    CHECK(convention.at("unit") == declaration.unit);
    CHECK(convention.at("instrument") == (declaration.kind == metrics::Kind::kCounter ? "counter" : "histogram"));
    CHECK(convention.value("boundaries", std::vector<double>{}) == declaration.bounds);

    const std::set<std::string> labels(declaration.label_keys.begin(), declaration.label_keys.end());
    const json& attributes = convention.at("attributes");
    for (const std::string& label : labels) CHECK_MESSAGE(attributes.contains(label), label);
    for (const auto& [key, level] : attributes.items()) {
      // Nothing here knows of the server behind a model.
      if (key.starts_with("server.")) continue;
      CHECK_MESSAGE(labels.count(key) == 1, key << " is " << level);
    }
  }
}

TEST_CASE("Current metrics are not recorded of the operations the conventions leave out") {
  for (const Metric metric : AllMetrics()) {
    const MetricInfo& info = Info(metric);
    if (info.names != MetricNames::kCurrent) continue;
    CAPTURE(info.name);
    for (const std::string excluded : Conventions().at(std::string(info.name)).value("not_for", json::array())) {
      for (uint32_t code = 0; code < kOperationCount; ++code) {
        const auto operation = static_cast<Operation>(code);
        if (Info(operation).name[static_cast<size_t>(Profile::kLatest)] != excluded) continue;
        CHECK((info.spans & SetOf(operation)) == 0);
      }
    }
  }
}

TEST_CASE("Every family can be declared") {
  for (const Metric metric : AllMetrics()) {
    metrics::Declaration declaration = DeclarationOf(metric);
    CAPTURE(declaration.name);
    CHECK(metrics::Check(declaration) == Error::kOk);
    CHECK_FALSE(declaration.help.empty());
    CHECK(declaration.label_keys.size() == static_cast<size_t>(std::popcount(Info(metric).labels)));
  }
}

TEST_CASE("A name of the project's own is in its name space and not of the conventions") {
  CHECK(Info(Metric::kCost).name.starts_with("isotel."));
  CHECK(Info(Metric::kCost).names == MetricNames::kOwn);
  CHECK_FALSE(Conventions().contains(std::string(Info(Metric::kCost).name)));
}

}  // namespace
}  // namespace isotel::genai
