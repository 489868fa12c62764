// Strict validators of expositions, written from the specifications and sharing nothing with the renderers.
//
// Each returns the samples it read, or an empty list and a sentence that says what is wrong.
#pragma once

#include <cctype>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace isotel::exposition {

struct Sample {
  std::string name;
  std::map<std::string, std::string> labels;
  double value = 0;
  std::string value_text;
  std::string exemplar;  ///< as it stands after the `#`
};

struct Validated {
  std::string error;
  std::vector<Sample> samples;
  std::map<std::string, std::string> types;
  std::map<std::string, std::string> units;

  [[nodiscard]] const Sample* Find(std::string_view name, std::map<std::string, std::string> labels = {}) const {
    for (const Sample& sample : samples) {
      if (sample.name == name && sample.labels == labels) return &sample;
    }
    return nullptr;
  }
};

class TextValidator {
 public:
  TextValidator(std::string_view text, bool open_metrics, bool utf8_names)
      : text_(text), open_metrics_(open_metrics), utf8_names_(utf8_names) {}

  Validated Run() {
    while (error_.empty() && !text_.empty()) {
      const size_t end = text_.find('\n');
      if (end == std::string_view::npos) return Fail("the last line does not end");
      line_ = text_.substr(0, end);
      text_.remove_prefix(end + 1);
      Line();
    }
    if (open_metrics_ && !ended_) Fail("no # EOF");
    EndFamily();
    result_.error = error_;
    if (!error_.empty()) result_.samples.clear();
    return result_;
  }

 private:
  Validated Fail(std::string_view what) {
    if (error_.empty()) error_ = std::string(what) + ": " + std::string(line_);
    result_.error = error_;
    return result_;
  }

  void Line() {
    if (ended_) return (void)Fail("after # EOF");
    if (line_ == "# EOF") {
      if (!open_metrics_) return (void)Fail("# EOF is for OpenMetrics");
      ended_ = true;
      return;
    }
    if (line_.empty()) return (void)Fail("an empty line");
    rest_ = line_;
    rest_[0] == '#' ? Comment() : SampleLine();
  }

  void Comment() {
    std::string_view word;
    for (const std::string_view known : {"# HELP ", "# TYPE ", "# UNIT "}) {
      if (rest_.starts_with(known)) word = known;
    }
    if (word.empty()) return (void)Fail("an unknown comment");
    rest_.remove_prefix(word.size());
    const std::string name = rest_[0] == '"' ? Quoted() : Plain(true);
    if (!rest_.starts_with(' ')) return (void)Fail("no space after the family name");
    rest_.remove_prefix(1);
    if (name != family_) {
      EndFamily();
      if (!families_.insert(name).second) return (void)Fail("a family in two places");
      family_ = name;
      type_.clear();
      comments_.clear();
    }
    if (!samples_.empty()) return (void)Fail("a comment after samples of its family");
    if (!comments_.insert(std::string(word)).second) return (void)Fail("a comment twice");
    const std::string text(rest_);
    if (word == "# TYPE ") {
      static const std::set<std::string> kTypes = {"counter", "gauge", "histogram"};
      if (kTypes.count(text) == 0) return (void)Fail("an unknown type");
      type_ = text;
      result_.types[name] = text;
      if (open_metrics_ && type_ == "counter" && name.ends_with("_total")) return (void)Fail("a family named _total");
      if (!open_metrics_ && type_ == "counter" && !name.ends_with("_total"))
        return (void)Fail("a counter without _total");
    } else if (word == "# UNIT ") {
      if (!open_metrics_) return (void)Fail("UNIT is for OpenMetrics");
      if (!name.ends_with("_" + text)) return (void)Fail("the unit is not the end of the name");
      result_.units[name] = text;
    } else {
      for (size_t i = 0; i < text.size(); ++i) {
        if (open_metrics_ && text[i] == '"') return (void)Fail("a bare quote in HELP");
        if (text[i] != '\\') continue;
        ++i;
        const bool known = i < text.size() && (text[i] == '\\' || text[i] == 'n' || (open_metrics_ && text[i] == '"'));
        if (!known) return (void)Fail("an unknown escape in HELP");
      }
    }
  }

