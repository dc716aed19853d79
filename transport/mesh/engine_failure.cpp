// What goes on beside the operations: the worker's word, deadlines, broken peers, progress reports.
#include <fmt/format.h>

#include "base/log.hpp"
#include "schemas/codec.hpp"
#include "transport/mesh/engine.hpp"

namespace weft::transport {
namespace {

constexpr std::int64_t answer_ms = 250;    // for others to say that they know of the failure
constexpr std::int64_t progress_ms = 100;  // at most ten reports a second

}  // namespace

Blame Engine::blame_for(Code code, std::uint32_t rank, std::string detail) const {
  Blame blame;
  blame.code = code;
  blame.rank = rank;
  blame.node_name = launch_.node_of(rank);
  blame.detail = std::move(detail);
  return blame;
}

void Engine::housekeep(std::int64_t now) {
  if (link_) {
    link_->tick(now);
    while (auto heard = link_->hear()) hear(*heard, now);
  }
  if (!broken_) look_for_trouble(now);
  if (progress_waits_) flush_progress(now);
}

void Engine::hear(const RankHearsBody& body, std::int64_t now) {
  if (const auto* seed = std::get_if<MeshSeed>(&body)) {
    if (seed->attempt == launch_.attempt && seed->generation == launch_.generation)
      seed_ = seed->address;
  } else if (const auto* ended = std::get_if<PeerEnded>(&body)) {
    if (ended->attempt == launch_.attempt) failures_.peer_ended(ended->who, now);
  } else if (const auto* stop = std::get_if<StopAttempt>(&body)) {
    if (stop->attempt == launch_.attempt) failures_.stopped(*stop);
  }
}

void Engine::look_for_trouble(std::int64_t now) {
  if (inbox_ && inbox_->mismatch()) found_mismatch(*inbox_->mismatch());
  if (inbox_ && inbox_->flooder())
    failures_.found(blame_for(Code::op_mismatch, *inbox_->flooder(),
                              "it sent messages further ahead than the rank protocol allows"));
  if (current_)
    if (const auto rank = executor_.failed_peer())
      failures_.connection_broke(*rank, "a transfer failed", now);
  const bool leaving = current_ && current_->call.kind == Kind::leave;
  if (current_ && now >= deadline_) {
    if (leaving && closing_) return cut_short();
    const auto rank = executor_.waits_for();
    const auto joining = current_->call.kind == Kind::join;
    failures_.found(
        blame_for(joining ? Code::mesh_rendezvous : Code::op_timeout, rank,
                  fmt::format("nothing came from it for {} ms in {} (operation {})",
                              now - started_at_, to_string(current_->call), sequence_)));
  }
  if (!failures_.suspicious()) return;
  if (closing_) {
    if (leaving) cut_short();
    return;
  }
  const auto needed = current_ ? std::optional(started_at_) : std::nullopt;
  const auto verdict = failures_.verdict(now, needed);
  if (!verdict) return;
  if (leaving && verdict->ended_well) return cut_short();
  break_mesh(*verdict);
}

void Engine::found_mismatch(const Inbox::Mismatch& m) {
  const auto both = fmt::format("operation {}: rank {} called {}, rank {} called {}", m.sequence,
                                m.source, to_string(m.theirs), launch_.rank, to_string(m.mine));
  const bool they_left = m.theirs.kind == Kind::leave, i_left = m.mine.kind == Kind::leave;
  if (they_left != i_left)
    return failures_.found(blame_for(Code::peer_left, they_left ? m.source : launch_.rank,
                                     "it left the mesh while others still needed it: " + both));
  failures_.found(blame_for(Code::op_mismatch, m.source,
                            both + "; all ranks must call the same operations in the same order"));
}

void Engine::peer_failed(std::uint32_t rank, const char* what) {
  failures_.connection_broke(rank, what, now_ms());
}

Error Engine::error_of(const Blame& blame) const {
  std::string detail = blame.detail;
  if (blame.code != Code::mesh_aborted && blame.code != Code::mesh_rendezvous)
    detail = fmt::format("rank {}{}: {}", blame.rank,
                         blame.node_name.empty() ? "" : fmt::format(" ({})", blame.node_name),
                         blame.detail.empty() ? to_string(blame.code) : blame.detail);
  if (current_)
    detail += fmt::format(" [in {}, operation {}]", to_string(current_->call), sequence_);
  return {blame.code, detail};
}

// From here on nothing runs and nothing of the user's memory is touched any more.
void Engine::break_mesh(const Failures::Verdict& verdict) {
  const auto& blame = verdict.blame;
  const auto error = error_of(blame);
  {
    const std::lock_guard lock(failure_mutex_);
    failure_ = blame;
  }
  broken_ = true;
  if (verdict.source == Failures::Source::self && link_)
    link_->say(RankBlames{launch_.attempt, launch_.generation, launch_.rank, blame.rank, blame.code,
                          blame.detail.substr(0, limits::text_bytes_max)},
               true);
  if (network_) {
    inbox_->clear();
    tell_others(blame);
    network_->close_all(false, 300);
    for (const auto end = now_ms() + 100; !executor_.quiet() && now_ms() < end;)
      network_->progress();
    inbox_->clear();
    if (!executor_.quiet())
      log::warn("a transfer is still under way after the mesh broke: {}", error.detail);
  }
  if (current_) {
    pending_.fetch_sub(1);
    finish(*current_, error);
    current_ = nullptr;
  }
  pending_.fetch_sub(queue_.shut(error));
  wake_sleepers();
}

// Every rank tells those that it is connected to, and waits a little for them to tell it: a
// connection closed before its other end knows why would make this rank look like the culprit.
void Engine::tell_others(const Blame& blame) {
  auto header = header_of({}, launch_.attempt.value, launch_.generation, launch_.rank, 0);
  header.channel = Channel::abort;
  Envelope envelope;
  envelope.body = RankHears{PeerEnded{launch_.attempt, blame}};
  const auto bytes = encode(envelope);
  // While joining, rank 0 has heard from ranks to which it has no connection yet.
  for (std::uint32_t rank = 1; !joined_ && launch_.rank == 0 && rank < launch_.size; ++rank)
    if (rendezvous_.card(rank)) connect(rank);
  for (std::uint32_t rank = 0; rank < launch_.size; ++rank)
    if (network_->connected(rank)) network_->post(rank, header, bytes);
  const auto waiting = [this] {
    for (std::uint32_t rank = 0; rank < launch_.size; ++rank)
      if (network_->connected(rank) && !answered_[rank]) return true;
    return network_->posts_pending() > 0;
  };
  for (const auto end = now_ms() + answer_ms; waiting() && now_ms() < end;)
    if (network_->progress() == 0) std::this_thread::yield();
}

void Engine::abort_arrived(const Arrival& arrival) {
  answered_[arrival.header.source] = true;
  const auto* bytes = static_cast<const std::uint8_t*>(arrival.data);
  const auto envelope = decode_envelope({bytes, arrival.bytes});
  if (!envelope) return;
  const auto* hears = std::get_if<RankHears>(&envelope->body);
  const auto* ended = hears == nullptr ? nullptr : std::get_if<PeerEnded>(&hears->body);
  if (ended != nullptr && ended->who.code != Code::none) failures_.told(ended->who);
}

void Engine::report_progress(std::uint64_t step, std::string_view text) {
  {
    const std::lock_guard lock(progress_mutex_);
    progress_ = {launch_.attempt, launch_.rank, step, std::string(text.substr(0, 255))};
    progress_waits_ = true;
    if (now_ms() < progress_next_) return;
  }
  flush_progress(now_ms());
}

void Engine::flush_progress(std::int64_t now) {
  const std::lock_guard lock(progress_mutex_);
  if (!progress_waits_ || now < progress_next_) return;
  progress_next_ = now + progress_ms;
  progress_waits_ = false;
  link_->say(progress_, false);
}

}  // namespace weft::transport
