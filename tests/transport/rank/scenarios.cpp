#include "tests/transport/rank/scenarios.hpp"

#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <map>
#include <thread>

#include "tests/transport/rank/values.hpp"

namespace weft::test {

long long monotonic_ms() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000ll + now.tv_nsec / 1'000'000;
}

std::unique_ptr<Mesh> join_or_say(const MeshOptions& options) {
  auto mesh = Mesh::join(options);
  if (!mesh) {
    std::printf("failed_at %lld\nerror %s\n", monotonic_ms(), to_string(mesh.error()).c_str());
    return nullptr;
  }
  std::printf("joined %lld\n", monotonic_ms());
  return std::move(*mesh);
}

int say_failure(const Mesh& mesh, const Error& error) {
  const auto blame = mesh.last_failure();
  std::printf("failed_at %lld\nerror %s\ncode %s\nculprit %u\nnode %s\n", monotonic_ms(),
              to_string(error).c_str(), std::string(to_string(error.code)).c_str(), blame.rank,
              blame.node_name.c_str());
  return 3;
}

// Collectives until a file is there: rank 0 looks, everyone hears it in the sum.
int until_file(const Arguments& arguments) {
  const auto mesh = join_or_say();
  if (!mesh) return 3;
  for (std::int64_t stop = 0; stop == 0;) {
    stop = mesh->rank() == 0 && access(arguments.at(0).c_str(), F_OK) == 0 ? 1 : 0;
    if (auto done = mesh->all_reduce(&stop, &stop, 1, DataType::i64, ReduceOp::sum); !done)
      return say_failure(*mesh, done.error());
  }
  return mesh->leave() ? 0 : 5;
}

int repeat(const Arguments& arguments) {
  const auto times = std::stoull(arguments.at(0)), count = std::stoull(arguments.at(1));
  MeshOptions options;
  if (arguments.size() > 2)
    options.operation_timeout = std::chrono::milliseconds(std::stoll(arguments[2]));
  const auto mesh = join_or_say(options);
  if (!mesh) return 3;
  std::vector<float> data(count, 1.0f);
  for (unsigned long long i = 0; i < times; ++i) {
    std::fill(data.begin(), data.end(), 1.0f);
    if (auto done = mesh->all_reduce(data.data(), data.data(), count, DataType::f32, ReduceOp::sum);
        !done) {
      const int code = say_failure(*mesh, done.error());
      // Later operations fail at once with the same record.
      const auto before = monotonic_ms();
      const auto again = mesh->barrier();
      if (again || again.error() != done.error() || monotonic_ms() - before > 20) {
        std::printf("wrong second failure\n");
        return 4;
      }
      return code;
    }
    if (data.back() != static_cast<float>(mesh->size())) {
      std::printf("wrong sum\n");
      return 4;
    }
    if (i == 0) std::printf("running %lld\n", monotonic_ms());
    mesh->report_progress(i, "step " + std::to_string(i));
  }
  const auto counters = mesh->counters();
  std::printf("stale %llu\nlate %llu\n", static_cast<unsigned long long>(counters.stale_messages),
              static_cast<unsigned long long>(counters.late_messages));
  if (auto left = mesh->leave(); !left) return say_failure(*mesh, left.error());
  return 0;
}

int join(const Arguments& arguments) {
  MeshOptions options;
  options.join_timeout = std::chrono::milliseconds(std::stoll(arguments.at(0)));
  const auto mesh = join_or_say(options);
  return !mesh ? 3 : mesh->leave() && mesh->leave() ? 0 : 4;
}

