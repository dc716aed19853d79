// Feeds a worker's core and picks what came out.
#pragma once
#include <gtest/gtest.h>

#include "worker/core/worker.hpp"

namespace weft::worker {

inline Prepare prepare(std::uint64_t id, std::uint32_t nodes = 1, std::uint32_t ranks = 2,
                       std::uint32_t index = 0) {
  Prepare p;
  p.attempt = {id};
  p.job = {id + 100};
  p.lease = {id + 200};
  p.node_index = index;
  for (std::uint32_t i = 0; i < nodes; ++i)
    p.gang.push_back({"n" + std::to_string(i), "10.0.0." + std::to_string(i + 1)});
  p.spec.nodes = nodes;
  p.spec.ranks_per_node = ranks;
  p.spec.run = {"train"};
  p.lease_left = hours(1);
  return p;
}

inline HolderTold told(std::uint64_t id, bool released = false) {
  HolderTold t;
  t.attempt = {id};
  t.prepared = true;
  t.released = released;
  return t;
}

inline RankEnd rank_end(std::uint32_t rank, RankState state = RankState::exited, int status = 0) {
  return {rank, state, status, false, "last words"};
}

struct Drive {
  Worker worker;
  Instant now{1'000};
  Effects out;

  Drive() {
    Began began;
    began.epoch = {3};
    began.node_name = "n0";
    feed(began);
  }
  Effects& feed(const Event& event) { return out = worker.step(now, event); }
  Effects& order(OrderBody body, std::uint64_t epoch = 3) {
    return feed(OrderCame{{epoch}, std::move(body)});
  }
  Effects& pass(Duration d) {
    now = now + d;
    return feed(TimePassed{});
  }
  // A running attempt; the link is up.
  void running(const Prepare& p) {
    feed(LinkUp{});
    order(p);
    feed(told(p.attempt.value));
    order(Go{p.attempt, p.lease_left});
    feed(told(p.attempt.value, true));
  }
  template <class T>
  std::vector<T> all() const {
    std::vector<T> found;
    for (const Effect& e : out)
      if (const T* one = std::get_if<T>(&e)) found.push_back(*one);
    return found;
  }
  template <class R>
  std::vector<R> reports() const {
    std::vector<R> found;
    for (const SendReport& s : all<SendReport>())
      if (const R* one = std::get_if<R>(&s.body)) found.push_back(*one);
    return found;
  }
  template <class H>
  std::vector<std::pair<std::uint32_t, H>> heard() const {  // by which rank
    std::vector<std::pair<std::uint32_t, H>> found;
    for (const TellRank& t : all<TellRank>())
      if (const H* one = std::get_if<H>(&t.body)) found.emplace_back(t.rank, *one);
    return found;
  }
  template <class H>
  std::vector<H> holder() const {
    std::vector<H> found;
    for (const TellHolder& t : all<TellHolder>())
      if (const H* one = std::get_if<H>(&t.body)) found.push_back(*one);
    return found;
  }
};

}  // namespace weft::worker
