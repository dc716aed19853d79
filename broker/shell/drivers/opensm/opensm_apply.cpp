#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "broker/fabric/opensm/config.hpp"
#include "broker/fabric/opensm/lft_file.hpp"
#include "broker/shell/drivers/opensm/files.hpp"
#include "broker/shell/drivers/opensm/opensm_class.hpp"

namespace weft::broker {
namespace {

constexpr std::size_t sample_max = 16;  // looked at while OpenSM sweeps: reading slows it down
constexpr std::size_t reach_differences_max = 100;
// A HUP that nothing seems to follow is sent again: whether one can go unheard was not established,
// and a second one does no harm.
constexpr std::int64_t unheard_ms = 500, unheard_ms_per_host = 3;  // several times a good reload
constexpr auto settle_sleep_min = std::chrono::milliseconds(2);
constexpr auto settle_sleep_max = std::chrono::milliseconds(20);

std::int64_t ms_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                               start)
      .count();
}

template <class T>
std::set<T> first_of(const std::set<T>& all) {
  std::set<T> out;
  for (const T& item : all) {
    if (out.size() == sample_max) break;
    out.insert(item);
  }
  return out;
}

bool nothing(const ReadScope& scope) { return scope.blocks.empty() && scope.ports.empty(); }

// A file that was there before weft is kept under another name, once.
void keep_foreign(const std::string& path, bool ours) {
  const std::string kept = path + ".before-weft";
  if (!ours && ::access(path.c_str(), F_OK) == 0 && ::access(kept.c_str(), F_OK) != 0)
    ::rename(path.c_str(), kept.c_str());
}

}  // namespace

