// weft-submit-load: held jobs through the client library over CURVE, a fixed number in flight; what
// acknowledged submissions cost without starting a process each. With --check it asks instead which
// of the jobs of a list the broker still knows.
// Prints one JSON object: acknowledged, seconds, rate, p50_ms, p99_ms; or known, missing.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <vector>

#include "benchmarks/control_plane/connect.hpp"

namespace weft::bench {
namespace {

using Clock = std::chrono::steady_clock;

double ms_since(Clock::time_point began) {
  return std::chrono::duration<double, std::milli>(Clock::now() - began).count();
}

struct Options {
  std::string state, as, check;
  std::size_t jobs = 1'000, in_flight = 1;
  bool print = false;
};

// A job that is never placed, so that nothing but the submission is measured.
JobSpec trivial_job() {
  JobSpec spec;
  spec.name = "load";
  spec.time = minutes(1);
  spec.checkpoint_grace = seconds(5);
  spec.backend = "none";
  spec.run = {"true"};
  spec.workdir = "/";
  return spec;
}

// Keeps `in_flight` requests on the way until `total` are answered. `next(i)` makes the i-th body,
// `answered(i, ms, reply)` sees each answer and returns false to give up.
template <class Next, class Answered>
void pump(client::Client& client, std::size_t total, std::size_t in_flight, Next next,
          Answered answered) {
  std::size_t started = 0, done = 0;
  bool going = true;
  while (going && done < total) {
    while (started < total && client.in_flight() < in_flight) {
      const std::size_t i = started++;
      client.start(next(i), {.key = {}, .timeout = seconds(60)},
                   [&, i, began = Clock::now()](Result<ReplyBody> reply) {
                     ++done;
                     going = answered(i, ms_since(began), std::move(reply)) && going;
                   });
    }
    client.poll(seconds(1));
  }
}

int load(client::Client& client, const Options& options) {
  std::vector<double> took;
  took.reserve(std::min<std::size_t>(options.jobs, 1'000'000));
  Error refusal;
  if (auto hello = client.call(Hello{}); !hello) {  // the handshake is not part of a submission
    fmt::print(stderr, "weft-submit-load: {}\n", to_string(hello.error()));
    return 1;
  }
  const SubmitJob body{trivial_job(), true, false};
  const auto began = Clock::now();
  pump(
      client, options.jobs, options.in_flight, [&](std::size_t) { return body; },
      [&](std::size_t, double ms, Result<ReplyBody> reply) {
        const auto* submitted = reply ? std::get_if<Submitted>(&*reply) : nullptr;
        if (submitted == nullptr) {
          refusal = reply ? Error{Code::wire_unknown, "another reply"} : reply.error();
          return false;
        }
        took.push_back(ms);
        if (options.print) {
          fmt::print("{}\n", submitted->job.value);
          std::fflush(stdout);
        }
        return true;
      });
  const double seconds = ms_since(began) / 1e3;
  if (took.size() < options.jobs) {
    fmt::print(stderr, "weft-submit-load: {} of {} acknowledged, then {}\n", took.size(),
               options.jobs, to_string(refusal));
    return 1;
  }
  std::sort(took.begin(), took.end());
  if (!options.print)
    fmt::print(
        "{{\"acknowledged\": {}, \"seconds\": {:.4f}, \"rate\": {:.1f}, \"p50_ms\": {:.3f}, "
        "\"p99_ms\": {:.3f}}}\n",
        took.size(), seconds, static_cast<double>(took.size()) / seconds, took[took.size() / 2],
        took[took.size() * 99 / 100]);
  return 0;
}

int check(client::Client& client, const Options& options) {
  std::vector<JobId> ids;
  std::ifstream file(options.check);
  for (std::uint64_t id = 0; file >> id;) ids.push_back({id});
  std::size_t known = 0, missing = 0;
  pump(
      client, ids.size(), 64, [&](std::size_t i) { return ShowJob{ids[i]}; },
      [&](std::size_t i, double, Result<ReplyBody> reply) {
        const auto* view = reply ? std::get_if<JobView>(&*reply) : nullptr;
        const bool same = view != nullptr && view->job.id == ids[i];
        ++(same ? known : missing);
        return true;
      });
  fmt::print("{{\"known\": {}, \"missing\": {}}}\n", known, missing);
  return 0;
}

int main_with(const Options& options) {
  auto client = connect(options.state, options.as);
  if (!client) {
    fmt::print(stderr, "weft-submit-load: {}\n", to_string(client.error()));
    return 6;
  }
  return options.check.empty() ? load(**client, options) : check(**client, options);
}

}  // namespace
}  // namespace weft::bench

int main(int argc, char** argv) {
  weft::bench::Options options;
  CLI::App app("Held submissions through weft's client library.", "weft-submit-load");
  app.add_option("--state", options.state, "state directory of the broker");
  app.add_option("--as", options.as, "name of the key; default: the customer's");
  app.add_option("--jobs", options.jobs, "how many")->check(CLI::PositiveNumber);
  app.add_option("--in-flight", options.in_flight, "requests on the way at any moment")
      ->check(CLI::Range(1, 4'096));
  app.add_flag("--print", options.print, "print each id once it is acknowledged, and no figures");
  app.add_option("--check", options.check, "file of job ids: ask which of them are known")
      ->check(CLI::ExistingFile);
  CLI11_PARSE(app, argc, argv);
  return weft::bench::main_with(options);
}
