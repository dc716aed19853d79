#include "benchmarks/interference/bench.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <sstream>
#include <thread>

#include "broker/fabric/model/generate.hpp"
#include "broker/shell/drivers/linux/namespaces.hpp"
#include "broker/shell/drivers/linux/places.hpp"
#include "tests/transport/gang.hpp"

namespace weft::bench {
namespace {

using namespace broker;
using fabric::Placed;

constexpr std::uint32_t victims[] = {0, 3, 4, 7}, neighbours[] = {1, 2, 5, 6};

Placed slice(std::uint64_t id, std::initializer_list<std::uint64_t> hosts, std::uint64_t up) {
  Placed out{id, {fabric::Shape::pod, 4, {}, {}}, 0};
  for (const std::uint64_t mask : hosts)
    out.cut.leaves.push_back({static_cast<std::uint32_t>(out.cut.leaves.size()), mask, up});
  return out;
}

LinkCounts less(LinkCounts after, const LinkCounts& before) {
  for (std::size_t i = 0; i < after.size(); ++i) {
    after[i].bytes_up -= before[i].bytes_up;
    after[i].bytes_down -= before[i].bytes_down;
    after[i].packets_up -= before[i].packets_up;
    after[i].packets_down -= before[i].packets_down;
  }
  return after;
}

void pause_ms(int ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); }

}  // namespace

const char* name_of(Case which) {
  switch (which) {
    case Case::alone: return "alone in its slice";
    case Case::shared_alone: return "alone on the shared fabric";
    case Case::shared: return "beside the neighbour, shared";
    case Case::slices: break;
  }
  return "beside the neighbour, slices";
}

int Bench::owner(const netns::LinkCount& link) {
  const auto& leaf = link.link.leaves.front();
  if (leaf.up != 0) return leaf.up == 1 ? 1 : 2;
  const std::uint32_t host = leaf.leaf * 2 + (leaf.hosts == 1 ? 0 : 1);
  for (const std::uint32_t v : victims)
    if (v == host) return 1;
  return 2;
}

Bench::Bench(const Flags& flags)
    : flags_(flags),
      tag_(fmt::format("b{}", getpid())),
      fabric_(fabric::generate({2, 4, 1, 2, 1}, 2)) {}

Result<std::unique_ptr<Bench>> Bench::open(const Flags& flags) {
  std::unique_ptr<Bench> out(new Bench(flags));
  netns::BuildOptions options;
  options.uplink_bits_per_second = flags.megabits * 1'000'000;
  if (auto built = netns::build(out->fabric_, out->tag_, options); !built)
    return tl::make_unexpected(built.error());
  auto driver = open_linux_driver(out->fabric_, out->tag_);
  if (!driver) return tl::make_unexpected(driver.error());
  out->driver_ = std::move(*driver);
  return out;
}

Bench::~Bench() {
  stop_noise();
  driver_.reset();
  if (auto gone = netns::demolish(tag_); !gone) fmt::print(stderr, "{}\n", to_string(gone.error()));
}

std::string Bench::address(std::uint32_t host) const {
  return netns::dotted(netns::Places(fabric_, tag_).address(host));
}

Result<void> Bench::program(bool shared) {
  if (programmed_ && shared_ == shared) return {};
  Transition target;
  target.epoch = Epoch{1};
  if (shared)
    target.slices = {netns::shared_fabric(fabric_, 3)};
  else
    target.slices = {slice(1, {0b01, 0b10, 0b01, 0b10}, 0b01),
                     slice(2, {0b10, 0b01, 0b10, 0b01}, 0b10)};
  for (const Placed& one : target.slices) target.fresh.push_back(one.slice);
  auto applied = driver_->apply(target);
  if (!applied) return tl::make_unexpected(applied.error());
  if (!applied->report.differences.empty())
    return fail(Code::internal, applied->report.differences.front().what);
  programmed_ = true;
  shared_ = shared;
  return {};
}

