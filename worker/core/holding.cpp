#include "worker/core/holding.hpp"

#include <fmt/format.h>

namespace weft::worker {

Holding to_holding(const Held& held) {
  Holding out;
  out.attempt = held.id();
  out.released = held.released;
  out.gone = held.gone;
  out.seed = held.seed_is_ours ? held.seed : std::vector<std::uint8_t>{};
  for (std::uint32_t i = 0; i < held.order.spec.ranks_per_node; ++i) {
    RankReport report;
    report.rank = held.first_rank() + i;
    if (const auto found = held.ended.find(report.rank); found != held.ended.end()) {
      report.ended = true;
      report.end = found->second;
    }
    out.ranks.push_back(std::move(report));
  }
  return out;
}

std::vector<ReportBody> open_reports(const Held& held, bool joined) {
  std::vector<ReportBody> out;
  const bool answered = held.released || held.go_asked || held.stopping;
  if (held.known && !answered && (held.prepared || held.code != Code::none))
    out.push_back(Prepared{held.id(), held.code, held.detail});
  if (!joined)
    for (const auto& [rank, end] : held.ended) out.push_back(RankGone{held.id(), end});
  if (held.seed_is_ours && !held.alone() && !held.seed_heard && !held.gone && !joined)
    out.push_back(MeshSeed{held.id(), held.order.generation, held.seed});
  if (held.gone) out.push_back(AttemptGone{held.id()});
  return out;
}

Blame blame_of(const RankEnd& end, const std::string& node_name, NodeId node) {
  Blame blame;
  blame.rank = end.rank;
  blame.node = node;
  blame.node_name = node_name;
  blame.status = end.status;
  blame.last_lines = end.last_lines;
  switch (end.state) {
    case RankState::exited:
      blame.code = end.status == 0 ? Code::none : Code::peer_exit;
      blame.detail =
          fmt::format("rank {} ({}) ended with exit code {}", end.rank, node_name, end.status);
      break;
    case RankState::killed:
    case RankState::stopped:
      blame.code = end.out_of_memory ? Code::peer_oom : Code::peer_killed;
      blame.detail = fmt::format("rank {} ({}) was killed by signal {}{}", end.rank, node_name,
                                 end.status, end.out_of_memory ? ", out of memory" : "");
      break;
    case RankState::not_started:
      blame.code = Code::launch_exec;
      blame.detail = fmt::format("rank {} ({}) could not be started", end.rank, node_name);
      break;
    default:
      blame.code = Code::peer_killed;
      blame.detail =
          fmt::format("rank {} ({}) is gone, its exit status is lost", end.rank, node_name);
      break;
  }
  return blame;
}

}  // namespace weft::worker
