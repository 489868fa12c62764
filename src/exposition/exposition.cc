#include "exposition/exposition.h"

#include "exposition/metrics_json.h"
#include "exposition/prometheus_protobuf.h"
#include "exposition/prometheus_text.h"

namespace isotel::exposition {

std::string ContentType(Format format, Escaping escaping) {
  std::string type;
  switch (format) {
#define ISOTEL_FORMAT(name, code, content_type) \
  case Format::name:                            \
    type = content_type;                        \
    break;
#include "exposition/formats.def"
#undef ISOTEL_FORMAT
  }
  if (format != Format::kText && format != Format::kJson) {
    type += "; escaping=";
    type += EscapingText(escaping);
  }
  return type;
}

void Render(const metrics::Snapshot& snapshot, Format format, ExposeOptions options, ByteWriter& writer) {
  if (format == Format::kText && options.escaping == Escaping::kUtf8) options.escaping = Escaping::kUnderscores;
  if (format == Format::kJson) options.escaping = Escaping::kUtf8;
  const ExposedFamilies exposed(snapshot, options);
  writer.Clear();
  if (format == Format::kProtobuf) {
    RenderProtobuf(exposed, writer);
  } else if (format == Format::kJson) {
    RenderJson(exposed, writer);
  } else {
    RenderText(exposed, format == Format::kOpenMetrics, writer);
  }
}

}  // namespace isotel::exposition
