// Operations, from the queue through the executor to the network.
#include "transport/mesh/engine.hpp"

#include <fmt/format.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/assert.hpp"

namespace weft::transport {
namespace {
constexpr std::int64_t close_ms = 2'000;  // for the second barrier of leave(), which may fail
}

Engine::Engine(const Launch& launch, const MeshOptions& options)
    : launch_(launch),
      options_(options),
      rendezvous_(launch.rank, launch.size),
      failures_(launch.size,
                [this](std::uint32_t rank) {
                  const auto& card = rendezvous_.card(rank);
                  return card ? card->node : launch_.node_of(rank);
                }),
      executor_(*this, tuning_),
      answered_(launch.size) {
  wake_fd_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  WEFT_ASSERT(wake_fd_ >= 0, "eventfd");
}

Engine::~Engine() {
  (void)leave();
  if (inbox_) inbox_->clear();
  network_.reset();
  ::close(wake_fd_);
}

Operation Engine::submit(const Call& call, const void* in, void* out) {
  auto operation = queue_.take_unused();
  operation->call = call;
  operation->in = in;
  operation->out = out;
  operation->engine = this;
  pending_.fetch_add(1);
  if (!queue_.push(operation)) pending_.fetch_sub(1);
  return operation;
}

Operation Engine::start(const Call& call, const void* in, void* out, bool blocking) {
  auto operation = submit(call, in, out);
  if (!blocking) wake_progress_thread();
  return operation;
}

// True when something moved.
bool Engine::step() {
  bool moved = network_ && network_->progress() > 0;
  moved |= run_operations();
  if (const auto now = now_ms(); now >= next_housekeeping_) {
    next_housekeeping_ = now + 1;
    housekeep(now);
  }
  return moved;
}

bool Engine::run_operations() {
  bool moved = false;
  while (!broken_.load(std::memory_order_relaxed) && !cut_short_) {
    if (!current_) {
      auto next = queue_.pop();
      if (!next) break;
      begin(std::move(next));
      moved = true;
    }
    moved |= executor_.advance();
    if (!executor_.done()) break;
    complete();
  }
  return moved;
}

void Engine::begin(Operation operation) {
  current_ = std::move(operation);
  const auto& call = current_->call;
  ++sequence_;
  started_at_ = now_ms();
  deadline_ = call.kind == Kind::join ? join_end_
              : closing_              ? started_at_ + close_ms
                                      : started_at_ + options_.operation_timeout.count();
  const bool synchronise = sequence_ % tuning_.synchronise_every == 0;
  executor_.start(
      make_plan(call, launch_.rank, launch_.size, synchronise, tuning_),
      header_of(call, launch_.attempt.value, launch_.generation, launch_.rank, sequence_),
      current_->in, current_->out);
  if (inbox_) inbox_->begin(sequence_, call);
}

void Engine::complete() {
  const auto operation = std::move(current_);
  current_ = nullptr;
  completed_.fetch_add(1, std::memory_order_relaxed);
  pending_.fetch_sub(1);
  finish(*operation);
  wake_sleepers();
}

// Ends a barrier of leave() that nobody needs any more. Its messages may be under way still.
void Engine::cut_short() {
  cut_short_ = true;
  inbox_->clear();
  complete();
}

Verdict Engine::arrived(const Arrival& arrival) {
  const auto& header = arrival.header;
  if (header.attempt != launch_.attempt.value || header.generation != launch_.generation ||
      header.source >= launch_.size) {
    stale_.fetch_add(1, std::memory_order_relaxed);
    return Verdict::taken;
  }
  if (header.channel == Channel::data) return inbox_->arrived(arrival);
  if (arrival.rendezvous) return Verdict::taken;  // control messages are sent whole
  switch (header.channel) {
    case Channel::card: card_arrived(arrival); break;
    case Channel::table: table_arrived(arrival); break;
    case Channel::abort: abort_arrived(arrival); break;
    case Channel::data: break;
  }
  return Verdict::taken;
}

// Both sides of a pair connect, so that either notices when the other dies.
void Engine::connect(std::uint32_t rank) {
  if (network_->connected(rank)) return;
  if (auto connected = network_->connect(rank, rendezvous_.address_of(rank)); !connected)
    peer_failed(rank, connected.error().detail.c_str());
}

void Engine::send(std::uint32_t to, Transfer& transfer, const void* data, std::size_t bytes) {
  connect(to);
  network_->send(to, transfer, data, bytes, bytes <= tuning_.small_bytes);
}

void Engine::receive(std::uint32_t from, std::uint64_t message, void* into, std::size_t bytes,
                     Transfer& transfer) {
  connect(from);
  inbox_->receive(from, message, into, bytes, transfer);
}

Blame Engine::last_failure() const {
  const std::lock_guard lock(failure_mutex_);
  return failure_;
}

MeshCounters Engine::counters() const {
  return {completed_.load(std::memory_order_relaxed), stale_.load(std::memory_order_relaxed),
          inbox_ ? inbox_->dropped() : 0};
}

std::string Engine::path_to(std::uint32_t rank) {
  const std::lock_guard lock(drive_);
  return network_ && rank < launch_.size ? network_->transports_of(rank) : std::string();
}

}  // namespace weft::transport
