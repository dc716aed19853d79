// Joining and leaving.
#include <fmt/format.h>

#include <cstring>

#include "transport/mesh/engine.hpp"

namespace weft::transport {
namespace {

constexpr unsigned spins_alone = 2'000, spins_crowded = 20;  // polls before the first yield
constexpr std::int64_t tell_ms =
    1'000;  // others wait so much longer for rank 0's word on who is missing

std::string own_node(const Launch& launch) {
  auto name = launch.node_of(launch.rank);
  return name.empty() ? "this-host" : name;
}

}  // namespace

Result<std::unique_ptr<Engine>> Engine::join(const Launch& launch, const MeshOptions& options) {
  auto engine = std::unique_ptr<Engine>(new Engine(launch, options));
  if (auto opened = engine->open(); !opened) return tl::make_unexpected(opened.error());
  if (launch.size > 1)
    if (auto met = engine->meet(); !met) return tl::make_unexpected(met.error());
  engine->joined_ = true;
  engine->progress_thread_ = std::thread([raw = engine.get()] { raw->watch(); });
  return engine;
}

Result<void> Engine::open() {
  RankHello hello;
  hello.attempt = launch_.attempt;
  hello.generation = launch_.generation;
  hello.rank = launch_.rank;
  if (launch_.size > 1) {
    auto network = Network::open(*this, launch_.size, fmt::format("weft-rank-{}", launch_.rank),
                                 interface_with(launch_.address_of(launch_.rank)));
    if (!network) return tl::make_unexpected(network.error());
    network_ = std::move(*network);
    inbox_ = std::make_unique<Inbox>(*network_, launch_.size, tuning_);
    auto near = network_->address(false), far = network_->address(true);
    if (!near) return tl::make_unexpected(near.error());
    if (!far) return tl::make_unexpected(far.error());
    const Card card{place_of_this_process(), own_node(launch_), digest_of(tuning_), *near, *far};
    auto bytes = encode(card);
    if (!bytes) return tl::make_unexpected(bytes.error());
    if (auto added = rendezvous_.add(launch_.rank, *bytes); !added) return added;
    hello.address = std::move(*bytes);
  }
  link_ = std::make_unique<WorkerLink>(launch_.worker_socket, std::move(hello));
  link_->tick(now_ms());
  return {};
}

Result<void> Engine::meet() {
  join_end_ = now_ms() + options_.join_timeout.count();
  const bool first = launch_.rank == 0;
  const auto mine = [this](Channel channel) {
    auto header = header_of({}, launch_.attempt.value, launch_.generation, launch_.rank, 0);
    header.channel = channel;
    return header;
  };
  if (!first) {
    if (auto met = meet_until(join_end_, [this] { return !seed_.empty(); }); !met) return met;
    if (auto added = rendezvous_.add(0, seed_); !added) return added;
    connect(0);
    network_->post(0, mine(Channel::card), *encode(*rendezvous_.card(launch_.rank)));
  }
  if (auto met =
          meet_until(join_end_ + (first ? 0 : tell_ms), [this] { return rendezvous_.complete(); });
      !met)
    return met;
  if (first) {
    const auto table = rendezvous_.table();
    for (std::uint32_t rank = 1; rank < launch_.size; ++rank) {
      connect(rank);
      network_->post(rank, mine(Channel::table), table);
    }
  }
  const bool crowded = rendezvous_.ranks_on_this_host() >= usable_processors();
  spins_ = crowded ? spins_crowded : spins_alone;
  // All know all once this barrier is through.
  const auto barrier = submit({.kind = Kind::join}, nullptr, nullptr);
  return wait(*barrier);
}

Result<void> Engine::meet_until(std::int64_t end, const std::function<bool()>& met) {
  std::unique_lock lock(drive_);
  while (!met()) {
    if (broken_) return tl::make_unexpected(error_of(last_failure()));
    if (trouble_.empty() && now_ms() >= end) trouble_ = join_timeout();
    if (!trouble_.empty()) {
      failures_.found(blame_for(Code::mesh_rendezvous, launch_.rank, trouble_));
      look_for_trouble(now_ms());
      return fail(Code::mesh_rendezvous, trouble_);
    }
    if (!step() && !met()) sleep_until_event(lock, 20);
  }
  return {};
}

std::string Engine::join_timeout() const {
  const auto waited = options_.join_timeout.count();
  if (launch_.rank == 0)
    return fmt::format(
        "{} did not join within {} ms: see what they wait for with `weft logs --rank R`",
        rendezvous_.missing(), waited);
  if (!seed_.empty())
    return fmt::format("rank 0 did not send the table of ranks within {} ms", waited);
  const auto line = link_->fd() >= 0 ? std::string("rank 0 has not said hello to its worker")
                                     : fmt::format("no line to the worker at '{}' ({})",
                                                   launch_.worker_socket, link_->trouble());
  return fmt::format("the address of rank 0 of {} did not arrive within {} ms: {}", launch_.size,
                     waited, line);
}

void Engine::card_arrived(const Arrival& arrival) {
  if (launch_.rank != 0) return;
  const auto* bytes = static_cast<const std::uint8_t*>(arrival.data);
  if (auto added = rendezvous_.add(arrival.header.source, {bytes, arrival.bytes}); !added)
    trouble_ = added.error().detail;
}

void Engine::table_arrived(const Arrival& arrival) {
  if (arrival.header.source != 0 || rendezvous_.complete()) return;
  const auto* bytes = static_cast<const std::uint8_t*>(arrival.data);
  if (auto read = rendezvous_.read_table({bytes, arrival.bytes}); !read)
    trouble_ = read.error().detail;
}

// Two barriers. After the first everybody knows that nobody needs anybody any more, so an ending
// during the second is no failure; after the second nobody can still be in the first.
Result<void> Engine::leave() {
  const std::lock_guard lock(leave_mutex_);
  if (left_) return leave_result_;
  left_ = true;
  if (joined_) {
    leave_result_ = wait(*submit({.kind = Kind::leave}, nullptr, nullptr));
    if (leave_result_) {
      {
        const std::lock_guard drive(drive_);
        closing_ = true;
      }
      if (!cut_short_ && launch_.size > 1)
        (void)wait(*submit({.kind = Kind::leave}, nullptr, nullptr));
      link_->say(RankBye{}, false);
    }
    stop_ = true;
    wake_progress_thread();
    progress_thread_.join();
  }
  const std::lock_guard drive(drive_);
  queue_.shut({Code::mesh_aborted, "this rank has left the mesh"});
  if (network_) {
    network_->close_all(!broken_, 1'000);
    if (!joined_) {
      if (inbox_) inbox_->clear();
      network_->abandon();
      network_.reset();
    }
  }
  return leave_result_;
}

}  // namespace weft::transport