int idle(const Arguments& arguments) {
  const auto mesh = join_or_say();
  if (!mesh) return 3;
  if (auto done = mesh->barrier(); !done) return say_failure(*mesh, done.error());
  std::printf("idle %lld\n", monotonic_ms());
  const auto end = monotonic_ms() + std::stoll(arguments.at(0));
  while (monotonic_ms() < end) {
    if (const auto blame = mesh->last_failure(); blame.code != Code::none)
      return say_failure(*mesh, {blame.code, blame.detail});
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return 0;
}

int mismatch(const Arguments& arguments) {
  const auto& what = arguments.at(0);
  const auto mesh = join_or_say();
  if (!mesh) return 3;
  const bool odd = mesh->rank() == 1;
  std::vector<double> a(400'000, 1.0), b(400'000 * mesh->size());
  const std::size_t count = what == "large" ? 100'000 : 10;
  const auto call = [&]() -> Result<void> {
    if (!odd) return mesh->all_reduce(a.data(), b.data(), count, DataType::f64, ReduceOp::sum);
    if (what == "count" || what == "large")
      return mesh->all_reduce(a.data(), b.data(), count == 10 ? 300'000 : 10, DataType::f64,
                              ReduceOp::sum);
    if (what == "near")
      return mesh->all_reduce(a.data(), b.data(), 11, DataType::f64, ReduceOp::sum);
    if (what == "type")
      return mesh->all_reduce(a.data(), b.data(), count, DataType::i64, ReduceOp::sum);
    if (what == "reduction")
      return mesh->all_reduce(a.data(), b.data(), count, DataType::f64, ReduceOp::max);
    if (what == "zero")
      return mesh->all_reduce(a.data(), b.data(), 0, DataType::f64, ReduceOp::sum);
    if (what == "broadcast") return mesh->broadcast(a.data(), count, DataType::f64, 0);
    if (what == "root") return mesh->broadcast(a.data(), count, DataType::f64, 1);
    return mesh->barrier();
  };
  // A rank whose own call needs nobody may pass; it learns of it at the next one.
  auto done = call();
  for (int i = 0; done && i < 40; ++i) done = mesh->barrier();
  return done ? 4 : say_failure(*mesh, done.error());
}

int stop_after(const Arguments& arguments) {
  const auto who = static_cast<std::uint32_t>(std::stoul(arguments.at(0)));
  const auto& how = arguments.at(1);
  auto mesh = join_or_say();
  if (!mesh) return 3;
  std::vector<float> data(1'000);
  for (int i = 0; i < 10; ++i)
    if (auto done =
            mesh->all_reduce(data.data(), data.data(), data.size(), DataType::f32, ReduceOp::sum);
        !done)
      return say_failure(*mesh, done.error());
  if (mesh->rank() == who) {
    std::printf("goes %lld\n", monotonic_ms());
    if (how == "exit") _exit(0);
    if (how == "kill") ::kill(getpid(), SIGKILL);
    if (how == "leave") {
      (void)mesh->leave();
      return 0;
    }
    if (how == "early") {  // all others leave too: no failure
      if (auto left = mesh->leave(); !left) return say_failure(*mesh, left.error());
      return 0;
    }
  }
  if (how == "early") {
    std::this_thread::sleep_for(std::chrono::milliseconds(300));  // the others compute for a while
    if (auto left = mesh->leave(); !left) return say_failure(*mesh, left.error());
    return 0;
  }
  for (;;)
    if (auto done =
            mesh->all_reduce(data.data(), data.data(), data.size(), DataType::f32, ReduceOp::sum);
        !done)
      return say_failure(*mesh, done.error());
}

int play(const std::string& scenario, const Arguments& arguments) {
  static const std::map<std::string, int (*)(const Arguments&)> scenarios{
      {"collectives", collectives},
      {"started", started},
      {"threads", threads},
      {"every_kind", every_kind},
      {"steady", steady},
      {"mismatch", mismatch},
      {"repeat", repeat},
      {"until_file", until_file},
      {"idle", idle},
      {"join", join},
      {"stop_after", stop_after},
      {"speed", speed}};
  const auto found = scenarios.find(scenario);
  if (found == scenarios.end()) {
    std::fprintf(stderr, "no scenario '%s'\n", scenario.c_str());
    return 2;
  }
  return found->second(arguments);
}

}  // namespace weft::test
