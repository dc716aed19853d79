// What a weft-worker was told on its command line, and the places that follow from it.
#pragma once
#include <sys/types.h>

#include <string>

#include "base/ids.hpp"
#include "base/result.hpp"

namespace weft::worker {

struct Options {
  std::string state;       // this worker's own directory, absolute
  std::string connection;  // connection.yaml of the broker
  std::string key;         // default: STATE/worker.key
  std::string name;        // node name
  std::string address;     // for ranks of other nodes; empty: the one that reaches the broker
  std::string job_root;    // jobs' own directories; default: STATE/jobs
  std::string socket;      // for ranks; default: STATE/worker.sock
  std::int64_t job_uid_base = 1'900'000'000;  // job J runs as uid base + J % 100,000,000, when root
  bool trust_workdir = false;                 // the customer is the operator
  bool use_cgroups = true;
  std::string cgroup_parent;  // derived; empty: none
  bool job_users = false;     // derived: we are root, ranks are not
  std::string net_device;     // derived: the interface of `address`
  bool rdma = false;          // derived

  std::string attempts() const { return state + "/attempts"; }
  std::string attempt_dir(AttemptId id) const {
    return attempts() + "/" + std::to_string(id.value);
  }
  uid_t job_uid(JobId job) const {
    return static_cast<uid_t>(job_uid_base + static_cast<std::int64_t>(job.value % 100'000'000));
  }
};

}  // namespace weft::worker
