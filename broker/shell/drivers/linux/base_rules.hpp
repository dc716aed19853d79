// The rules that every switch has, whatever slices there are: what refuses, and what lets a leaf
// answer its own hosts. See tables.hpp. Thread: one at a time. Errors: os.error.
#pragma once
#include <string>
#include <vector>

#include "broker/shell/drivers/linux/kernel.hpp"
#include "broker/shell/drivers/linux/places.hpp"

namespace weft::broker::netns {

// Preferences. `answers` is the number of its table too.
inline constexpr std::uint32_t answers = 900, of_slices = 1'000, tells = 19'000, refuses = 20'000;

RuleRow deny_rule();
RuleRow answer_rule();
// What refuses: the rule above first, then a leaf's that tell an honest host so.
std::vector<RuleRow> refusals(const Places& places, At at);
std::string words(const RuleRow& row);

// Those of refusals() that are missing.
Result<void> deny_all(Kernel& kernel, const Places& places, At at);
Result<void> answer_hosts(Kernel& kernel, const Places& places, At at, Devices& devices);

}  // namespace weft::broker::netns