  void SampleLine() {
    Sample sample;
    if (rest_[0] != '{') sample.name = Plain(true);
    if (rest_.starts_with('{')) {
      rest_.remove_prefix(1);
      bool first = true;
      while (error_.empty() && !rest_.starts_with('}')) {
        if (!first) {
          if (!rest_.starts_with(',')) return (void)Fail("no comma between labels");
          rest_.remove_prefix(1);
        }
        const bool quoted = rest_.starts_with('"');
        const std::string key = quoted ? Quoted() : Plain(false);
        if (quoted && !utf8_names_) return (void)Fail("a quoted name");
        if (first && quoted && sample.name.empty() && !rest_.starts_with('=')) {
          sample.name = key;
          first = false;
          continue;
        }
        first = false;
        if (!rest_.starts_with("=\"")) return (void)Fail("no value after a label name");
        rest_.remove_prefix(1);
        const std::string value = Quoted();
        if (value.empty()) return (void)Fail("an empty label");
        if (!sample.labels.emplace(key, value).second) return (void)Fail("a label twice");
      }
      if (rest_.empty()) return (void)Fail("no end of labels");
      rest_.remove_prefix(1);
    }
    if (sample.name.empty() || !rest_.starts_with(' ')) return (void)Fail("no name or value");
    rest_.remove_prefix(1);
    const size_t end = rest_.find(' ');
    sample.value_text = rest_.substr(0, end);
    if (!Number(sample.value_text, sample.value)) return (void)Fail("a value that is no number");
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end);
    if (!rest_.empty()) Exemplar(sample);
    if (error_.empty()) Check(sample);
  }

  void Exemplar(Sample& sample) {
    if (!open_metrics_ || !rest_.starts_with(" # {")) return (void)Fail("something after the value");
    if (!sample.name.ends_with("_bucket") && !sample.name.ends_with("_total"))
      return (void)Fail("no place for an exemplar");
    rest_.remove_prefix(3);
    sample.exemplar = rest_;
    const size_t end = rest_.find('}');
    if (end == std::string_view::npos || end > 128 + 10) return (void)Fail("an exemplar's labels");
    std::string_view numbers = rest_.substr(end + 1);
    if (!numbers.starts_with(' ')) return (void)Fail("an exemplar without a value");
    numbers.remove_prefix(1);
    const size_t space = numbers.find(' ');
    double value = 0;
    double time = 0;
    if (!Number(numbers.substr(0, space), value)) return (void)Fail("an exemplar's value");
    if (space != std::string_view::npos && !Number(numbers.substr(space + 1), time))
      return (void)Fail("an exemplar's time");
    if (sample.name.ends_with("_bucket")) {
      double bound = 0;
      Number(sample.labels["le"], bound);
      if (value > bound) return (void)Fail("an exemplar above its bucket");
    }
  }

  void Check(const Sample& sample) {
    if (type_.empty()) return (void)Fail("a sample without a TYPE");
    std::string_view suffix = sample.name;
    const std::string base = !open_metrics_ && type_ == "counter" ? family_.substr(0, family_.size() - 6) : family_;
    if (!suffix.starts_with(base)) return (void)Fail("a sample of another family");
    suffix.remove_prefix(base.size());
    const bool known = (type_ == "counter" && suffix == "_total") || (type_ == "gauge" && suffix.empty()) ||
                       (type_ == "histogram" && (suffix == "_bucket" || suffix == "_sum" || suffix == "_count")) ||
                       (open_metrics_ && type_ != "gauge" && suffix == "_created");
    if (!known) return (void)Fail("a sample with the wrong suffix");
    if (type_ == "counter" && (std::isnan(sample.value) || sample.value < 0))
      return (void)Fail("a counter that is none");
    if ((suffix == "_bucket") != (type_ == "histogram" && sample.labels.count("le") > 0)) return (void)Fail("le");
    if (open_metrics_ && suffix == "_bucket") {
      const std::string& le = sample.labels.at("le");
      if (le.find_first_of(".eI") == std::string::npos) return (void)Fail("a bound that is no canonical float");
    }
    std::string key = sample.name;
    for (const auto& [name, value] : sample.labels) key += '\0' + name + '\0' + value;
    if (!all_.insert(key).second) return (void)Fail("a sample twice");
    samples_.push_back(sample);
    result_.samples.push_back(sample);
  }

  static std::string DefinitionOf(const Sample& sample) {
    const auto label = sample.labels.find("isotel_definition");
    return label == sample.labels.end() ? "" : label->second;
  }

  // A histogram: buckets ascending and not decreasing, the last +Inf and equal to _count.
  void EndFamily() {
    if (type_ == "histogram") {
      struct Series {
        double bound = -std::numeric_limits<double>::infinity();
        double cumulative = 0;
        bool has_count = false;
        bool has_sum = false;
      };
      // Of the definitions of a histogram, one has buckets in all of its series. The others have none.
      std::set<std::string> with_buckets;
      for (const Sample& sample : samples_) {
        if (sample.name.ends_with("_bucket")) with_buckets.insert(DefinitionOf(sample));
      }
      if (with_buckets.size() != 1) Fail("buckets of no definition, or of several");
      std::map<std::map<std::string, std::string>, Series> all;
      for (const Sample& sample : samples_) {
        std::map<std::string, std::string> labels = sample.labels;
        labels.erase("le");
        Series& series = all[labels];
        if (sample.name.ends_with("_sum")) series.has_sum = true;
        if (sample.name.ends_with("_count")) {
          series.has_count = true;
          if (with_buckets.count(DefinitionOf(sample)) == 0) continue;
          if (!std::isinf(series.bound) || series.bound < 0) Fail("no +Inf bucket before _count");
          if (sample.value != series.cumulative) Fail("+Inf and _count differ");
        }
        if (!sample.name.ends_with("_bucket")) continue;
        double bound = 0;
        if (!Number(sample.labels.at("le"), bound)) Fail("a bound that is no number");
        if (!(bound > series.bound)) Fail("bounds that do not ascend");
        if (sample.value < series.cumulative) Fail("buckets that decrease");
        series.bound = bound;
        series.cumulative = sample.value;
      }
      for (const auto& [labels, series] : all) {
        if (!series.has_count || !series.has_sum) Fail("a histogram without _count or _sum");
      }
    }
    if (!family_.empty() && type_.empty()) Fail("a family without a type");
    if (!family_.empty() && samples_.empty()) Fail("a family without samples");
    samples_.clear();
  }

  static bool Number(std::string_view text, double& value) {
    if (text == "NaN") return value = std::nan(""), true;
    if (text == "+Inf") return value = std::numeric_limits<double>::infinity(), true;
    if (text == "-Inf") return value = -std::numeric_limits<double>::infinity(), true;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size() && std::isfinite(value);
  }

  std::string Plain(bool metric) {
    size_t size = 0;
    while (size < rest_.size()) {
      const auto c = static_cast<unsigned char>(rest_[size]);
      if (!(std::isalpha(c) != 0 && c < 128) && c != '_' && !(metric && c == ':') &&
          !(size > 0 && std::isdigit(c) != 0))
        break;
      ++size;
    }
    if (size == 0) Fail("no name");
    std::string name(rest_.substr(0, size));
    rest_.remove_prefix(size);
    return name;
  }

  std::string Quoted() {
    std::string text;
    for (size_t i = 1; i < rest_.size(); ++i) {
      if (rest_[i] == '"') {
        rest_.remove_prefix(i + 1);
        return text;
      }
      if (rest_[i] != '\\') {
        text += rest_[i];
        continue;
      }
      ++i;
      if (i >= rest_.size() || (rest_[i] != '\\' && rest_[i] != '"' && rest_[i] != 'n')) break;
      text += rest_[i] == 'n' ? '\n' : rest_[i];
    }
    Fail("a quoted text that does not end or escapes wrongly");
    rest_ = {};
    return text;
  }

  std::string_view text_;
  bool open_metrics_;
  bool utf8_names_;
  bool ended_ = false;
  std::string_view line_;
  std::string_view rest_;
  std::string error_;
  std::string family_;
  std::string type_;
  std::set<std::string> comments_;
  std::set<std::string> families_;
  std::set<std::string> all_;
  std::vector<Sample> samples_;
  Validated result_;
};

inline Validated ValidateText(std::string_view text, bool utf8_names = false) {
  return TextValidator(text, false, utf8_names).Run();
}
inline Validated ValidateOpenMetrics(std::string_view text, bool utf8_names = false) {
  return TextValidator(text, true, utf8_names).Run();
}

}  // namespace isotel::exposition
