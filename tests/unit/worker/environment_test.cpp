// The launch contract: what a rank finds in its environment.
#include "worker/core/environment.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "drive.hpp"

namespace weft::worker {
namespace {

Place place() {
  Place p;
  p.worker_socket = "/run/w.sock";
  p.attempt_dir = "/s/attempts/1";
  p.job_dir = "/jobs/101";
  p.path = "/usr/bin";
  p.home = "/jobs/101";
  p.net_device = "eth3";
  p.cores = 9;
  return p;
}

std::map<std::string, std::string> variables(const std::vector<std::string>& list) {
  std::map<std::string, std::string> out;
  for (const std::string& v : list)
    EXPECT_TRUE(out.emplace(v.substr(0, v.find('=')), v.substr(v.find('=') + 1)).second)
        << "twice: " << v;
  return out;
}

TEST(Environment, HoldsTheContract) {
  Prepare p = prepare(1, 3, 2, 1);
  p.attempt_number = 4;
  p.restarts = 2;
  p.generation = 5;
  const auto v = variables(rank_environment(p, place(), 1));
  const std::pair<const char*, const char*> rows[] = {
      {"RANK", "3"},
      {"LOCAL_RANK", "1"},
      {"WORLD_SIZE", "6"},
      {"LOCAL_WORLD_SIZE", "2"},
      {"MASTER_ADDR", "10.0.0.1"},
      {"MASTER_PORT", "12001"},
      {"GROUP_RANK", "1"},
      {"GROUP_WORLD_SIZE", "3"},
      {"ROLE_RANK", "3"},
      {"ROLE_WORLD_SIZE", "6"},
      {"ROLE_NAME", "default"},
      {"TORCHELASTIC_RUN_ID", "101"},
      {"TORCHELASTIC_RESTART_COUNT", "2"},
      {"TORCHELASTIC_MAX_RESTARTS", "3"},
      {"TORCHELASTIC_USE_AGENT_STORE", "False"},
      {"TORCHELASTIC_ERROR_FILE", "/s/attempts/1/rank-3.error.json"},
      {"OMP_NUM_THREADS", "4"},
      {"PYTHONUNBUFFERED", "1"},
      {"WEFT_JOB_ID", "101"},
      {"WEFT_ATTEMPT", "1"},
      {"WEFT_GENERATION", "5"},
      {"WEFT_RESUME", "1"},
      {"WEFT_WORKER", "/run/w.sock"},
      {"WEFT_NODE", "n1"},
      {"WEFT_CKPT_DIR", "/jobs/101"},
      {"WEFT_RANK_HOSTS", "n0=10.0.0.1,n1=10.0.0.2,n2=10.0.0.3"},
      {"WEFT_NOTICE_FILE", "/s/attempts/1/notice"},
      {"UCX_NET_DEVICES", "eth3"},
      {"GLOO_SOCKET_IFNAME", "eth3"},
      {"NCCL_SOCKET_IFNAME", "eth3"},
      {"PATH", "/usr/bin"},
      {"HOME", "/jobs/101"},
  };
  for (const auto& [name, value] : rows) {
    const auto found = v.find(name);
    ASSERT_NE(v.end(), found) << name;
    EXPECT_EQ(value, found->second) << name;
  }
  EXPECT_EQ("0", variables(rank_environment(prepare(1), place(), 0)).at("WEFT_RESUME"));
}

TEST(Environment, TheJobMayOverwriteDefaultsButNotTheContract) {
  Prepare p = prepare(1);
  p.spec.env = {{"OMP_NUM_THREADS", "1"},
                {"PATH", "/opt/bin"},
                {"RANK", "77"},
                {"WEFT_WORKER", "/evil"},
                {"MINE", "a=b"}};
  p.spec.checkpoint_dir = "/mnt/ckpt";
  const auto v = variables(rank_environment(p, place(), 0));
  EXPECT_EQ("1", v.at("OMP_NUM_THREADS"));
  EXPECT_EQ("/opt/bin", v.at("PATH"));
  EXPECT_EQ("0", v.at("RANK"));
  EXPECT_EQ("/run/w.sock", v.at("WEFT_WORKER"));
  EXPECT_EQ("a=b", v.at("MINE"));
  EXPECT_EQ("/mnt/ckpt", v.at("WEFT_CKPT_DIR"));
}

TEST(Environment, RdmaLeavesTheChoiceOfDeviceToUcx) {
  Place p = place();
  p.rdma = true;
  EXPECT_FALSE(variables(rank_environment(prepare(1), p, 0)).contains("UCX_NET_DEVICES"));
}

TEST(Environment, SetupHasNoRank) {
  const auto v = variables(setup_environment(prepare(1), place()));
  EXPECT_FALSE(v.contains("RANK"));
  EXPECT_EQ("101", v.at("WEFT_JOB_ID"));
}

TEST(Environment, PortsOfNeighbouringAttemptsDifferAndAreNotEphemeral) {
  for (std::uint64_t id : {1ULL, 19'999ULL, 20'000ULL, 1ULL << 40}) {
    EXPECT_NE(master_port({id}), master_port({id + 1}));
    EXPECT_GE(master_port({id}), 12'000);
    EXPECT_LT(master_port({id}), 32'768);
  }
}

}  // namespace
}  // namespace weft::worker
