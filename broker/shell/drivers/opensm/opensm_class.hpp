// The class behind open_opensm(). Thread: one.
#pragma once
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "broker/fabric/opensm/partitions.hpp"
#include "broker/fabric/opensm/tables.hpp"
#include "broker/shell/drivers/opensm/manager.hpp"
#include "broker/shell/drivers/opensm/opensm_driver.hpp"
#include "broker/shell/drivers/opensm/reader.hpp"

namespace weft::broker {

struct OpenSmPlan {  // what a transition wants of the fabric
  Epoch epoch;
  std::vector<fabric::Placed> slices;
  fabric::Masks usable;  // links and hosts that work
  fabric::Tables tables;
  std::vector<std::uint16_t> key_of;  // by host: of its slice, 0: none
  std::string table_text;             // empty: the tables are in place already
  std::string partition_text;
  // Only the members that stay: set where something changes hands and so must be free in between.
  std::optional<std::string> between_text;
  std::vector<std::uint16_t> key_between;
};

struct FileMark {  // whether a file is still the one that was written
  std::uint64_t inode = 0, bytes = 0;
  std::int64_t changed_ns = 0;
  bool operator==(const FileMark&) const = default;
};
FileMark mark_of(const std::string& path);  // all 0: not there

struct ReadScope {  // what of the fabric concerns some slices
  std::set<TableBlock> blocks;
  std::set<KeyPort> ports;
};

class OpenSmDriver final : public Driver {
 public:
  // The reader looks at the same fabric and port.
  OpenSmDriver(std::unique_ptr<const fabric::Fabric> fabric, OpenSmOptions options,
               std::unique_ptr<SmpPort> port, FabricReader reader);

  std::string_view name() const override { return "opensm"; }
  Isolation isolation() const override { return Isolation::enforced; }
  Result<Applied> apply(const Transition& target) override;
  Result<Applied> verify(std::span<const std::uint64_t> slices) override;
  Result<std::vector<FabricEvent>> watch(Duration patience) override;

  Result<void> learn_files();  // what an earlier broker has left in the folder
  // To read beside the driver: libumad2sim gives all answers to the port that was opened last.
  SmpPort& port() { return *port_; }
  // Position of a slice's P_Key in a host's table now: it moves, so it is looked up by value.
  int key_index(std::uint32_t host, std::uint16_t key) { return reader_.key_index(host, key); }

 private:
  using Clock = std::chrono::steady_clock;
  using Differences = std::vector<fabric::Difference>;

  // Planning (opensm_plan.cpp)
  Result<OpenSmPlan> plan(const Transition& target);
  Result<void> plan_tables(OpenSmPlan& plan);
  Result<void> plan_partitions(OpenSmPlan& plan);
  bool changes_hands(const OpenSmPlan& plan) const;
  void learn_keys();
  void find_manager_host();
  std::vector<std::size_t> concerned(const OpenSmPlan& plan, const Transition& target) const;
  ReadScope scope(std::span<const fabric::Placed> slices, std::span<const std::size_t> which) const;

  // Bringing it about (opensm_apply.cpp)
  void take_over(const OpenSmPlan& plan);
  Result<Differences> reach(OpenSmPlan& plan, const ReadScope& scope, bool between);
  Result<void> write(OpenSmPlan& plan, bool between, bool again);
  Result<Differences> free_what_leaves(OpenSmPlan& plan);
  Differences settle(const OpenSmPlan& plan, const ReadScope& scope, bool between);
  Differences compare(const OpenSmPlan& plan, const ReadScope& scope, bool between,
                      ReadScope& different);

  // Checking (opensm_verify.cpp)
  fabric::VerifyReport check(std::span<const std::size_t> wanted, Phases& phases);
  void check_keys(std::vector<std::vector<std::uint16_t>>& keys, Differences& out);
  void check_links(std::span<const std::size_t> wanted, Differences& out);
  void check_lids(std::span<const std::size_t> wanted, Differences& out);
  void check_paths(std::span<const std::size_t> wanted, fabric::VerifyReport& out);
  std::string moved_since(std::size_t slice, std::uint32_t from, std::uint32_t to);
  std::vector<std::uint16_t> expected_keys(std::span<const std::uint16_t> key_of,
                                           KeyPort port) const;
  std::uint64_t slice_of_key(std::uint16_t key) const;
  std::vector<std::uint32_t> hosts_of(const fabric::Cut& cut) const;
  std::string port_name(KeyPort port) const;
  std::string switch_name(std::uint32_t number) const;

  // Watching (opensm_watch.cpp)
  void poll_manager(std::vector<FabricEvent>& out);
  void poll_ports(std::vector<FabricEvent>& out);
  void watch_ports();
  void read_states(std::vector<std::optional<PortState>>& states);

  const fabric::Rail& rail() const { return fabric_->rails[0]; }

  std::unique_ptr<const fabric::Fabric> fabric_;
  OpenSmOptions options_;
  std::unique_ptr<SmpPort> port_;
  FabricReader reader_;
  Manager manager_;
  fabric::Masks present_;
  std::uint32_t manager_host_ = UINT32_MAX;

  // What was applied last.
  Epoch epoch_;
  std::vector<fabric::Placed> slices_;
  fabric::Tables tables_;
  std::vector<std::uint16_t> key_of_;
  bool applied_ = false;  // else key_of_ is what the ports held at first, and the rest unknown
  FileMark table_mark_, partition_mark_;  // of the files when they were written

  // Rows for switches, kept while the links are the same.
  std::optional<fabric::Tables> switch_rows_;
  fabric::Cut failed_;  // of the last plan

  // Watching
  struct Watched {
    SwitchPort ends[2];  // of a host both the same
    fabric::Cut cut;     // the link or host behind it
    bool host = false;
    std::string what;
    bool up = true;
  };
  std::vector<Watched> watched_;
  std::optional<Manager::Process> process_;
  Clock::time_point next_poll_{};
  std::optional<Clock::time_point> half_up_since_;  // some port is
};

}  // namespace weft::broker
