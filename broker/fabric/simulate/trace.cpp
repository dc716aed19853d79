#include "broker/fabric/simulate/trace.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <random>

namespace weft::broker::fabric {
namespace {

constexpr std::string_view header = "job,arrival_s,size,runtime_s";
constexpr std::size_t jobs_max = 10'000'000;
constexpr std::int64_t seconds_max = 1'000'000'000;  // 31 years
constexpr std::int64_t size_max = 1'000'000;

class Draws {
 public:
  explicit Draws(std::uint64_t seed) : generator_(seed) {}
  // In [0, 1): one output a draw.
  double next() {
    const double u = static_cast<double>(generator_()) / 18446744073709551616.0;
    return u < 1.0 ? u : std::nextafter(1.0, 0.0);
  }
  std::int64_t runtime() { return static_cast<std::int64_t>(std::floor(next() * 2980.0 + 20.0)); }

 private:
  std::mt19937_64 generator_;
};

// The comma-separated whole numbers of a line, each in 0..its limit; what is wrong otherwise.
Result<std::array<std::int64_t, 4>> numbers(std::string_view line) {
  constexpr std::array<std::string_view, 4> names{"job", "arrival_s", "size", "runtime_s"};
  constexpr std::array<std::int64_t, 4> least{0, 0, 1, 1};
  constexpr std::array<std::int64_t, 4> most{std::numeric_limits<std::int64_t>::max(), seconds_max,
                                             size_max, seconds_max};
  std::array<std::int64_t, 4> out{};
  for (std::size_t i = 0; i < 4; ++i) {
    const std::size_t comma = line.find(',');
    if ((comma == line.npos) != (i == 3))
      return fail(Code::spec_type, fmt::format("4 columns are wanted: {}", header));
    const std::string_view text = line.substr(0, comma);
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), out[i]);
    if (problem != std::errc{} || end != text.data() + text.size())
      return fail(Code::spec_type,
                  fmt::format("{}: '{}' is not a whole number", names[i], text.substr(0, 40)));
    if (out[i] < least[i] || out[i] > most[i])
      return fail(Code::spec_range,
                  fmt::format("{}: {}; allowed are {} to {}", names[i], out[i], least[i], most[i]));
    line.remove_prefix(comma == line.npos ? line.size() : comma + 1);
  }
  return out;
}

}  // namespace

Trace synth_trace(std::uint32_t mean, std::uint32_t jobs, std::uint64_t seed, std::uint32_t hosts) {
  Draws draws(seed);
  Trace out;
  for (std::uint32_t i = 0; i < jobs; ++i) {
    double size = 0;
    do size = std::ceil(-std::log(1 - draws.next()) / (1.0 / mean));
    while (size < 1 || size > hosts);
    out.push_back({i, 0, static_cast<std::uint32_t>(size), draws.runtime()});
  }
  return out;
}

Trace ai_trace(std::uint32_t jobs, std::uint64_t seed, std::uint32_t hosts) {
  std::vector<std::uint32_t> sizes;
  for (std::uint32_t size = 1; size <= hosts / 4; size *= 2) sizes.push_back(size);
  double total = 0;
  for (const std::uint32_t size : sizes) total += std::pow(size, -0.7);
  std::vector<double> sums;
  double sum = 0;
  for (const std::uint32_t size : sizes) sums.push_back(sum += std::pow(size, -0.7) / total);
  sums.back() = 1;
  Draws draws(seed);
  Trace out;
  for (std::uint32_t i = 0; i < jobs; ++i) {
    const double u = draws.next();
    const auto place = std::find_if(sums.begin(), sums.end(), [&](double s) { return s >= u; });
    const std::uint32_t size = sizes[static_cast<std::size_t>(place - sums.begin())];
    out.push_back({i, 0, size, draws.runtime()});
  }
  return out;
}

std::string to_csv(const Trace& trace) {
  std::string out(header);
  out += '\n';
  for (const TraceJob& job : trace)
    fmt::format_to(std::back_inserter(out), "{},{},{},{}\n", job.job, job.arrival_s, job.size,
                   job.runtime_s);
  return out;
}

Result<Trace> read_trace(std::string_view text, std::string_view name) {
  Trace out;
  std::size_t number = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    ++number;
    if (number == 1) {
      if (line != header)
        return fail(Code::spec_type, fmt::format("{}:1: the first line must be: {}", name, header));
      continue;
    }
    if (line.empty()) continue;
    const auto fields = numbers(line);
    if (!fields)
      return fail(fields.error().code,
                  fmt::format("{}:{}: {}", name, number, fields.error().detail));
    if (out.size() == jobs_max)
      return fail(Code::spec_size, fmt::format("{}:{}: more than {} jobs", name, number, jobs_max));
    out.push_back({static_cast<std::uint64_t>((*fields)[0]), (*fields)[1],
                   static_cast<std::uint32_t>((*fields)[2]), (*fields)[3]});
  }
  if (number == 0)
    return fail(Code::spec_type,
                fmt::format("{}: empty; the first line must be: {}", name, header));
  std::stable_sort(out.begin(), out.end(),
                   [](const TraceJob& a, const TraceJob& b) { return a.arrival_s < b.arrival_s; });
  return out;
}

}  // namespace weft::broker::fabric
