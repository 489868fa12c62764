#include "exposition_validator.h"

#include <doctest/doctest.h>

namespace isotel::exposition {
namespace {

constexpr std::string_view kGood =
    "# HELP a_total Some.\n# TYPE a_total counter\na_total{x=\"1\"} 3\na_total 4\n"
    "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 5\nh_count 2\n";

TEST_CASE("The validator takes what is right") {
  const Validated validated = ValidateText(kGood);
  CHECK(validated.error == "");
  CHECK(validated.samples.size() == 6);
  CHECK(validated.Find("a_total", {{"x", "1"}})->value == 3);
  CHECK(ValidateText("").error == "");
  CHECK(ValidateOpenMetrics("# EOF\n").error == "");
  CHECK(ValidateText("# TYPE \"a.b\" gauge\n{\"a.b\",\"c.d\"=\"e\"} 1\n", true).error == "");
}

TEST_CASE("The validator refuses what is wrong") {
  const auto text = [](std::string_view wrong) { return !ValidateText(wrong).error.empty(); };
  const auto open = [](std::string_view wrong) { return !ValidateOpenMetrics(wrong).error.empty(); };
  CHECK(text("a 1\n"));
  CHECK(text("# TYPE a gauge\na 1"));
  CHECK(text("# TYPE a gauge\n"));
  CHECK(text("# TYPE a counter\na 1\n"));
  CHECK(text("# TYPE a gauge\na 1\na 1\n"));
  CHECK(text("# TYPE a gauge\na x\n"));
  CHECK(text("# TYPE a gauge\nb 1\n"));
  CHECK(text("# TYPE a gauge\na{x=\"\"} 1\n"));
  CHECK(text("# TYPE a gauge\na{x=\"1\",x=\"2\"} 1\n"));
  CHECK(text("# TYPE a gauge\na{x=\"1} 1\n"));
  CHECK(text("# TYPE a gauge\na{\"x.y\"=\"1\"} 1\n"));
  CHECK(text("# TYPE a gauge\na 1\n# TYPE b gauge\nb 1\n# TYPE a gauge\na{x=\"1\"} 1\n"));
  CHECK(text("# TYPE a gauge\na 1 # {} 1\n"));
  CHECK(text("# TYPE a gauge\na 1\n# EOF\n"));
  CHECK(text("# TYPE a_total counter\na_total -1\n"));
  CHECK(text("# TYPE h histogram\nh_bucket{le=\"1\"} 3\nh_bucket{le=\"+Inf\"} 2\nh_sum 5\nh_count 2\n"));
  CHECK(text(
      "# TYPE h histogram\nh_bucket{le=\"2\"} 1\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 5\nh_count 2\n"));
  CHECK(text("# TYPE h histogram\nh_bucket{le=\"+Inf\"} 2\nh_sum 5\nh_count 3\n"));
  CHECK(text("# TYPE h histogram\nh_bucket{le=\"1\"} 2\nh_sum 5\nh_count 2\n"));
  CHECK(text("# TYPE h histogram\nh_bucket{le=\"+Inf\"} 2\nh_count 2\n"));
  CHECK(open("# TYPE a gauge\na 1\n"));
  CHECK(open("# TYPE a_total counter\na_total 1\n# EOF\n"));
  CHECK(open("# TYPE a_seconds gauge\n# UNIT a_seconds bytes\na_seconds 1\n# EOF\n"));
  CHECK(open("# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 5\nh_count 2\n# EOF\n"));
  CHECK(open(
      "# TYPE h histogram\nh_bucket{le=\"1.0\"} 1 # {} 2 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 5\nh_count 2\n# EOF\n"));
  CHECK(open("# EOF\na 1\n"));
}

}  // namespace
}  // namespace isotel::exposition
