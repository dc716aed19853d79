#include "broker/jobs/blame.hpp"

#include <fmt/format.h>

namespace weft::broker::jobs {
namespace {
int strength(const Blame& b) {
  switch (b.code) {
    case Code::peer_oom: return 4;
    case Code::peer_killed:
    case Code::peer_left:
      return 3;  // judged from what its peers say: their own exits follow from it
    case Code::peer_exit: return 2;
    case Code::none: return 0;
    default: return 1;
  }
}
}  // namespace

bool bad(const RankEnd& end) { return end.state != RankState::exited || end.status != 0; }

Blame blame_for(const RankEnd& end, const Node& node) {
  Blame b;
  b.rank = end.rank;
  b.node = node.id;
  b.node_name = node.name;
  b.status = end.status;
  b.last_lines = end.last_lines;
  b.detail = fmt::format("worker of {}: {}", node.name, sentence(end));
  switch (end.state) {
    case RankState::killed: b.code = end.out_of_memory ? Code::peer_oom : Code::peer_killed; break;
    case RankState::left_early: b.code = Code::peer_left; break;
    case RankState::not_started: b.code = Code::launch_exec; break;
    case RankState::lost: b.code = Code::worker_lost; break;
    default: b.code = Code::peer_exit; break;
  }
  return b;
}

Blame blame_for_silence(const Node& node, std::uint32_t first_rank, Code code, std::string detail) {
  Blame b;
  b.code = code;
  b.rank = first_rank;
  b.node = node.id;
  b.node_name = node.name;
  b.detail = std::move(detail);
  return b;
}

bool explains_better(const Blame& later, const Blame& first) {
  return strength(later) > strength(first);
}

int exit_code_of(const Blame& b) {
  switch (b.code) {
    case Code::peer_exit: return b.status != 0 ? b.status : 1;
    case Code::peer_killed:
    case Code::peer_oom: return 128 + b.status;
    case Code::launch_exec: return b.status != 0 ? b.status : 127;
    case Code::peer_left:  // it exited 0, but its peers needed it
    case Code::peer_unreachable:
    case Code::op_mismatch:
    case Code::op_timeout:
    case Code::op_argument:
    case Code::mesh_rendezvous:
    case Code::mesh_stale:
    case Code::mesh_aborted: return 1;
    default: return exit_weft_failed;
  }
}

std::string sentence(const RankEnd& end) {
  switch (end.state) {
    case RankState::running: return "runs";
    case RankState::exited: return fmt::format("exited with {}", end.status);
    case RankState::killed:
      return end.out_of_memory ? fmt::format("was killed for memory (signal {})", end.status)
                               : fmt::format("was killed by signal {}", end.status);
    case RankState::left_early: return "exited with 0 while others still needed it (left early)";
    case RankState::not_started: return fmt::format("could not be started ({})", end.status);
    case RankState::lost: return "was lost with its node";
    case RankState::stopped: return "was stopped";
  }
  return "ended";
}

std::string sentence(const Blame& b) {
  const auto rank = fmt::format("rank {} ({})", b.rank, b.node_name);
  switch (b.code) {
    case Code::none: return "nobody is to blame";
    case Code::slice_differs: return "its slice is not what was asked for: " + b.detail;
    case Code::slice_slow: return "its slice is too slow: " + b.detail;
    case Code::slice_late:
    case Code::fabric_link_down: return b.detail;
    case Code::peer_exit: return fmt::format("{} exited with {}", rank, b.status);
    case Code::peer_killed: return fmt::format("{} was killed by signal {}", rank, b.status);
    case Code::peer_oom: return fmt::format("{} was killed for memory (signal {})", rank, b.status);
    case Code::peer_left:
      return fmt::format("{} left early: it exited with 0 while others needed it", rank);
    case Code::node_silent:
    case Code::worker_lost: return fmt::format("node {} was lost: {}", b.node_name, b.detail);
    case Code::launch_exec: return fmt::format("{} could not be started: {}", rank, b.detail);
    case Code::launch_refused:
    case Code::launch_timeout:
    case Code::launch_workdir:
      return fmt::format("node {} could not launch: {}", b.node_name, b.detail);
    default: return fmt::format("{}: {}: {}", rank, to_string(b.code), b.detail);
  }
}

}  // namespace weft::broker::jobs
