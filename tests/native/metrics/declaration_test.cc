#include "metrics/declaration.h"

#include <doctest/doctest.h>

#include <cmath>

#include "base/limits.h"
#include "metrics_double.h"

namespace isotel::metrics {
namespace {

Error Read(std::string_view bytes) {
  Declaration declaration;
  return ReadDeclaration(bytes, declaration);
}

std::string Bytes(const Declaration& declaration) {
  ByteWriter writer;
  Write(declaration, writer);
  return std::string(writer.view());
}

TEST_CASE("A declaration comes back as it was written") {
  for (const Declaration& declaration : SampleDeclarations()) {
    Declaration sorted = declaration;
    sorted.label_keys = {"path", "zone"};
    // What stood in it before does not matter.
    Declaration back = MakeDeclaration(Kind::kHistogram, "before", {"a"});
    REQUIRE(ReadDeclaration(Bytes(sorted), back) == Error::kOk);
    CHECK(back == sorted);
  }
}

TEST_CASE("Metric names are UTF-8 without control characters and not too long") {
  const auto check = [](std::string name) { return Check(MakeDeclaration(Kind::kCounter, std::move(name))); };
  CHECK(check("a") == Error::kOk);
  CHECK(check("gen_ai.client.operation.duration") == Error::kOk);
  CHECK(check("\xc3\xa9\"") == Error::kOk);
  CHECK(check(std::string(kMaxMetricNameBytes, 'a')) == Error::kOk);
  CHECK(check("") == Error::kInvalidMetricName);
  CHECK(check("a\nb") == Error::kInvalidMetricName);
  CHECK(check("a\x7f") == Error::kInvalidMetricName);
  CHECK(check("a\xff") == Error::kInvalidMetricName);
  CHECK(check(std::string(kMaxMetricNameBytes + 1, 'a')) == Error::kInvalidMetricName);
}

TEST_CASE("Label names are distinct, not reserved and not too many") {
  const auto check = [](Kind kind, std::vector<std::string> keys) {
    return Check(MakeDeclaration(kind, "a", std::move(keys)));
  };
  CHECK(check(Kind::kCounter, {"b", "a", "le"}) == Error::kOk);
  CHECK(check(Kind::kHistogram, {"le"}) == Error::kInvalidLabelName);
  CHECK(check(Kind::kCounter, {"a", "b", "a"}) == Error::kInvalidLabelName);
  CHECK(check(Kind::kCounter, {"__name__"}) == Error::kInvalidLabelName);
  CHECK(check(Kind::kCounter, {""}) == Error::kInvalidLabelName);
  std::vector<std::string> many;
  for (uint32_t i = 0; i <= kMaxLabels; ++i) many.push_back(Numbered("l", i));
  CHECK(check(Kind::kCounter, many) == Error::kInvalidLabelName);
}

TEST_CASE("Bucket settings outside their range are refused") {
  Declaration declaration = MakeDeclaration(Kind::kHistogram, "a");
  declaration.bounds = {};
  CHECK(Check(declaration) == Error::kInvalidBounds);
  const auto check = [](int schema, uint32_t max_buckets, double zero_threshold) {
    Declaration exponential = MakeDeclaration(Kind::kExponentialHistogram, "a");
    exponential.schema = schema;
    exponential.max_buckets = max_buckets;
    exponential.zero_threshold = zero_threshold;
    return Check(exponential);
  };
  CHECK(check(8, 2, 0) == Error::kOk);
  CHECK(check(9, 160, 0) == Error::kInvalidDeclaration);
  CHECK(check(-5, 160, 0) == Error::kInvalidDeclaration);
  CHECK(check(0, 1, 0) == Error::kInvalidDeclaration);
  CHECK(check(0, kMaxExponentialBuckets + 1, 0) == Error::kInvalidDeclaration);
  CHECK(check(0, 160, -1) == Error::kInvalidDeclaration);
  CHECK(check(0, 160, std::nan("")) == Error::kInvalidDeclaration);
  declaration = MakeDeclaration(Kind::kCounter, "a");
  declaration.unit = std::string(kMaxUnitBytes + 1, 's');
  CHECK(Check(declaration) == Error::kInvalidDeclaration);
  declaration.unit = std::string("\xff");
  CHECK(Check(declaration) == Error::kInvalidDeclaration);
  declaration.unit = std::string("s");
  declaration.kind = static_cast<Kind>(kKindCount);
  CHECK(Check(declaration) == Error::kInvalidDeclaration);
}

TEST_CASE("Bytes that are no canonical declaration are refused") {
  Declaration declaration = MakeDeclaration(Kind::kHistogram, "a", {"b", "c"});
  const std::string bytes = Bytes(declaration);
  CHECK(Read(bytes) == Error::kOk);
  CHECK(Read(bytes + '\0') == Error::kCorrupt);
  for (size_t size = 0; size < bytes.size(); ++size) {
    CHECK(Read(bytes.substr(0, size)) == Error::kCorrupt);
  }
  declaration.label_keys = {"c", "b"};
  CHECK(Read(Bytes(declaration)) == Error::kCorrupt);
  declaration.label_keys = {"b"};
  declaration.name.clear();
  CHECK(Read(Bytes(declaration)) == Error::kCorrupt);
}

}  // namespace
}  // namespace isotel::metrics
