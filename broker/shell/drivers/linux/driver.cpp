#include "broker/shell/drivers/linux/driver.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>

#include "broker/shell/drivers/linux/enter.hpp"
#include "broker/shell/drivers/linux/namespaces.hpp"
#include "broker/shell/drivers/linux/tables.hpp"
#include "broker/shell/drivers/linux/watching.hpp"

namespace weft::broker {
namespace netns {
namespace {

using fabric::Placed;

constexpr std::uint64_t probes_max = 20'000;  // a verification: 0.4 s

class Stopwatch {
 public:
  std::int64_t lap() {  // milliseconds since the last one
    const auto now = std::chrono::steady_clock::now();
    return std::chrono::duration_cast<std::chrono::milliseconds>(now - std::exchange(last_, now))
        .count();
  }

 private:
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

void add(fabric::VerifyReport& report, fabric::Difference difference) {
  if (report.differences.size() < fabric::differences_max)
    report.differences.push_back(std::move(difference));
  else
    ++report.more_differences;
}

class LinuxDriver : public Driver {
 public:
  LinuxDriver(const fabric::Fabric& model, std::string tag)
      : model_(model), places_(model_, std::move(tag)) {}

  Result<void> open() {
    for (const At at : places_.switches()) {
      auto kernel = Kernel::open(places_.space(at));
      if (!kernel) return tl::make_unexpected(kernel.error());
      tables_.emplace_back(places_, at, std::move(*kernel));
    }
    auto watching = Watching::open(places_);
    if (!watching) return tl::make_unexpected(watching.error());
    watching_.emplace(std::move(*watching));
    return {};
  }

  std::string_view name() const override { return "linux"; }
  Isolation isolation() const override { return Isolation::enforced; }
  Result<Applied> apply(const Transition& target) override;
  Result<Applied> verify(std::span<const std::uint64_t> slices) override;
  Result<std::vector<FabricEvent>> watch(Duration patience) override {
    return watching_->wait(patience, [this](std::uint32_t host) { return slice_of(host); });
  }

 private:
  using Step = Result<void> (Tables::*)(const SwitchPlan&);
  Result<void> everywhere(const std::vector<SwitchPlan>& wanted, Step step) {
    for (std::size_t i = 0; i < tables_.size(); ++i)
      if (auto done = (tables_[i].*step)(wanted[i]); !done) return done;
    return {};
  }
  Result<void> look() {
    for (Tables& one : tables_)
      if (auto seen = one.look(); !seen) return seen;
    return {};
  }
  Result<void> bring(const std::vector<SwitchPlan>& wanted);
  std::vector<fabric::Difference> restore_hosts();
  fabric::VerifyReport check(std::span<const std::uint64_t> slices);
  void probe_outside(std::span<const std::uint64_t> slices, const fabric::Observed& observed,
                     fabric::VerifyReport& report);
  Hop next(At at, Hop in, std::uint32_t from, std::uint32_t to, fabric::VerifyReport& broken);
  std::uint64_t slice_of(std::uint32_t host) const {
    return host < owner_.size() ? owner_[host] : 0;
  }

