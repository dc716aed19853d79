#include "transport/mesh/failures.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace weft::transport {
namespace {

Blame make_blame(Code code, std::uint32_t rank, std::string node, std::string detail) {
  Blame blame;
  blame.code = code;
  blame.rank = rank;
  blame.node_name = std::move(node);
  blame.detail = std::move(detail);
  return blame;
}

}  // namespace

Failures::Failures(std::uint32_t size, std::function<std::string(std::uint32_t)> node_of)
    : node_of_(std::move(node_of)), peers_(size) {}

void Failures::connection_broke(std::uint32_t rank, const std::string& what, std::int64_t now) {
  auto& peer = peers_[rank];
  if (peer.broke_at) return;
  peer.broke_at = now;
  peer.what = what;
  ++broken_count_;
}

void Failures::peer_ended(const Blame& who, std::int64_t now) {
  if (who.code != Code::none) return settle(who, Source::worker);
  if (who.rank >= peers_.size() || peers_[who.rank].left_at) return;
  peers_[who.rank].left_at = now;
  ++left_count_;
}

void Failures::stopped(const StopAttempt& stop) {
  if (stop.blame.code != Code::none) return settle(stop.blame, Source::worker);
  std::string detail = "the attempt is being stopped";
  if (!stop.blame.detail.empty()) detail += ": " + stop.blame.detail;
  settle(make_blame(Code::mesh_aborted, 0, {}, std::move(detail)), Source::worker);
}

void Failures::told(const Blame& blame) { settle(blame, Source::rank); }
void Failures::found(const Blame& blame) { settle(blame, Source::self); }

void Failures::settle(Blame blame, Source source) {
  if (first_) return;
  if (blame.node_name.empty() && blame.rank < peers_.size() && blame.code != Code::mesh_aborted)
    blame.node_name = node_of_(blame.rank);
  first_ = Verdict{std::move(blame), source, false};
}

std::optional<Failures::Verdict> Failures::verdict(std::int64_t now,
                                                   std::optional<std::int64_t> needed_since) const {
  if (first_) return first_;
  if (broken_count_ == 0 && left_count_ == 0) return std::nullopt;
  for (std::uint32_t rank = 0; rank < peers_.size(); ++rank) {
    const auto& peer = peers_[rank];
    if (peer.left_at) {
      if (!needed_since || now < std::max(*peer.left_at, *needed_since) + grace_ms) continue;
      return Verdict{make_blame(Code::peer_left, rank, node_of_(rank),
                                "it ended with exit code 0 while others still needed it"),
                     Source::self, true};
    }
    if (!peer.broke_at || now < *peer.broke_at + hold_ms) continue;
    const auto text = fmt::format(
        "the connection to it broke ({}) and no worker said why within {} ms", peer.what, hold_ms);
    return Verdict{make_blame(Code::peer_unreachable, rank, node_of_(rank), text), Source::self,
                   false};
  }
  return std::nullopt;
}

}  // namespace weft::transport