FileMark mark_of(const std::string& path) {
  struct stat s{};
  if (::stat(path.c_str(), &s) != 0) return {};
  return {s.st_ino, static_cast<std::uint64_t>(s.st_size),
          s.st_mtim.tv_sec * 1'000'000'000LL + s.st_mtim.tv_nsec};
}

Result<void> prepare_opensm(const fabric::Rail& rail, const std::string& folder) {
  if (auto good = fabric::check_lids(rail); !good) return good;
  const fabric::Masks there = fabric::present(rail);
  fabric::Tables tables = fabric::switch_tables(rail, there);
  fabric::add_hosts(tables, rail, fabric::Routes(there, {}));
  for (const auto& [name, text] :
       {std::pair("osm.conf", fabric::osm_conf_text(folder)),
        std::pair("guid2lid", fabric::guid2lid_text(rail)),
        std::pair("partitions.conf", fabric::partitions_text({}, Epoch{})),
        std::pair("lfts.txt", fabric::lft_text(rail, tables, Epoch{}))}) {
    const std::string path = folder + "/" + name;
    if (::access(path.c_str(), F_OK) == 0) continue;
    if (auto written = replace_file(path, text); !written) return written;
  }
  return {};
}

Result<Applied> OpenSmDriver::apply(const Transition& target) {
  if (target.epoch < epoch_)
    return fail(Code::epoch_fenced, fmt::format("the fabric was programmed by epoch {}, this is {}",
                                                epoch_.value, target.epoch.value));
  Applied out;
  const auto start = Clock::now();
  auto planned = plan(target);
  if (!planned) return tl::make_unexpected(planned.error());
  if (!options_.read_only && manager_.find().pid == 0) {
    if (auto told = manager_.reload(); !told) return tl::make_unexpected(told.error());
  }
  const auto wanted = concerned(*planned, target);
  out.phases.plan = ms_since(start);

  const auto applying = Clock::now();
  auto differences = free_what_leaves(*planned);
  if (!differences) return tl::make_unexpected(differences.error());
  ReadScope all = scope(planned->slices, wanted);
  if (differences->empty()) {
    for (std::uint32_t h = 0; h < key_of_.size(); ++h)
      if (key_of_[h] != planned->key_of[h]) all.ports.insert({KeyPort{h, false}, KeyPort{h, true}});
    differences = reach(*planned, all, false);
    if (!differences) return tl::make_unexpected(differences.error());
    if (!options_.read_only) {
      take_over(*planned);
      epoch_ = planned->epoch;
      applied_ = true;
    }
  }
  out.phases.apply = ms_since(applying);
  if (options_.read_only) {  // all that can be said, whatever differs
    find_manager_host();
    take_over(*planned);
    out.report = check(wanted, out.phases);
    return out;
  }
  if (differences->empty()) out.report = check(wanted, out.phases);
  if (differences->empty() && !out.report.differences.empty()) {
    // Something else than the slices' own is wrong, e.g. a foreign host with a key: once more.
    for (std::uint32_t h = 0; h < key_of_.size(); ++h)
      if (!rail().hosts[h].name.empty()) all.ports.insert({KeyPort{h, false}, KeyPort{h, true}});
    const auto again = Clock::now();
    differences = reach(*planned, all, false);
    if (!differences) return tl::make_unexpected(differences.error());
    out.phases.apply += ms_since(again);
    out.report = check(wanted, out.phases);
  }
  for (auto& d : *differences) out.report.differences.push_back(std::move(d));
  return out;
}

// What is checked against from now.
void OpenSmDriver::take_over(const OpenSmPlan& plan) {
  slices_ = plan.slices;
  key_of_ = plan.key_of;
  tables_ = plan.tables;
}

// Step (2): keys of what leaves are gone before anything of it is another's.
Result<OpenSmDriver::Differences> OpenSmDriver::free_what_leaves(OpenSmPlan& plan) {
  if (!plan.between_text || options_.read_only) return Differences{};
  ReadScope leaving;
  for (std::uint32_t h = 0; h < key_of_.size(); ++h)
    if (key_of_[h] != plan.key_between[h])
      leaving.ports.insert({KeyPort{h, false}, KeyPort{h, true}});
  auto differences = reach(plan, leaving, true);
  if (differences && differences->empty()) key_of_ = plan.key_between;
  return differences;
}

// Writes, reloads and waits; once more if the fabric does not become what it should.
Result<OpenSmDriver::Differences> OpenSmDriver::reach(OpenSmPlan& plan, const ReadScope& scope,
                                                      bool between) {
  Differences differences;
  const std::string partitions = options_.folder + "/partitions.conf";
  const bool files_stay = !between && applied_ && plan.table_text.empty() &&
                          mark_of(partitions) == partition_mark_ && key_of_ == plan.key_of &&
                          slices_ == plan.slices;
  if (files_stay || options_.read_only) {
    ReadScope different;
    differences = compare(plan, scope, between, different);
    if (options_.read_only || nothing(different)) return differences;
  }
  for (const bool again : {false, true}) {
    if (auto written = write(plan, between, again); !written)
      return tl::make_unexpected(written.error());
    if (auto told = manager_.reload(); !told) return tl::make_unexpected(told.error());
    differences = settle(plan, scope, between);
    if (differences.empty()) break;
  }
  return differences;
}

Result<void> OpenSmDriver::write(OpenSmPlan& plan, bool between, bool again) {
  const std::string tables = options_.folder + "/lfts.txt";
  const std::string partitions = options_.folder + "/partitions.conf";
  if (!between && again && plan.table_text.empty())
    plan.table_text = lft_text(rail(), plan.tables, plan.epoch);
  if (!applied_) {
    keep_foreign(tables, fabric::lft_epoch(whole_file(tables).value_or("")).value != 0);
    keep_foreign(partitions,
                 fabric::parse_partitions(whole_file(partitions).value_or("")).has_value());
  }
  if (!between && !plan.table_text.empty()) {
    if (auto good = replace_file(tables, plan.table_text); !good) return good;
    table_mark_ = mark_of(tables);
  }
  auto written = replace_file(partitions, between ? *plan.between_text : plan.partition_text);
  partition_mark_ = written ? mark_of(partitions) : FileMark{};
  return written;
}

// Decided by what the fabric holds, never by OpenSM's words: the log is late, and sweeps that other
// things start say the same.
OpenSmDriver::Differences OpenSmDriver::settle(const OpenSmPlan& plan, const ReadScope& scope,
                                               bool between) {
  const auto start = Clock::now();
  const auto until = start + std::chrono::milliseconds(options_.settle_max.ms);
  auto sleep = settle_sleep_min;
  const auto hosts = static_cast<std::int64_t>(rail().hosts.size());
  auto unheard = std::chrono::milliseconds(unheard_ms + unheard_ms_per_host * hosts);
  auto tell_again = start + unheard;
  find_manager_host();
  // A sample at first: nothing has happened yet, and to read it all would only hold OpenSM up.
  ReadScope pending;
  Differences differences =
      compare(plan, {first_of(scope.blocks), first_of(scope.ports)}, between, pending);
  if (nothing(pending)) differences = compare(plan, scope, between, pending);
  while (!nothing(pending) && Clock::now() < until) {
    if (Clock::now() > tell_again) {
      if (!manager_.reload()) return differences;  // it is gone: nothing to wait for
      unheard *= 2;
      tell_again = Clock::now() + unheard;
    }
    std::this_thread::sleep_for(sleep);
    sleep = std::min(2 * sleep, settle_sleep_max);
    find_manager_host();
    ReadScope still;
    differences =
        compare(plan, {first_of(pending.blocks), first_of(pending.ports)}, between, still);
    if (!nothing(still)) continue;
    differences = compare(plan, scope, between, still);
    pending = std::move(still);
  }
  return differences;
}

OpenSmDriver::Differences OpenSmDriver::compare(const OpenSmPlan& plan, const ReadScope& scope,
                                                bool between, ReadScope& different) {
  Differences out;
  const auto differ = [&](std::uint64_t slice, auto&& text) {
    if (out.size() < reach_differences_max) out.push_back({slice, text()});
  };
  const std::vector<TableBlock> blocks(scope.blocks.begin(), scope.blocks.end());
  const auto tables = between ? std::vector<std::optional<FabricReader::Rows>>(blocks.size())
                              : reader_.tables(blocks);
  for (std::size_t i = 0; i < blocks.size() && !between; ++i) {
    const auto& want = plan.tables.of[blocks[i].of];
    const std::uint32_t first = blocks[i].block * FabricReader::lids_per_block;
    for (std::uint32_t k = 0; k < FabricReader::lids_per_block && first + k < want.size(); ++k) {
      if (tables[i] && (*tables[i])[k] == want[first + k]) continue;
      if (first + k == 0) continue;
      different.blocks.insert(blocks[i]);
      differ(0, [&] {
        return tables[i] ? fmt::format("{}: LID {} goes to port {}, planned {}",
                                       switch_name(blocks[i].of), first + k, (*tables[i])[k],
                                       want[first + k])
                         : switch_name(blocks[i].of) + ": its table can't be read";
      });
      break;
    }
  }
  const std::vector<KeyPort> ports(scope.ports.begin(), scope.ports.end());
  const auto keys = reader_.keys(ports, false);
  for (std::size_t i = 0; i < ports.size(); ++i) {
    const auto want = expected_keys(between ? plan.key_between : plan.key_of, ports[i]);
    if (keys[i] == want) continue;
    different.ports.insert(ports[i]);
    differ(0, [&] {
      return keys[i] ? fmt::format("{}: P_Keys {:#x}, planned {:#x}", port_name(ports[i]),
                                   fmt::join(*keys[i], " "), fmt::join(want, " "))
                     : port_name(ports[i]) + ": its P_Keys can't be read";
    });
  }
  return out;
}

}  // namespace weft::broker
