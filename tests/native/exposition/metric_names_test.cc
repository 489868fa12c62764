#include "exposition/metric_names.h"

#include <doctest/doctest.h>

namespace isotel::exposition {
namespace {

using metrics::Declaration;
using metrics::Kind;

TEST_CASE("Escaping schemes write names as the specification's examples do") {
  struct Row {
    std::string_view name;
    std::string_view underscores;
    std::string_view dots;
    std::string_view values;
  };
  for (const Row& row : {
           Row{"no:escaping_required", "no:escaping_required", "no:escaping__required", "no:escaping_required"},
           Row{"mysystem.prod.west.cpu.load", "mysystem_prod_west_cpu_load",
               "mysystem_dot_prod_dot_west_dot_cpu_dot_load", "U__mysystem_2e_prod_2e_west_2e_cpu_2e_load"},
           Row{"http.status:sum", "http_status:sum", "http_dot_status:sum", "U__http_2e_status:sum"},
           Row{"label with \xf0\x9f\x98\xb1", "label_with__", "label__with____", "U__label_20_with_20__1f631_"},
           Row{"a_b.c", "a_b_c", "a__b_dot_c", "U__a__b_2e_c"},
           Row{"0a", "_a", "__a", "U___30_a"},
       }) {
    CHECK(Escape(row.name, Escaping::kUnderscores, true) == row.underscores);
    CHECK(Escape(row.name, Escaping::kDots, true) == row.dots);
    CHECK(Escape(row.name, Escaping::kValues, true) == row.values);
    CHECK(Escape(row.name, Escaping::kUtf8, true) == row.name);
  }
}

TEST_CASE("A colon is for metric names only") {
  CHECK(IsPlainName("a:b", true));
  CHECK_FALSE(IsPlainName("a:b", false));
  CHECK_FALSE(IsPlainName("", true));
  CHECK_FALSE(IsPlainName("9a", true));
  CHECK(Escape("a:b", Escaping::kUnderscores, false) == "a_b");
}

std::string Exposed(std::string_view name, std::string_view unit, Kind kind) {
  Declaration declaration;
  declaration.name = name;
  declaration.unit = unit;
  declaration.kind = kind;
  return BaseName(declaration, UnitWord(declaration));
}

TEST_CASE("Units are spelled out at the end of the name, once") {
  CHECK(Exposed("gen_ai.client.inference.duration", "s", Kind::kHistogram) ==
        "gen_ai.client.inference.duration_seconds");
  CHECK(Exposed("latency_seconds", "s", Kind::kHistogram) == "latency_seconds");
  CHECK(Exposed("latency_seconds", "seconds", Kind::kHistogram) == "latency_seconds");
  CHECK(Exposed("seconds", "s", Kind::kHistogram) == "seconds_seconds");
  CHECK(Exposed("heap", "By", Kind::kGaugeSum) == "heap_bytes");
  CHECK(Exposed("tokens", "{token}", Kind::kCounter) == "tokens");
  CHECK(Exposed("used", "1", Kind::kGaugeLast) == "used_ratio");
  CHECK(Exposed("used", "1", Kind::kCounter) == "used");
  CHECK(Exposed("speed", "furlong/h", Kind::kGaugeLast) == "speed_furlong_h");
  CHECK(Exposed("plain", "", Kind::kGaugeLast) == "plain");
}

TEST_CASE("A counter's total is not part of its base name") {
  CHECK(Exposed("requests_total", "", Kind::kCounter) == "requests");
  CHECK(Exposed("requests_total", "", Kind::kGaugeLast) == "requests_total");
  CHECK(Exposed("time_total", "s", Kind::kCounter) == "time_seconds");
  CHECK(Exposed("_total", "", Kind::kCounter) == "_total");
}

}  // namespace
}  // namespace isotel::exposition
