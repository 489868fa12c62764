#include "exposition/negotiation.h"

#include <doctest/doctest.h>

#include <string>

namespace isotel::exposition {
namespace {

void CheckChoice(std::string_view accept, Format format, Escaping escaping = Escaping::kUnderscores) {
  CAPTURE(accept);
  const Choice choice = Negotiate(accept);
  CHECK(choice.format == format);
  CHECK(choice.escaping == escaping);
}

TEST_CASE("What Prometheus sends is answered with its first choice") {
  CheckChoice(
      "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;"
      "version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/"
      "*;q=0.2",
      Format::kOpenMetrics, Escaping::kUtf8);
  CheckChoice(
      "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;"
      "escaping=allow-utf-8;q=0.7,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6",
      Format::kProtobuf, Escaping::kUtf8);
  CheckChoice(
      "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
      "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
      Format::kOpenMetrics);
}

TEST_CASE("Without a format of ours it is text 0.0.4") {
  for (const std::string_view accept : {"", "*/*", "text/*", "text/html", "text/plain", "image/png;q=1", ",,;;=,\"",
                                        "application/openmetrics-text;version=0.0.1"}) {
    CheckChoice(accept, Format::kText);
  }
}

TEST_CASE("The highest weight wins, of equal ones the first") {
  CheckChoice("text/plain;q=0.4,application/json;q=0.5", Format::kJson);
  CheckChoice("application/json,text/plain", Format::kJson);
  CheckChoice("text/plain;version=1.0.0;q=0.999,application/json;q=1.000", Format::kJson);
  CheckChoice("text/plain;version=1.0.0;q=0.01,application/json;q=0.009", Format::kText1);
}

TEST_CASE("A weight of zero, and what is no weight, excludes") {
  for (const std::string_view weight : {"0", "0.", "0.000", "2", "1.5", "0.1234", ".5", "-1", "x", "1x", ""}) {
    CheckChoice("application/json;q=" + std::string(weight) + ",text/plain;version=1.0.0;q=0.001", Format::kText1);
  }
}

TEST_CASE("Protobuf is only the delimited message of Prometheus") {
  CheckChoice("application/vnd.google.protobuf", Format::kText);
  CheckChoice("application/vnd.google.protobuf;proto=a.B;encoding=delimited", Format::kText);
  CheckChoice("application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=text", Format::kText);
  CheckChoice("application/vnd.google.protobuf ; proto=\"io.prometheus.client.MetricFamily\" ; encoding=delimited",
              Format::kProtobuf);
}

TEST_CASE("Names are read without regard to case, values in quotes, spaces anywhere they may be") {
  CheckChoice(" Application/OpenMetrics-Text ; VERSION = \"1.0.0\" ; Escaping=\"dots\" ;\tq=0.5 ", Format::kOpenMetrics,
              Escaping::kDots);
  CheckChoice("text/plain; note=\"a,b;version=9;q=0\"; version=1.0.0; escaping=values", Format::kText1,
              Escaping::kValues);
  CheckChoice("text/plain; version=1.0.0; escaping=unheard-of", Format::kText1);
}

}  // namespace
}  // namespace isotel::exposition
