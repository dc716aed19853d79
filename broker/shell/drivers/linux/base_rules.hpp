// The rules that every switch has, whatever slices there are: what refuses, and what lets a leaf
// answer its own hosts. See tables.hpp. Thread: one at a time. Errors: os.error.
#pragma once
#include <string>

#include "broker/shell/drivers/linux/kernel.hpp"
#include "broker/shell/drivers/linux/places.hpp"

namespace weft::broker::netns {

// Preferences. `answers` is the number of its table too.
inline constexpr std::uint32_t answers = 900, of_slices = 1'000, refuses = 20'000;

RuleRow deny_rule();
RuleRow answer_rule();
std::string words(const RuleRow& row);

Result<void> deny_all(Kernel& kernel);
Result<void> answer_hosts(Kernel& kernel, const Places& places, At at, Devices& devices);

}  // namespace weft::broker::netns
