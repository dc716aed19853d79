#include "worker/core/environment.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace weft::worker {
namespace {

using Variables = std::map<std::string, std::string>;

void defaults(Variables& v, const Prepare& order, const Place& place) {
  v["PATH"] = place.path;
  v["HOME"] = place.home;
  v["LANG"] = "C.UTF-8";
  v["PYTHONUNBUFFERED"] = "1";  // so that a killed rank's last lines exist
  v["PYTHONFAULTHANDLER"] = "1";
  v["OMP_NUM_THREADS"] =
      fmt::format("{}", std::max(1U, place.cores / std::max(1U, order.spec.ranks_per_node)));
  v["NCCL_ASYNC_ERROR_HANDLING"] = v["TORCH_NCCL_ASYNC_ERROR_HANDLING"] = "1";
  if (place.net_device.empty()) return;
  v["GLOO_SOCKET_IFNAME"] = v["NCCL_SOCKET_IFNAME"] = place.net_device;
  // Which transports to use is the mesh's choice (transport/ucx); which network, the slice's.
  if (!place.rdma) v["UCX_NET_DEVICES"] = place.net_device;
}

// One entry a node: ranks are spread evenly over them, in order.
std::string hosts(const Prepare& order) {
  std::string out;
  for (const GangNode& node : order.gang) {
    if (!out.empty()) out += ',';
    out += node.node_name + "=" + node.address;
  }
  return out;
}

void contract(Variables& v, const Prepare& order, const Place& place) {
  const std::uint32_t per_node = order.spec.ranks_per_node;
  const auto nodes = static_cast<std::uint32_t>(order.gang.size());
  v["WORLD_SIZE"] = v["ROLE_WORLD_SIZE"] = fmt::format("{}", nodes * per_node);
  v["LOCAL_WORLD_SIZE"] = fmt::format("{}", per_node);
  v["MASTER_ADDR"] = order.gang.empty() ? std::string("127.0.0.1") : order.gang[0].address;
  v["MASTER_PORT"] = fmt::format("{}", master_port(order.attempt));
  v["GROUP_RANK"] = fmt::format("{}", order.node_index);
  v["GROUP_WORLD_SIZE"] = fmt::format("{}", nodes);
  v["ROLE_NAME"] = "default";
  v["TORCHELASTIC_RUN_ID"] = v["WEFT_JOB_ID"] = fmt::format("{}", order.job.value);
  v["TORCHELASTIC_RESTART_COUNT"] = fmt::format("{}", order.restarts);
  v["TORCHELASTIC_MAX_RESTARTS"] = fmt::format("{}", order.spec.restart.max);
  v["TORCHELASTIC_USE_AGENT_STORE"] = "False";  // rank 0 hosts the store
  v["WEFT_ATTEMPT"] = fmt::format("{}", order.attempt.value);
  v["WEFT_ATTEMPT_NUMBER"] = fmt::format("{}", order.attempt_number);
  v["WEFT_GENERATION"] = fmt::format("{}", order.generation);
  v["WEFT_RESUME"] = order.attempt_number > 1 ? "1" : "0";
  v["WEFT_WORKER"] = place.worker_socket;
  v["WEFT_NODE"] =
      order.node_index < nodes ? order.gang[order.node_index].node_name : std::string();
  v["WEFT_RANK_HOSTS"] = hosts(order);
  v["WEFT_CKPT_DIR"] =
      order.spec.checkpoint_dir.empty() ? place.job_dir : order.spec.checkpoint_dir;
  v["WEFT_NOTICE_FILE"] = place.attempt_dir + "/notice";
  v["WEFT_JOB_DIR"] = place.job_dir;
}

Variables common(const Prepare& order, const Place& place) {
  Variables v;
  defaults(v, order, place);
  for (const KeyValue& own : order.spec.env) v[own.name] = own.value;
  contract(v, order, place);
  return v;
}

std::vector<std::string> flat(const Variables& v) {
  std::vector<std::string> out;
  out.reserve(v.size());
  for (const auto& [name, value] : v) out.push_back(name + "=" + value);
  return out;
}

}  // namespace

std::uint16_t master_port(AttemptId attempt) {
  return static_cast<std::uint16_t>(12'000 + attempt.value % 20'000);
}

std::vector<std::string> rank_environment(const Prepare& order, const Place& place,
                                          std::uint32_t local_rank) {
  Variables v = common(order, place);
  const std::uint32_t rank = order.node_index * order.spec.ranks_per_node + local_rank;
  v["RANK"] = v["ROLE_RANK"] = fmt::format("{}", rank);
  v["LOCAL_RANK"] = fmt::format("{}", local_rank);
  v["TORCHELASTIC_ERROR_FILE"] = fmt::format("{}/rank-{}.error.json", place.attempt_dir, rank);
  return flat(v);
}

std::vector<std::string> setup_environment(const Prepare& order, const Place& place) {
  return flat(common(order, place));
}

}  // namespace weft::worker
