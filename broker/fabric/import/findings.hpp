// Private to broker/fabric/import: what is found wrong or odd while a topology file is read.
#pragma once
#include <algorithm>
#include <string>
#include <utility>

#include "base/limits.hpp"
#include "broker/fabric/import/load.hpp"

namespace weft::broker::fabric {

class Findings {
 public:
  void problem(int line, int column, Code code, std::string text) {
    if (problems_.size() < kept) problems_.push_back({line, column, code, {}, std::move(text)});
  }
  void warning(int line, Code code, std::string text) {
    if (warnings_.size() < kept)
      warnings_.push_back({line, 1, code, {}, std::move(text)});
    else
      ++more_warnings_;
  }
  bool clean() const { return problems_.empty(); }
  bool full() const { return problems_.size() >= kept; }

  void move_into(Loaded& out) {
    in_order(problems_);
    in_order(warnings_);
    problems_.resize(std::min(problems_.size(), static_cast<std::size_t>(limits::spec_errors_max)));
    out.problems = std::move(problems_);
    out.warnings = std::move(warnings_);
    out.more_warnings = more_warnings_;
  }

 private:
  static constexpr std::size_t kept = limits::fabric_warnings_max;
  static void in_order(std::vector<Problem>& list) {
    std::stable_sort(list.begin(), list.end(), [](const Problem& a, const Problem& b) {
      return std::pair(a.line, a.column) < std::pair(b.line, b.column);
    });
  }
  std::vector<Problem> problems_, warnings_;
  std::uint64_t more_warnings_ = 0;
};

}  // namespace weft::broker::fabric