  const fabric::Fabric model_;
  const Places places_;
  std::vector<Tables> tables_;  // by position in places_.switches()
  std::optional<Watching> watching_;
  Epoch epoch_;
  std::vector<Placed> slices_;        // applied last
  std::vector<SwitchPlan> wanted_;    // of them
  std::vector<std::uint64_t> owner_;  // slice by host; 0: none
};

// Hosts whose link was down have lost their gateway. One that can't be put right (it took its own
// interface away, say) is its slice's trouble and nobody else's.
std::vector<fabric::Difference> LinuxDriver::restore_hosts() {
  std::vector<fabric::Difference> out;
  for (const std::uint32_t host : places_.hosts())
    if (slice_of(host) != 0)
      if (auto done = configure_host(places_, host); !done)
        out.push_back({slice_of(host), places_.name(host) + ": " + done.error().detail});
  return out;
}

Result<void> LinuxDriver::bring(const std::vector<SwitchPlan>& wanted) {
  for (const Step step : {&Tables::revoke, &Tables::forward, &Tables::admit})
    if (auto done = everywhere(wanted, step); !done) return done;
  for (Tables& one : tables_)
    if (auto done = one.flush(); !done) return done;
  return {};
}

Result<Applied> LinuxDriver::apply(const Transition& target) {
  if (target.epoch < epoch_)
    return fail(Code::epoch_fenced, fmt::format("epoch {} is over: {} has been applied",
                                                target.epoch.value, epoch_.value));
  for (std::size_t i = 0; i < target.slices.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (table_of(target.slices[i].slice, false) == table_of(target.slices[j].slice, false))
        return fail(Code::internal, fmt::format("slices {} and {} would share a table",
                                                target.slices[j].slice, target.slices[i].slice));
  epoch_ = target.epoch;
  Applied out;
  Stopwatch watch;
  wanted_ = plan(places_, target.slices, target.failed);
  slices_ = target.slices;
  owner_.assign(places_.tree().hosts(), 0);
  for (const Placed& slice : slices_)
    for (const auto& leaf : slice.cut.leaves)
      for (std::uint32_t slot = 0; slot < places_.tree().hosts_per_leaf; ++slot)
        if (leaf.hosts >> slot & 1)
          owner_[leaf.leaf * places_.tree().hosts_per_leaf + slot] = slice.slice;
  out.phases.plan = watch.lap();
  for (int tries = 0; tries < 2; ++tries) {  // on a difference once more
    if (auto seen = look(); !seen) return tl::make_unexpected(seen.error());
    const auto broken_hosts = restore_hosts();
    if (auto done = bring(wanted_); !done) return tl::make_unexpected(done.error());
    out.phases.apply += watch.lap();
    if (auto seen = look(); !seen) return tl::make_unexpected(seen.error());
    out.phases.read_back += watch.lap();
    out.report = check(target.fresh);
    for (const auto& one : broken_hosts) add(out.report, one);
    out.phases.verify += watch.lap();
    if (out.report.differences.empty()) break;
  }
  return out;
}

Result<Applied> LinuxDriver::verify(std::span<const std::uint64_t> slices) {
  Applied out;
  Stopwatch watch;
  if (wanted_.empty()) wanted_ = plan(places_, {}, {});
  if (auto seen = look(); !seen) return tl::make_unexpected(seen.error());
  out.phases.read_back = watch.lap();
  out.report = check(slices);
  out.phases.verify = watch.lap();
  return out;
}

Hop LinuxDriver::next(At at, Hop in, std::uint32_t from, std::uint32_t to,
                      fabric::VerifyReport& broken) {
  const auto& all = places_.switches();
  const auto found = std::ranges::find(all, at);
  if (found == all.end()) return {};
  auto hop = tables_[static_cast<std::size_t>(found - all.begin())].next(in, from, to);
  if (hop) return *hop;
  add(broken, {0, places_.name(at) + ": " + hop.error().detail});
  return {};
}

// From every host of these slices to every host that isn't theirs, and back, as far as the limit
// goes; the verifier's own probes are one host a leaf, and free hosts aren't among them.
void LinuxDriver::probe_outside(std::span<const std::uint64_t> slices,
                                const fabric::Observed& observed, fabric::VerifyReport& report) {
  std::uint64_t left = probes_max;
  for (const std::uint64_t slice : slices)
    for (const std::uint32_t mine : places_.hosts()) {
      if (slice_of(mine) != slice) continue;
      for (const std::uint32_t other : places_.hosts()) {
        if (slice_of(other) == slice || left < 2) continue;
        left -= 2;
        report.negative_probes += 2;
        for (const auto& [from, to] : {std::pair(mine, other), std::pair(other, mine)})
          if (observed.admitted(from, to))
            add(report,
                {slice, fmt::format("{} may send to {}, and one of them is not of the slice",
                                    places_.name(from), places_.name(to))});
      }
    }
}

fabric::VerifyReport LinuxDriver::check(std::span<const std::uint64_t> slices) {
  std::vector<std::size_t> wanted;
  for (std::size_t i = 0; i < slices_.size(); ++i)
    if (std::ranges::find(slices, slices_[i].slice) != slices.end()) wanted.push_back(i);
  fabric::VerifyReport broken;  // what could not be read
  fabric::Observed observed;
  observed.next_from = [&](At at, Hop in, std::uint32_t from, std::uint32_t to) {
    return next(at, in, from, to, broken);
  };
  observed.admitted = [&](std::uint32_t from, std::uint32_t to) {
    const std::uint32_t per_leaf = places_.tree().hosts_per_leaf;
    const Hop in{Hop::Way::down, from % per_leaf};
    return next({Tier::leaf, from / per_leaf}, in, from, to, broken).way != Hop::Way::none;
  };
  observed.name = [&](At at) { return places_.name(at); };
  observed.host_name = [&](std::uint32_t host) { return places_.name(host); };
  auto report = fabric::verify(places_.tree(), slices_, wanted, observed);
  probe_outside(slices, observed, report);
  for (auto& one : broken.differences) add(report, std::move(one));
  // Row by row as well: the probes are samples.
  for (std::size_t i = 0; i < tables_.size(); ++i)
    for (auto& one : tables_[i].differences(wanted_[i], slices)) add(report, std::move(one));
  return report;
}

}  // namespace

}  // namespace netns

Result<std::unique_ptr<Driver>> open_linux_driver(const fabric::Fabric& model, std::string tag) {
  if (model.rails.size() != 1)
    return fail(Code::spec_unsupported, "rails: the linux driver has one rail");
  auto out = std::make_unique<netns::LinuxDriver>(model, std::move(tag));
  if (auto opened = out->open(); !opened) return tl::make_unexpected(opened.error());
  return out;
}

}  // namespace weft::broker