Result<void> Bench::start_noise() {
  std::vector<int> inputs, outputs;
  for (const std::uint32_t host : neighbours) {
    std::vector<std::string> words{"/proc/self/exe", "noise", netns::space_of_host(tag_, host),
                                   address(host)};
    for (const std::uint32_t peer : neighbours)
      if (peer != host) words.push_back(address(peer));
    std::vector<char*> argv;
    for (auto& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    int in[2], out[2];
    if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0)
      return fail(Code::os_error, "pipe");
    const pid_t pid = fork();
    if (pid == 0) {
      dup2(in[0], 0);
      dup2(out[1], 1);
      execv(argv[0], argv.data());
      _exit(127);
    }
    close(in[0]);
    close(out[1]);
    inputs.push_back(in[1]);
    outputs.push_back(out[0]);
    noise_.push_back(pid);
  }
  bool all = true;
  for (const int fd : outputs) {
    char word[16];
    all = all && read(fd, word, sizeof word) > 0;  // it listens
    close(fd);
  }
  for (const int fd : inputs) close(fd);
  if (!all) return fail(Code::os_error, "a noise process ended at its start");
  pause_ms(500);  // until its windows have opened
  return {};
}

void Bench::stop_noise() {
  for (const pid_t pid : noise_) kill(pid, SIGTERM);
  for (const pid_t pid : noise_) waitpid(pid, nullptr, 0);
  noise_.clear();
}

Result<LinkCounts> Bench::count() { return netns::count_links(fabric_, tag_); }

// Until no link has carried anything for a while.
Result<void> Bench::settle() {
  std::uint64_t last = 0;
  for (int quiet = 0, tries = 0; quiet < 3; ++tries) {
    auto links = count();
    if (!links) return tl::make_unexpected(links.error());
    std::uint64_t packets = 0;
    for (const auto& link : *links) packets += link.packets_up + link.packets_down;
    quiet = packets == last ? quiet + 1 : 0;
    last = packets;
    if (tries > 100) return fail(Code::timeout, "the links do not come to rest");
    pause_ms(100);
  }
  return {};
}

Result<Run> Bench::run(Case which) {
  const bool noisy = which == Case::shared || which == Case::slices;
  if (auto done = program(which == Case::shared || which == Case::shared_alone); !done)
    return tl::make_unexpected(done.error());
  if (auto quiet = settle(); !quiet) return tl::make_unexpected(quiet.error());
  if (noisy)
    if (auto started = start_noise(); !started) return tl::make_unexpected(started.error());
  auto before = count();
  if (!before) return tl::make_unexpected(before.error());
  test::Shape shape;
  shape.nodes = 4;
  shape.program = "weft-interference-bench";
  for (const std::uint32_t host : victims)
    shape.places.push_back({netns::space_of_host(tag_, host), address(host)});
  shape.environment["UCX_NET_DEVICES"] = "eth0";
  shape.environment["UCX_TLS"] = "tcp,self";  // all hosts are on one machine
  test::Gang gang(shape, {"rank", std::to_string(flags_.bytes), std::to_string(flags_.times)});
  const auto outcomes = gang.finish(100'000);
  auto after = count();
  stop_noise();
  if (!after) return tl::make_unexpected(after.error());
  for (const auto& outcome : outcomes)
    if (outcome.code != 0) return fail(Code::internal, "a rank failed: " + outcome.output);
  Run out{{}, less(std::move(*after), *before)};
  std::istringstream lines(outcomes[0].output);
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with("us ")) out.us.push_back(std::stod(line.substr(3)));
  return out;
}

Result<LinkCounts> Bench::neighbour_only(bool shared) {
  if (auto done = program(shared); !done) return tl::make_unexpected(done.error());
  if (auto quiet = settle(); !quiet) return tl::make_unexpected(quiet.error());
  auto before = count();
  if (!before) return before;
  if (auto started = start_noise(); !started) return tl::make_unexpected(started.error());
  pause_ms(1'000);
  auto after = count();
  stop_noise();
  if (!after) return after;
  return less(std::move(*after), *before);
}

}  // namespace weft::bench
